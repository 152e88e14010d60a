"""Marks on blobs that nothing references: set by garbage collection, taken off by who needs the blob (V10)."""

from collections.abc import Sequence
from typing import Any, Final

from django.db import connection

from apps.core.bulk import insert_rows

from .models import CondemnedBlob

BATCH: Final = 500  # ids named in one statement
_TAKE_OFF: Final = "DELETE FROM vault_condemned WHERE account_id = %s AND blob_id IN ({}) RETURNING blob_id"


def condemn(account_id: int, blob_ids: Sequence[bytes]) -> None:
    """Mark blobs, in the caller's transaction; those that are marked stay so."""
    rows = [(account_id, blob_id) for blob_id in blob_ids]
    insert_rows(CondemnedBlob, ("account_id", "blob_id"), rows, ignore_conflicts=True)


def take_off(account_id: int, blob_ids: Sequence[bytes]) -> list[bytes]:
    """Take the marks off these blobs, in the caller's transaction; returns which had one.

    Of several who try, one gets the id: the writer that stored the blob anew, or the sweep that removes it.
    """
    return [bytes(row[0]) for row in in_batches(_TAKE_OFF, [account_id], blob_ids, returns=True)]


def any_marks(account_id: int) -> bool:
    """Tell whether a round of garbage collection has marked anything."""
    return CondemnedBlob.objects.filter(account_id=account_id).exists()


def in_batches(
    sql: str, before: Sequence[int], blob_ids: Sequence[bytes], *, returns: bool
) -> list[Sequence[Any]]:
    """Run a statement that ends in `IN ({})` for all ids, in the order of the key; returns the rows."""
    found: list[Sequence[Any]] = []
    wanted = sorted(blob_ids)
    with connection.cursor() as cursor:
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            cursor.execute(sql.format(", ".join(["%s"] * len(batch))), [*before, *batch])
            if returns:
                found += cursor.fetchall()
    return found
