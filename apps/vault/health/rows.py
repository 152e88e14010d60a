"""The blob index as checks and healing see it: by pack, with every place of a blob, and to take places away."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from django.db import connection
from django.db.models import Count, QuerySet

from ..index import BATCH, owned_connection
from ..models import BlobLocation, Pack
from ..store.pack import Location, PackFormat

_PLACES: Final = (
    "SELECT b.blob_id, p.pack_id, p.version, p.features,"
    " b.position, b.stored_length, b.raw_length, b.codec, b.kind"
    " FROM vault_blob b JOIN vault_pack p ON p.id = b.pack_row AND p.account_id = b.account_id"
    " WHERE b.account_id = %s AND b.blob_id IN ({})"
)
_IN_PACK: Final = _PLACES + " AND p.pack_id = %s"
_PLACE: Final = ("blob_id", "pack_row", "position", "stored_length", "raw_length", "codec", "kind")


class Rows:
    """The rows of one account's blobs, in the account's scope."""

    def __init__(self, account_id: int) -> None:
        self._account_id = account_id

    def in_pack(self, pack_id: bytes, blob_ids: Collection[bytes]) -> dict[bytes, Location]:
        """Return those of `blob_ids` that lie in this pack, and where."""
        return dict(self._select(_IN_PACK, blob_ids, pack_id))

    def places(self, blob_ids: Collection[bytes]) -> list[tuple[bytes, Location]]:
        """Return each place of each blob: one on every shelf that has it."""
        return list(self._select(_PLACES, blob_ids))

    def in_packs(self, pack_rows: Collection[int]) -> Iterator[tuple[bytes, Location]]:
        """Yield all blobs that lie in these packs (ids of Pack rows). Reads every row of the account once."""
        packs = self._packs(sorted(set(pack_rows)))
        if not packs:
            return
        rows = BlobLocation.objects.filter(account_id=self._account_id)
        if len(packs) <= BATCH:
            rows = rows.filter(pack_row__in=list(packs))
        for row in rows.values_list(*_PLACE).iterator(chunk_size=5_000):
            blob_id, pack_row, at, stored, raw, codec, kind = row
            if pack_row in packs:
                pack_id, written = packs[pack_row]
                yield bytes(blob_id), Location(pack_id, at, stored, raw, codec, kind, written)

    def per_pack(self) -> dict[int, int]:
        """Return how many blobs lie in each pack, by id of its row. Reads every row of the account once."""
        rows = BlobLocation.objects.filter(account_id=self._account_id).order_by()
        return dict(rows.values_list("pack_row").annotate(Count("blob_id")))

    def forget(self, pack_id: bytes, blob_ids: Collection[bytes]) -> None:
        """Take away the places of blobs in a pack, so that the next put stores them anew (V19)."""
        self._placed(pack_id).filter(blob_id__in=list(blob_ids)).delete()

    def correct(self, blob_id: bytes, at: Location) -> None:
        """Write where in its pack a blob really lies."""
        self._placed(at.pack_id).filter(blob_id=blob_id).update(
            position=at.offset, stored_length=at.stored_length, raw_length=at.raw_length, codec=at.codec
        )

    def _placed(self, pack_id: bytes) -> "QuerySet[BlobLocation]":
        packs = list(Pack.objects.filter(pack_id=pack_id).values_list("pk", flat=True))
        return BlobLocation.objects.filter(account_id=self._account_id, pack_row__in=packs)

    def _packs(self, pack_rows: Sequence[int]) -> dict[int, tuple[bytes, PackFormat]]:
        found: dict[int, tuple[bytes, PackFormat]] = {}
        for start in range(0, len(pack_rows), BATCH):
            rows = Pack.objects.filter(pk__in=pack_rows[start : start + BATCH])
            for pk, pack_id, version, features in rows.values_list("pk", "pack_id", "version", "features"):
                found[pk] = bytes(pack_id), PackFormat(version, features)
        return found

    def _select(self, sql: str, blob_ids: Collection[bytes], *more: Any) -> Iterator[tuple[bytes, Location]]:
        wanted = sorted(blob_ids)
        with owned_connection(), connection.cursor() as cursor:
            for start in range(0, len(wanted), BATCH):
                batch = wanted[start : start + BATCH]
                marks = ", ".join(["%s"] * len(batch))
                cursor.execute(sql.format(marks), [self._account_id, *batch, *more])
                for blob_id, *place in cursor.fetchall():
                    yield bytes(blob_id), _location(place)


def _location(row: Sequence[Any]) -> Location:
    pack_id, version, features, *numbers = row
    at, stored, raw, codec, kind = numbers
    return Location(bytes(pack_id), at, stored, raw, codec, kind, PackFormat(version, features))
