"""The numbers and the one decision of garbage collection: when it acts, on what, and when it rather does not.

docs/vault-ordering.md names these constants; a test compares.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from ..errors import GcRefused
from ..store.pack import TARGET_PACK_BYTES

GRACE: Final = timedelta(days=3)  # from the marks to the removal, and before an orphan is deleted
CLOCKS_APART: Final = timedelta(minutes=10)  # how far the clocks of two workers may differ
QUARANTINE: Final = timedelta(days=3)  # a retired pack's object stays: readers may still be in it
BARRED: Final = timedelta(days=365)  # how long the row of a deleted pack bars its id (V14)
SETTLED: Final = timedelta(days=1)  # younger packs are left alone: their run may not be over
EVERY: Final = timedelta(days=7)  # between the starts of two rounds
REWRITE_BELOW: Final = 0.60  # share of a pack's bytes that is live
SMALL_PACK: Final = TARGET_PACK_BYTES // 3
MERGE_FROM: Final = 8  # small packs before merging them is worth the traffic
MAX_DEAD_SHARE: Final = 0.30  # of the recorded blobs
FEW_ORPHANS: Final = 20  # may lie there at any time
MAX_LOST_SHARE: Final = 0.01  # of the referenced blobs


@dataclass(slots=True)
class Census:
    """What a scan counted. `lost` blobs are referenced but have no place."""

    blobs: int = 0
    live: int = 0
    dead: int = 0
    lost: int = 0
    packs: int = 0
    orphans: int = 0
    missing_packs: list[str] = field(default_factory=list)
    explained: int = 0  # so many may be dead because people had something deleted
    snapshots: bool = False  # the catalog has some: then something must be live, whatever was deleted
    chains_ahead: int = 0  # of journals, that hold backups which the catalog does not have


def surprises(census: Census) -> list[str]:
    """Return, in words, what about these numbers is more likely a fault than the truth (V16)."""
    found = []
    unexplained = max(0, census.dead - census.explained)
    if not census.live and (unexplained or (census.dead and census.snapshots)):
        found.append(f"nothing references any of the {census.blobs} blobs")
    elif unexplained > MAX_DEAD_SHARE * census.blobs:
        found.append(f"{census.dead} of {census.blobs} blobs are referenced by nothing")
    if census.lost > MAX_LOST_SHARE * (census.live + census.lost):
        found.append(f"{census.lost} referenced blobs are not recorded")
    if census.orphans > max(FEW_ORPHANS, MAX_DEAD_SHARE * census.packs):
        found.append(f"{census.orphans} packs in the store are not recorded beside {census.packs} that are")
    if census.chains_ahead:
        found.append(
            f"journals hold backups of {census.chains_ahead} lists that are not in the catalog (vault rebuild)"
        )
    if missing := census.missing_packs:
        found.append(f"{len(missing)} packs are missing in the store, such as {missing[0]} (vault heal)")
    return found


def refuse_surprises(census: Census) -> None:
    """Raise GcRefused when the numbers are surprising."""
    if found := surprises(census):
        raise GcRefused(
            f"Garbage collection stopped before removing anything: {'; '.join(found)}.",
            do="Check database and store (manage.py vault check), act on what it finds (manage.py vault heal)."
            " If this is right, repeat with --yes-really.",
        )
