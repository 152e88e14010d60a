"""All writes to the catalog of node versions, and the look-ups that decide them.

A run works on a `Draft`: the next snapshot of one sub-service. Its rows carry the next number and stay
invisible until the snapshot row commits, so a run may die anywhere (docs/runs-and-jobs.md, "Order").
"""

from .apply import Applied, apply
from .closing import Listed, finish
from .draft import Draft, Drop, Entry, Keep, Put, begin
from .replay import end_nodes, forget_from, insert_versions
from .reuse import Stored, contents_of, in_batches, stored_contents
from .seen import SeenHashes
from .state import Version
from .totals import Totals, add_up

__all__ = [
    "Applied",
    "Draft",
    "Drop",
    "Entry",
    "Keep",
    "Listed",
    "Put",
    "SeenHashes",
    "Stored",
    "Totals",
    "Version",
    "add_up",
    "apply",
    "begin",
    "contents_of",
    "end_nodes",
    "finish",
    "forget_from",
    "in_batches",
    "insert_versions",
    "stored_contents",
]
