"""The index as others use it: write to it, ask it."""

from .reader import IndexReader
from .results import Cursor, Facets, Found, Hit, Order, Total
from .writer import IndexWriter

__all__ = ["Cursor", "Facets", "Found", "Hit", "IndexReader", "IndexWriter", "Order", "Total"]
