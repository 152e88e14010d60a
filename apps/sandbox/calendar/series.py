"""When an event and the dates of a series take place, as the sandbox keeps them.

The document of an event has `start` and `end` as they were given, on the clock of the event's own zone; a
series also has `exceptions` (original date → what differs) and `cancelled` (original dates).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from .recurrence import dates
from .zones import to_utc

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One date of a series. `changes` is None where the series says it all."""

    day: date
    start: Document
    end: Document
    changes: Document | None = None


def local(value: Document) -> datetime:
    """The clock of a `dateTimeTimeZone`, without its zone."""
    head, _, fraction = str(value["dateTime"]).partition(".")
    return datetime.fromisoformat(head + (f".{fraction[:6]}" if fraction else ""))


def moment(value: Document, *, all_day: bool) -> datetime:
    """In UTC; whole days begin at midnight wherever one is."""
    clock = local(value)
    return clock.replace(tzinfo=UTC) if all_day else to_utc(clock, str(value["timeZone"]))


def days_of(doc: Document) -> Iterator[date]:
    """The original dates that are not cancelled."""
    cancelled = set(doc.get("cancelled") or ())
    return (day for day in dates(doc["recurrence"]) if day.isoformat() not in cancelled)


def occurrence(doc: Document, day: date) -> Occurrence:
    """The date of a series that is, or would have been, on that day."""
    begin, end = local(doc["start"]), local(doc["end"])
    start = datetime.combine(day, begin.time())
    changes = (doc.get("exceptions") or {}).get(day.isoformat())
    usual = Occurrence(
        day,
        {"dateTime": start.isoformat(), "timeZone": doc["start"]["timeZone"]},
        {"dateTime": (start + (end - begin)).isoformat(), "timeZone": doc["end"]["timeZone"]},
        changes,
    )
    if changes is None:
        return usual
    return Occurrence(day, changes.get("start") or usual.start, changes.get("end") or usual.end, changes)


def between(doc: Document, since: datetime, until: datetime) -> list[Occurrence]:
    """The dates of a series that touch the window, by their own start."""
    found = []
    last = (until + timedelta(days=2)).date()
    exceptions = doc.get("exceptions") or {}
    for day in days_of(doc):
        if day > last and not any(changed > last.isoformat() for changed in exceptions):
            break
        if day > last and day.isoformat() not in exceptions:
            continue
        one = occurrence(doc, day)
        all_day = bool((one.changes or {}).get("isAllDay", doc.get("isAllDay")))
        if moment(one.start, all_day=all_day) < until and moment(one.end, all_day=all_day) > since:
            found.append(one)
    return sorted(found, key=lambda one: local(one.start))


def crosses_neighbour(doc: Document, day: date, start: Document) -> bool:
    """Exchange moves no date of a series onto or past the one before or after it."""
    wanted = to_utc(local(start), str(start["timeZone"]))
    before = after = None
    for other in days_of(doc):
        if other < day:
            before = other
        elif other > day:
            after = other
            break
    for neighbour, is_before in ((before, True), (after, False)):
        if neighbour is None:
            continue
        there = occurrence(doc, neighbour).start
        begins = to_utc(local(there), str(there["timeZone"]))
        if wanted.date() == begins.date() or (wanted < begins) == is_before:
            return True
    return False
