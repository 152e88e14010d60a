"""Garbage collection: giving back the space of what nothing references (docs/vault-ordering.md, V9-V16).

A round has two phases, days apart: `marking` condemns, `sweeping` looks again and removes places. Then
`rewriting` moves what is left of thin and small packs into new ones, and `quarantine` deletes, days later, the
objects of packs that nothing is in. `collect` does of all this what is due; it may be killed anywhere and
called at any time.
"""

from .rounds import collect, rehearsal

__all__ = ["collect", "rehearsal"]
