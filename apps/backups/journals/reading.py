"""The rows of a chain as a journal keeps them, oldest first, with no cursor open while the caller works.

The keys are read first, 8 bytes each, then the rows by key: one long cursor would on SQLite pin an old state of
the database, and a write beside it fail.
"""

from array import array
from collections.abc import Callable, Iterator
from datetime import UTC
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet

from apps.vault.api import VersionLine

from ..models import NodeVersion

ROWS: Final = 1_000
# Past Django's models: what they cost is felt by every item of a first backup.
_VERSIONS: Final = f"SELECT {', '.join(VersionLine._fields)} FROM node_version WHERE id {{}} ORDER BY id"  # noqa: S608
_IDS: Final = "SELECT remote_id FROM node_version WHERE id {} ORDER BY id"

Rows = QuerySet[NodeVersion]


def remote_ids(rows: "Rows", pulse: Callable[[], object]) -> Iterator[str]:
    """Yield the remote ids of the rows. `pulse` is called now and then, and ends the work by raising."""
    for (remote_id,) in _in_pages(rows, _IDS, pulse):
        yield remote_id


def version_lines(rows: "Rows", pulse: Callable[[], object]) -> Iterator[VersionLine]:
    """Yield the rows as lines. `pulse` is called now and then, and ends the work by raising."""
    for values in _in_pages(rows, _VERSIONS, pulse):
        line = VersionLine(*values)
        if line.time is not None and line.time.tzinfo is None:
            line = line._replace(time=line.time.replace(tzinfo=UTC))  # SQLite keeps UTC without saying so
        yield line


def _in_pages(rows: "Rows", sql: str, pulse: Callable[[], object]) -> Iterator[tuple[Any, ...]]:
    keys = array("q", sorted(rows.order_by().values_list("pk", flat=True).iterator(chunk_size=10_000)))
    for start in range(0, len(keys), ROWS):
        pulse()
        which, values = _with_keys(keys[start : start + ROWS])
        with connection.cursor() as cursor:
            cursor.execute(sql.format(which), values)
            page = cursor.fetchall()
        yield from page


def _with_keys(keys: "array[int]") -> tuple[str, list[int]]:
    """Return a condition. A run's rows mostly stand side by side: a range costs less."""
    if keys[-1] - keys[0] == len(keys) - 1:
        return "BETWEEN %s AND %s", [keys[0], keys[-1]]
    return f"IN ({', '.join(['%s'] * len(keys))})", keys.tolist()
