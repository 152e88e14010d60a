"""Rows of measures as the engine reads them, and back."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from .learning.readings import AT_LEAST, MOST, Reading
from .models import Measure

_NAMES: Final = (
    "added", "changed", "rewritten", "refiled", "removed", "items", "size", "came", "opaque", "turned",
    "renamed", "other_endings", "left_out",
)  # fmt: skip


def readings_of(rows: Iterable[Measure], good_at: datetime | None = None) -> Iterator[Reading]:
    """Yield rows in their order. `good_at` is when the last good snapshot before them was taken."""
    for row in rows:
        yield reading_of(row, good_at)
        if row.is_good:
            good_at = row.taken_at


def reading_of(row: Measure, good_at: datetime | None) -> Reading:
    values: dict[str, Any] = {name: getattr(row, name) for name in _NAMES}
    return Reading(
        number=row.snapshot_number,
        at=row.taken_at,
        before=good_at,
        good=row.is_good,
        odd=frozenset(row.odd),
        accepted=row.accepted_at is not None,
        **values,
    )


def measures_of(entity_id: int, sub_service: str) -> "QuerySet[Measure]":
    """The measures of one kind of data, oldest first."""
    return Measure.objects.filter(entity_id=entity_id, sub_service=sub_service).order_by("snapshot_number")


def last_measures(entity_id: int, sub_service: str) -> list[Measure]:
    """Those of them that the next one is judged by, oldest first."""
    newest_first = measures_of(entity_id, sub_service).order_by("-snapshot_number")
    rows = list(newest_first[:MOST])
    if len(rows) == MOST:
        since = rows[0].taken_at - AT_LEAST
        rows += newest_first.filter(snapshot_number__lt=rows[-1].snapshot_number, taken_at__gte=since)
    return rows[::-1]


def good_at_of(rows: list[Measure]) -> datetime | None:
    """Return when the last good one of these was taken."""
    return next((row.taken_at for row in reversed(rows) if row.is_good), None)
