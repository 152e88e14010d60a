"""The second phase: look again, and remove the places of what is still dead (V9). May be killed anywhere."""

from pathlib import Path

from apps.core import clock

from ..enums import GcState
from ..erased import follow_all
from ..marks import take_off
from ..references import writers_gone
from . import rows
from .live import Spool
from .rules import CLOCKS_APART, GRACE, refuse_surprises
from .scan import Scan, judged_marks, note_orders, read_references
from .work import Work, scratch

AT_ONCE = 500


def may_sweep(work: Work) -> bool:
    """Tell whether the grace is over and no writer is left that may know a blob from before the marks (V11)."""
    marked_at = work.round.marked_at
    if marked_at is None or clock.now() < marked_at + GRACE:
        return False
    return writers_gone(work.account_id, marked_at + CLOCKS_APART)


def sweep(work: Work) -> dict[int, int]:
    """Remove the places of blobs that are condemned and still dead; take back the other marks.

    Returns the stored bytes that each pack (by row) holds on to. Raises GcRefused, ReferencesUnreadable,
    VaultBusy.
    """
    work.note(state=GcState.SWEEPING)
    follow_all(work.account_id)
    with scratch() as folder:
        scan, dead, alive = _judge(work, folder)
        note_orders(scan.census, work.account_id)
        if not work.round.forced:
            refuse_surprises(scan.census)
        for batch in alive.batches(AT_ONCE):
            with work.lease.guard():
                take_off(work.account_id, batch)
        for batch in dead.batches(AT_ONCE):
            with work.lease.guard():
                # V10: a writer that stored one of them anew took its mark off, and its place is another's now.
                ours = take_off(work.account_id, batch)
                rows.remove_places(work.account_id, ours)
                work.count(removed=len(ours))
    work.count(removed_bytes=scan.dead_bytes)
    return scan.live_bytes


def _judge(work: Work, folder: Path) -> tuple[Scan, Spool, Spool]:
    live_folder = folder / "live"
    live_folder.mkdir()
    live = read_references(work.account_id, live_folder, work.vault.index.dictionaries(), work.beat)
    scan, dead, alive = Scan(work.account_id, live), Spool(folder / "dead"), Spool(folder / "alive")
    for blob_id, is_dead in judged_marks(scan, work.beat):
        (dead if is_dead else alive).add(blob_id)
    return scan, dead, alive
