"""Erasure of items, as pages and upper apps ask for it (backups/erasure)."""

from ..erasure.certificate import certificate_file, certificate_of, left_of, reason_of
from ..erasure.chosen import Keys, One, What, holds_on, look_at
from ..erasure.order import GRACE, erase_wish, erasure_cancel
from ..holds import may_name_holds

__all__ = [
    "GRACE",
    "Keys",
    "One",
    "What",
    "certificate_file",
    "certificate_of",
    "erase_wish",
    "erasure_cancel",
    "holds_on",
    "left_of",
    "look_at",
    "may_name_holds",
    "reason_of",
]
