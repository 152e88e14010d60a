"""Where the bytes of erased items are: followed from the catalog to the store, until none is left.

They are followed from the order on: the versions may go before it is carried out, with their mailbox or by
retention, and gc moves bytes at any time.

A blob that another item holds as well stays, and is counted. A place alone does not say so: gc lets be what is
in packs of the last day. So what still has a place after a whole round is looked for in the references.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Final

from django.db.models import Sum

from apps.core import clock
from apps.core.sight import whole_sight
from apps.vault.api import collected_since, objects_there, packs_there, places_of, referenced

from ..catalog import in_batches
from ..damage import blobs_of
from ..enums import ErasureState
from ..models import Entity, ErasedPlace, Erasure, NodeVersion
from ..registry import kept_elsewhere, remains_elsewhere
from .chosen import versions_of

ORDERED: Final = (ErasureState.WAITING, ErasureState.ERASING)
BEGUN: Final = (ErasureState.ERASING, ErasureState.DONE)
_JUDGED: Final = "looked at after the round of"  # in `proof`: the references are read once for each round


def follow(erasure: Erasure, blob_ids: Collection[bytes]) -> None:
    """Note where these blobs lie."""
    known = {(bytes(row.blob_id), row.pack_row) for row in erasure.places.all()}
    found = set[tuple[bytes, int | None]](places_of(erasure.account_id, blob_ids))
    found |= {(blob_id, None) for blob_id in set(blob_ids) - {blob_id for blob_id, _ in found}}
    ErasedPlace.objects.bulk_create(
        [
            ErasedPlace(account_id=erasure.account_id, erasure=erasure, blob_id=blob_id, pack_row=pack_row)
            for blob_id, pack_row in sorted(found - known, key=lambda each: (each[0], each[1] or 0))
        ],
        ignore_conflicts=True,
        batch_size=500,
    )


def follow_versions(erasure: Erasure) -> None:
    """Note where the bytes lie of all that is kept of its items now."""
    if erasure.entity is None:
        return
    keys: dict[str, set[str]] = {}
    for kind, key in erasure.items.filter(erased_at=None).values_list("sub_service", "key"):
        keys.setdefault(kind, set()).add(key)
    blobs = set[bytes]()
    for kind, some in sorted(keys.items()):
        for ids in in_batches(versions_of(erasure.entity, kind, some)):
            contents = NodeVersion.objects.filter(pk__in=ids).values_list("content", flat=True)
            blobs.update(blob for content in contents for blob in blobs_of(bytes(content)))
    for content in kept_elsewhere(erasure.entity.public_id, set[str]().union(*keys.values())):
        blobs |= blobs_of(content)
    follow(erasure, blobs)


@whole_sight("bytes are followed whoever sees the mailbox")
def follow_ordered(entity: Entity) -> None:
    """Versions of the mailbox are about to go: note where the bytes of what is ordered lie. Under its lease."""
    for erasure in Erasure.objects.filter(entity=entity, state__in=ORDERED).order_by("pk"):
        follow_versions(erasure)


@whole_sight("bytes are followed whoever sees the mailbox")
def follow_open(account_id: int) -> None:
    """Note where the bytes of all erasures lie now: gc moves them."""
    for erasure in _open(account_id, {*ORDERED, *BEGUN}):
        follow(erasure, {bytes(row.blob_id) for row in erasure.places.all()})


@whole_sight("bytes are followed whoever sees the mailbox")
def packs_to_empty(account_id: int) -> set[int]:
    """Return packs that hold bytes of blobs whose place is gone: gc rewrites them, however full they are."""
    return {pack for erasure in _open(account_id, BEGUN) for pack in _packs_with_remains(erasure)}


def look_for_bytes(erasure: Erasure, records_clean: Callable[[Erasure], bool]) -> bool:
    """Write down that the bytes are gone, once they are. True when there is nothing left to look for.

    `records_clean` is asked last of all but the references.
    """
    if erasure.bytes_gone_at is not None:
        return True
    assert erasure.settled_at is not None
    blobs = {bytes(row.blob_id) for row in erasure.places.all()}
    follow(erasure, blobs)
    collected = collected_since(erasure.settled_at)
    if collected is None or packs_there(_packs_with_remains(erasure)) or erasure.left:
        return False
    if remains_elsewhere(erasure.account_id):
        return False
    if objects_there(erasure.account_id, _packs_with_remains(erasure)) or not records_clean(erasure):
        return False
    if (shared := _shared(erasure, blobs, collected)) is None:
        return False
    erasure.shared = shared
    erasure.bytes_gone_at = clock.now()
    erasure.save(update_fields=["shared", "bytes_gone_at"])
    erasure.places.all().delete()
    return True


def _shared(erasure: Erasure, blobs: Collection[bytes], collected: datetime) -> int | None:
    """Count what still has a place since something else names it; None while nothing names some of it."""
    placed = {blob_id for blob_id, _ in places_of(erasure.account_id, blobs)}
    if not placed:
        return 0
    round_said = collected.isoformat()
    if erasure.proof.get(_JUDGED) == round_said:
        return None
    if referenced(erasure.account_id, placed) == placed:
        return len(placed)
    erasure.proof = {**erasure.proof, _JUDGED: round_said}
    erasure.save(update_fields=["proof"])
    return None


def locked_until(erasure: Erasure) -> datetime | None:
    """Return until when a store keeps bytes under a lock, as far as we know."""
    days = [day for day in packs_there(_packs_with_remains(erasure)).values() if day and day > clock.now()]
    return max(days, default=None)


@whole_sight("bytes are followed whoever sees the mailbox")
def dead_lately(account_id: int, since: datetime | None) -> int:
    """How many blobs may have lost their last reference by erasures since then, or ever."""
    rows = Erasure.objects.filter(account_id=account_id, references__gt=0)
    if since is not None:
        rows = rows.exclude(settled_at__lte=since)
    return rows.aggregate(all=Sum("references"))["all"] or 0


def _packs_with_remains(erasure: Erasure) -> set[int]:
    """Return packs in which a blob lay that has no place there any more: its bytes are in them still."""
    rows = list(erasure.places.exclude(pack_row=None).values_list("blob_id", "pack_row"))
    there = set(places_of(erasure.account_id, {bytes(blob_id) for blob_id, _ in rows}))
    return {row for blob_id, row in rows if row is not None and (bytes(blob_id), row) not in there}


def _open(account_id: int, states: Collection[ErasureState]) -> list[Erasure]:
    rows = Erasure.objects.filter(account_id=account_id, bytes_gone_at=None)
    return list(rows.filter(state__in=states).order_by("pk"))
