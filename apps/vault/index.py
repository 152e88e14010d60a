"""The blob index of one account in the database: looked up in batches, never blob by blob."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from django.db import connection, transaction

from apps.core.bulk import insert_rows
from apps.core.scope import account_scope

from .enums import PackState
from .errors import PackBarred
from .marks import any_marks, take_off
from .models import BlobLocation, Pack, Shelf
from .store.pack import FoundPack, Location, PackFormat, SealedPack

BATCH: Final = 500
_COLUMNS: Final = (
    "account_id", "blob_id", "shelf", "pack_row", "position", "stored_length", "raw_length", "codec", "kind"
)  # fmt: skip
# V10: what garbage collection has marked is not known. Who meets it stores it anew.
_KNOWN: Final = (
    "SELECT b.blob_id FROM vault_blob b WHERE b.account_id = %s AND b.shelf = %s AND b.blob_id IN ({})"
    " AND NOT EXISTS (SELECT 1 FROM vault_condemned c"
    " WHERE c.account_id = b.account_id AND c.blob_id = b.blob_id)"
)
_LOCATE: Final = (
    "SELECT b.blob_id, p.pack_id, p.version, p.features,"
    " b.position, b.stored_length, b.raw_length, b.codec, b.kind, b.shelf = %s AS own"
    " FROM vault_blob b JOIN vault_pack p ON p.id = b.pack_row AND p.account_id = b.account_id"
    " WHERE b.account_id = %s AND b.blob_id IN ({}) ORDER BY own, b.shelf DESC"  # the last one counts
)
# Kind.DICTIONARY spelt out: only so does the partial index serve it.
_DICTIONARIES: Final = "SELECT blob_id FROM vault_blob WHERE account_id = %s AND kind = 2 ORDER BY pack_row"


class DatabaseIndex:
    """A BlobIndex (store/index.py) that may be used from any thread, one at a time.

    What it records lies on `shelf`, in the store with the row `store_row`, and only what lies on that shelf is
    `known` to it: content is stored once on each shelf. `locate` finds a blob on any of them, on
    its own first.
    """

    def __init__(self, account_id: int, store_row: int, shelf: int = 0) -> None:
        self._account_id, self._store_row, self._shelf = account_id, store_row, shelf

    def known(self, blob_ids: Collection[bytes]) -> set[bytes]:
        return {bytes(row[0]) for row in self._select(_KNOWN, (self._account_id, self._shelf), blob_ids)}

    def locate(self, blob_ids: Collection[bytes]) -> dict[bytes, Location]:
        return {
            bytes(blob_id): Location(bytes(pack), at, stored, raw, codec, kind, PackFormat(version, features))
            for blob_id, pack, version, features, at, stored, raw, codec, kind, _ in self._select(
                _LOCATE, (self._shelf, self._account_id), blob_ids
            )
        }

    def dictionaries(self) -> list[bytes]:
        with owned_connection(), connection.cursor() as cursor:
            cursor.execute(_DICTIONARIES, [self._account_id])
            return [bytes(row[0]) for row in cursor.fetchall()]

    def record(self, pack: SealedPack | FoundPack) -> None:
        # V2: the pack's row and those of all its blobs become visible together.
        # V3: a blob that another writer recorded meanwhile keeps its place; ours is only a spare copy.
        with owned_connection(), account_scope(self._account_id), transaction.atomic():
            row = self._pack_row(pack)
            if any_marks(self._account_id):
                # V10. Before the insert: either the sweep was first, and the old places are gone, or it finds
                # no mark any more and leaves them.
                take_off(self._account_id, [blob_id for blob_id, _ in pack.blobs])
            insert_rows(BlobLocation, _COLUMNS, self._rows(row.pk, pack), ignore_conflicts=True)
            self._mention_store()

    def _mention_store(self) -> None:
        """Let readers look into a store that the shelf has left since this writer was opened."""
        shelf = Shelf.objects.filter(account_id=self._account_id, number=self._shelf).first()
        if shelf and shelf.store_id != self._store_row:
            shelf.former.add(self._store_row)

    def _pack_row(self, pack: SealedPack | FoundPack) -> Pack:
        """Make the pack's row, or find that of an earlier try. Raises PackBarred (V14)."""
        values = {
            "store_id": self._store_row,
            "shelf": self._shelf,
            "size": pack.size,
            "blobs": len(pack.blobs),
            "version": pack.format.version,
            "features": pack.format.features,
        }
        row, made = Pack.objects.select_for_update().get_or_create(
            account_id=self._account_id, pack_id=pack.pack_id, defaults=values
        )
        if made or row.state == PackState.STORED:
            return row
        if row.state != PackState.ORPHAN:
            raise PackBarred(
                f"Pack {pack.pack_id.hex()} was cleared away: its writer had stopped for days.",
                do="The next run stores its content again.",
            )
        Pack.objects.filter(pk=row.pk).update(**values, state=PackState.STORED, state_at=None)
        return row

    def _rows(self, pack_row: int, pack: SealedPack | FoundPack) -> Iterator[Sequence[Any]]:
        # In the order of the key: neighbours in the index are written together.
        for blob_id, at in sorted(pack.blobs, key=lambda blob: blob[0]):
            yield (
                self._account_id, blob_id, self._shelf, pack_row, at.offset, at.stored_length, at.raw_length,
                int(at.codec), int(at.kind),
            )  # fmt: skip

    def _select(self, sql: str, first: Sequence[int], blob_ids: Collection[bytes]) -> Iterator[Any]:
        wanted = sorted(blob_ids)
        with owned_connection(), connection.cursor() as cursor:
            for start in range(0, len(wanted), BATCH):
                batch = wanted[start : start + BATCH]
                cursor.execute(sql.format(", ".join(["%s"] * len(batch))), [*first, *batch])
                yield from cursor.fetchall()


@contextmanager
def owned_connection() -> Iterator[None]:
    """Close this thread's database connection afterwards when it was not there before.

    A worker thread thus leaves none behind. Who wants to keep it opens it first
    (`connection.ensure_connection()`) and closes it at the thread's end.
    """
    was_open = connection.connection is not None
    try:
        yield
    finally:
        if not was_open and not connection.in_atomic_block:
            connection.close()
