"""Erasure of items, as pages and upper apps ask for it (backups/erasure)."""

from ..erasure.certificate import certificate_file, certificate_of, left_of
from ..erasure.chosen import Keys, One, What, look_at
from ..erasure.order import GRACE, erase_wish, erasure_cancel

__all__ = [
    "GRACE",
    "Keys",
    "One",
    "What",
    "certificate_file",
    "certificate_of",
    "erase_wish",
    "erasure_cancel",
    "left_of",
    "look_at",
]
