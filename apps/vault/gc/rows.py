"""What garbage collection reads from and writes to the big tables. Every statement carries the account."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.db import connection

from ..marks import in_batches
from ..store.pack import Location

CHUNK: Final = 20_000  # rows read at a time: about 4 MB
_PLACES: Final = (
    "SELECT blob_id, pack_row, stored_length FROM vault_blob"
    " WHERE account_id = %s AND blob_id > %s AND blob_id < %s ORDER BY blob_id LIMIT %s"
)
_MARKS: Final = (
    "SELECT blob_id FROM vault_condemned"
    " WHERE account_id = %s AND blob_id > %s AND blob_id < %s ORDER BY blob_id LIMIT %s"
)
_REMOVE: Final = "DELETE FROM vault_blob WHERE account_id = %s AND blob_id IN ({})"
_STILL_IN: Final = "SELECT blob_id FROM vault_blob WHERE account_id = %s AND pack_row = %s AND blob_id IN ({})"
_MOVE: Final = (
    "UPDATE vault_blob SET pack_row = %s, position = %s, stored_length = %s"
    " WHERE account_id = %s AND blob_id = %s AND pack_row = %s AND position = %s"
)


def places(account_id: int, first_byte: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield blob id, pack row and stored length of all blobs whose id begins with this byte, in order."""
    for blob_id, pack_row, stored_length in _walk(_PLACES, account_id, first_byte):
        yield bytes(blob_id), pack_row, stored_length


def marks(account_id: int, first_byte: int) -> set[bytes]:
    """Return the condemned blobs whose id begins with this byte."""
    return {bytes(row[0]) for row in _walk(_MARKS, account_id, first_byte)}


def _walk(sql: str, account_id: int, first_byte: int) -> Iterator[Sequence[Any]]:
    """Read by key, chunk by chunk: no statement stays open while others write."""
    last, end = bytes([first_byte]), bytes([first_byte]) + b"\xff" * 32
    while True:
        with connection.cursor() as cursor:
            cursor.execute(sql, [account_id, last, end, CHUNK])
            rows = cursor.fetchall()
        if len(rows) < CHUNK:
            yield from rows
            return
        # A blob may have a row in each of several places: those of the last id may go on in the next chunk.
        cut = bytes(rows[-1][0])
        for row in rows:
            if (blob_id := bytes(row[0])) == cut:
                break
            last = blob_id
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
