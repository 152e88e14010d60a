"""Reading everything that decides: what is referenced, what is recorded, what lies in the store."""

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..enums import GcState
from ..errors import ReferencesUnreadable
from ..models import GcRound
from ..references import live_blobs, registered_references
from ..registry import catalogs, dead_by_order
from . import rows
from .live import BUCKETS, SHORT, LiveSet
from .rules import Census

Beat = Callable[[], None]
"""Called often: keeps the lease, and raises when it is lost."""


@dataclass(slots=True)
class Scan:
    """References on disk and what was counted so far."""

    account_id: int
    live: LiveSet
    census: Census = field(default_factory=Census)
    live_bytes: dict[int, int] = field(default_factory=dict)  # by pack row: what is not to be removed
    dead_bytes: int = 0


def read_references(account_id: int, folder: Path, always: list[bytes], beat: Beat) -> LiveSet:
    """Return the set of all live blobs; `always` are those that live as long as the vault (dictionaries).

    Raises ReferencesUnreadable, also when no app has registered any: then everything would look dead.
    """
    if not registered_references():
        raise ReferencesUnreadable("No app has registered what is live in this vault.")
    live = LiveSet(folder)
    for blob_id in always:
        live.add(blob_id)
    for group in live_blobs(account_id):
        for blob_id in group:
            live.add(blob_id)
        beat()
    return live


def note_orders(census: Census, account_id: int) -> None:
    """Note what people had deleted since the last round that was carried out began: it swept all before."""
    done = GcRound.objects.filter(state=GcState.DONE).order_by("-pk").first()
    census.explained = dead_by_order(account_id, done.started_at if done else None)
    census.snapshots = any(
        next(iter(catalog.journals(account_id, 0)), None) is not None for _, catalog in catalogs()
    )


def dead_blobs(scan: Scan, young: Container[int], beat: Beat) -> Iterator[bytes]:
    """Yield the id of each recorded blob that nothing references, counting all into the census.

    Blobs in `young` packs (by row) are let be: their run may be about to reference them.
    """
    places = rows.places(scan.account_id)
    for first_byte in range(BUCKETS):
        beat()
        live = scan.live.bucket(first_byte)
        placed, last = 0, b""
        for blob_id, pack_row, _ in places.of(first_byte):
            scan.census.blobs += 1
            if blob_id[SHORT] in live:
                placed += blob_id != last  # it may have a place on each of several shelves
                last = blob_id
                continue
            if pack_row not in young:
                scan.census.dead += 1
                yield blob_id
        scan.census.live += placed
        scan.census.lost += max(0, len(live) - placed)


def judged_marks(scan: Scan, beat: Beat) -> Iterator[tuple[bytes, bool]]:
    """Yield id and "is dead still" of each condemned blob; counts as `dead_blobs` does.

    Fills `live_bytes` with what every pack holds besides, `dead_bytes` with what the dead ones take.
    """
    census, kept = scan.census, scan.live_bytes
    places, marks = rows.places(scan.account_id), rows.marks(scan.account_id)
    for first_byte in range(BUCKETS):
        beat()
        live, marked = scan.live.bucket(first_byte), {blob_id for (blob_id,) in marks.of(first_byte)}
        placed, last = 0, b""
        for blob_id, pack_row, length in places.of(first_byte):
            census.blobs += 1
            is_live = blob_id[SHORT] in live
            placed += is_live and blob_id != last
            last = blob_id
            if blob_id in marked and not is_live:
                census.dead += 1
                scan.dead_bytes += length
            else:
                kept[pack_row] = kept.get(pack_row, 0) + length
        census.live += placed
        census.lost += max(0, len(live) - placed)
        yield from ((blob_id, blob_id[SHORT] not in live) for blob_id in marked)
