"""Where the bytes of erased items are: followed from the catalog to the store, until none is left.

A blob that another item holds as well stays, and is counted. It is known for sure once a whole round of gc that
began after the erasure is through: what has a place then is referenced.
"""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Sum

from apps.core import clock
from apps.core.sight import whole_sight
from apps.vault.api import collected_since, packs_there, places_of

from ..enums import ErasureState
from ..models import ErasedPlace, Erasure


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


@whole_sight("bytes are followed whoever sees the mailbox")
def follow_open(account_id: int) -> None:
    """Note where the bytes of all erasures lie now: gc moves them."""
    for erasure in _open(account_id):
        follow(erasure, {bytes(row.blob_id) for row in erasure.places.all()})


@whole_sight("bytes are followed whoever sees the mailbox")
def packs_to_empty(account_id: int) -> set[int]:
    """Return packs that hold bytes of blobs whose place is gone: gc rewrites them, however full they are."""
    return {pack for erasure in _open(account_id) for pack in _packs_with_remains(erasure)}


def look_for_bytes(erasure: Erasure) -> bool:
    """Write down that the bytes are gone, once they are. True when there is nothing left to look for."""
    if erasure.bytes_gone_at is not None:
        return True
    assert erasure.settled_at is not None
    blobs = {bytes(row.blob_id) for row in erasure.places.all()}
    follow(erasure, blobs)
    if not collected_since(erasure.settled_at) or packs_there(_packs_with_remains(erasure)) or erasure.left:
        return False
    erasure.shared = len({blob_id for blob_id, _ in places_of(erasure.account_id, blobs)})
    erasure.bytes_gone_at = clock.now()
    erasure.save(update_fields=["shared", "bytes_gone_at"])
    erasure.places.all().delete()
    return True


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


def _open(account_id: int) -> list[Erasure]:
    rows = Erasure.objects.filter(account_id=account_id, bytes_gone_at=None)
    return list(rows.filter(state__in=(ErasureState.ERASING, ErasureState.DONE)).order_by("pk"))
