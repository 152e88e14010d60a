"""What garbage collection reads from and writes to the big tables. Every statement carries the account."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.db import connection

from ..marks import in_batches
from ..store.pack import Location

CHUNK: Final = 20_000  # rows read at a time: about 4 MB
Row = tuple[Any, ...]  # the blob id first
_PLACES: Final = (
    "SELECT blob_id, pack_row, stored_length FROM vault_blob"
    " WHERE account_id = %s AND blob_id > %s ORDER BY blob_id LIMIT %s"
)
_MARKS: Final = (
    "SELECT blob_id FROM vault_condemned WHERE account_id = %s AND blob_id > %s ORDER BY blob_id LIMIT %s"
)
_REMOVE: Final = "DELETE FROM vault_blob WHERE account_id = %s AND blob_id IN ({})"
_STILL_IN: Final = "SELECT blob_id FROM vault_blob WHERE account_id = %s AND pack_row = %s AND blob_id IN ({})"
_MOVE: Final = (
    "UPDATE vault_blob SET pack_row = %s, position = %s, stored_length = %s"
    " WHERE account_id = %s AND blob_id = %s AND pack_row = %s AND position = %s"
)


class Ordered:
    """Rows in the order of their blob id, handed out by its first byte. Memory: one chunk."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def of(self, first_byte: int) -> Iterator[Row]:
        """Yield the rows whose id begins with this byte. Ask for bytes in order, and read each to its end."""
        while (row := self._next) is not None and row[0][0] == first_byte:
            yield row
            self._next = next(self._rows, None)


def places(account_id: int) -> Ordered:
    """Give blob id, pack row and stored length of all recorded blobs."""
    return Ordered(_walk(_PLACES, account_id))


def marks(account_id: int) -> Ordered:
    """Give the ids of all condemned blobs."""
    return Ordered(_walk(_MARKS, account_id))


def _walk(sql: str, account_id: int) -> Iterator[Row]:
    """Read by key, chunk by chunk: no statement stays open while others write."""
    last = b""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(sql, [account_id, last, CHUNK])
            rows = [(bytes(blob_id), *numbers) for blob_id, *numbers in cursor.fetchall()]
        if len(rows) < CHUNK:
            yield from rows
            return
        # A blob may have a row on each of several shelves: those of the last id may go on in the next chunk.
        for row in rows:
            if row[0] == rows[-1][0]:
                break
            last = row[0]
            yield row


def remove_places(account_id: int, blob_ids: Sequence[bytes]) -> None:
    """Delete the rows of blobs whose marks this transaction has taken off."""
    in_batches(_REMOVE, [account_id], blob_ids, returns=False)


def still_in(account_id: int, pack_row: int, blob_ids: Sequence[bytes]) -> set[bytes]:
    """Return those of the blobs that have their place in this pack."""
    found = in_batches(_STILL_IN, [account_id, pack_row], blob_ids, returns=True)
    return {bytes(row[0]) for row in found}


def move(account_id: int, to_pack: int, moves: Sequence[tuple[bytes, int, int, Location]]) -> int:
    """Give blobs their new places; each move is id, pack row and position where it was read, new place.

    V13: a blob that went elsewhere or away meanwhile stays as it is. Returns how many moved.
    """
    moved = 0
    with connection.cursor() as cursor:
        for blob_id, from_pack, from_position, at in sorted(moves, key=lambda each: each[0]):
            new = (to_pack, at.offset, at.stored_length)
            cursor.execute(_MOVE, (*new, account_id, blob_id, from_pack, from_position))
            moved += cursor.rowcount
    return moved
