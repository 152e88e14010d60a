"""Words of search."""

from .index.results import Order

__all__ = ["Order"]
