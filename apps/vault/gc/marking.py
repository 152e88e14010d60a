"""The first phase: condemn what nothing references. Nothing is removed; killed anywhere, it starts again."""

from pathlib import Path
from typing import Final

from apps.core import clock

from ..enums import GcState, PackState
from ..marks import condemn
from ..models import CondemnedBlob, Pack
from .live import Spool
from .orphans import Stored, chains_ahead, compare, note_orphans, revive_returned, stored_packs
from .rules import SETTLED, Census, refuse_surprises
from .scan import Scan, dead_blobs, note_orders, read_references
from .work import Work, scratch

AT_ONCE: Final = 5_000


def mark(work: Work) -> None:
    """V9, first scan.

    1. Forget the marks of an attempt that was killed.
    2. Read all references, then all places; what is in no reference and not quite new is dead.
    3. Compare with the store: packs without a row are orphans, rows without a pack are missing.
    4. Refuse surprising numbers (V16).
    5. Write the marks, and when all are there, the time: writers older than it may still hold dead blobs (V11).

    Raises GcRefused, ReferencesUnreadable, StoreError, VaultBusy.
    """
    forget_marks(work)
    with scratch() as folder:
        census, dead, stored, unknown = _survey(work, folder)
        work.note(blobs=census.blobs, live=census.live, lost=census.lost)
        if not work.round.forced:
            refuse_surprises(census)
        revive_returned(work, stored)
        note_orphans(work, stored, unknown)
        for batch in dead.batches(AT_ONCE):
            with work.lease.guard():
                condemn(work.account_id, batch)
    with work.lease.guard():
        work.note(state=GcState.MARKED, marked_at=clock.now(), condemned=dead.count)


def rehearse(work: Work) -> Census:
    """Count what `mark` would, and write nothing."""
    with scratch() as folder:
        return _survey(work, folder)[0]


def forget_marks(work: Work) -> None:
    """Take all marks off."""
    with work.lease.guard():
        CondemnedBlob.objects.filter(account_id=work.account_id).delete()


def _survey(work: Work, folder: Path) -> tuple[Census, Spool, Stored, list[bytes]]:
    live_folder = folder / "live"
    live_folder.mkdir()
    live = read_references(work.account_id, live_folder, work.vault.index.dictionaries(), work.beat)
    scan, dead = Scan(work.account_id, live), Spool(folder / "dead")
    for blob_id in dead_blobs(scan, _young_packs(), work.beat):
        dead.add(blob_id)
    stored = stored_packs(work.vault)
    scan.census.chains_ahead = chains_ahead(work)
    note_orders(scan.census, work.account_id)
    return scan.census, dead, stored, compare(stored, scan.census)


def _young_packs() -> set[int]:
    recent = Pack.objects.filter(created_at__gt=clock.now() - SETTLED, state=PackState.STORED)
    return set(recent.values_list("pk", flat=True))
