"""Why somebody is billed for something: every entity that was counted on a day, and by which rule.

Names are for who may view backups, and of those only the ones they see. Everybody else reads a code that stays
the same from day to day, so that finance staff can count and compare without learning whose mailbox it is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from apps.core.keyset import KeysetPage, page_of
from apps.core.permissions import Permission, allowed
from apps.core.spreadsheet import csv_lines
from apps.core.streams import as_now

from ..enums import Unit
from ..meter import WHY
from ..models import MeterDay, MeterLine
from ..registry import names_of

PAGE: Final = 50
DAYS: Final = 62  # how far back the page offers days to choose
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class WhyRow:
    """One entity of a count."""

    label: str
    size: int
    billable: bool
    why: str

    @property
    def billed_words(self) -> str:
        """Whether it is paid for."""
        return "Yes" if self.billable else "No"


def days_of(service: str, unit: str) -> list[date]:
    """The days whose list is still there, newest first."""
    has_lines = Exists(MeterLine.objects.filter(meter_day=OuterRef("pk")))
    lists = MeterDay.objects.filter(has_lines, service=service, unit=Unit.ENTITY)
    rows = MeterDay.objects.filter(service=service, unit=unit, day__in=lists.values("day"))
    return list(rows.order_by("-day").values_list("day", flat=True)[:DAYS])


def count_of(service: str, unit: str, day: date | None) -> MeterDay | None:
    """The count of a day; without one, the newest."""
    rows = MeterDay.objects.filter(service=service, unit=unit)
    return (rows.filter(day=day) if day else rows.order_by("-day")).first()


def lines_page(
    count: MeterDay, *, before: UUID | None, after: UUID | None
) -> tuple[KeysetPage[MeterLine], list[WhyRow]]:
    """One page of what was counted."""
    page = page_of(_lines(count), keys=("entity_public_id",), size=PAGE, before=before, after=after)
    return page, list(_rows(page.items))


def why_csv(count: MeterDay) -> Iterator[str]:
    """The whole list as a file, made batch by batch while it is sent."""
    again = as_now()

    def rows() -> Iterator[list[object]]:
        last: UUID | None = None
        while True:
            with again():
                lines = _lines(count).order_by("entity_public_id")
                found = list((lines.filter(entity_public_id__gt=last) if last else lines)[:_BATCH])
                batch = [[row.label, row.size, row.billed_words, row.why] for row in _rows(found)]
            yield from batch
            if len(found) < _BATCH:
                return
            last = found[-1].entity_public_id

    return csv_lines(["What", "Stored bytes", "Billed by number", "Why"], rows())


def _lines(count: MeterDay) -> QuerySet[MeterLine]:
    # One list serves both counts of a day: so many entities, and what they store.
    return MeterLine.objects.filter(
        meter_day__day=count.day, meter_day__service=count.service, meter_day__unit=Unit.ENTITY
    )


def _rows(lines: Iterable[MeterLine]) -> Iterator[WhyRow]:
    found = list(lines)
    names = names_of([line.entity_public_id for line in found]) if allowed(Permission.VIEW) else {}
    for line in found:
        label = names.get(line.entity_public_id) or _code(line)
        yield WhyRow(label, line.size, line.billable, WHY.get(line.why, line.why))


def _code(line: MeterLine) -> str:
    return f"{line.label} {line.entity_public_id.hex[-8:].upper()}"
