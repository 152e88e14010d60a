"""On which dates a series takes place: Graph's `patternedRecurrence`, read as Exchange reads it.

Dates are those of the series' own time zone. There is at most one occurrence a day, so its original date tells
it apart.
"""

from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import count, islice
from typing import Any

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
INDEXES = ("first", "second", "third", "fourth", "last")
PATTERNS = ("daily", "weekly", "absoluteMonthly", "relativeMonthly", "absoluteYearly", "relativeYearly")
RANGES = ("endDate", "noEnd", "numbered")
MOST = 10_000
"""No series is followed further than this."""


class BadRecurrence(ValueError):
    """The pattern or its range makes no sense; the text says why."""


def dates(recurrence: dict[str, Any]) -> Iterator[date]:
    """All dates in order. Raises BadRecurrence."""
    pattern, span = recurrence.get("pattern") or {}, recurrence.get("range") or {}
    first = _date(span.get("startDate"), "startDate")
    found = (day for day in _candidates(pattern, first) if day >= first)
    kind = span.get("type")
    if kind == "numbered":
        yield from islice(found, _positive(span.get("numberOfOccurrences"), "numberOfOccurrences"))
    elif kind == "endDate":
        last = _date(span.get("endDate"), "endDate")
        for day in islice(found, MOST):
            if day > last:
                return
            yield day
    elif kind == "noEnd":
        yield from islice(found, MOST)
    else:
        raise BadRecurrence(f"'{kind}' is no type of range")


def _candidates(pattern: dict[str, Any], first: date) -> Iterator[date]:
    interval = _positive(pattern.get("interval", 1), "interval")
    makers: dict[str, Callable[[dict[str, Any], date, int], Iterator[date]]] = {
        "daily": _daily,
        "weekly": _weekly,
        "absoluteMonthly": _monthly,
        "relativeMonthly": _monthly,
        "absoluteYearly": _yearly,
        "relativeYearly": _yearly,
    }
    maker = makers.get(str(pattern.get("type")))
    if maker is None:
        raise BadRecurrence(f"'{pattern.get('type')}' is no type of pattern")
    for day in maker(pattern, first, interval):
        if day == date.max:
            return
        yield day


def _daily(pattern: dict[str, Any], first: date, interval: int) -> Iterator[date]:
    return (_later(first, step * interval) for step in count())


def _weekly(pattern: dict[str, Any], first: date, interval: int) -> Iterator[date]:
    start = DAYS.index(str(pattern.get("firstDayOfWeek") or "sunday").lower())
    wanted = _weekdays(pattern)
    begin = first - timedelta(days=(first.weekday() - start) % 7)
    offsets = sorted((day - start) % 7 for day in wanted)
    return (_later(begin, week * interval * 7 + offset) for week in count() for offset in offsets)


def _monthly(pattern: dict[str, Any], first: date, interval: int) -> Iterator[date]:
    for step in count():
        months = first.month - 1 + step * interval
        yield _in_month(pattern, first.year + months // 12, months % 12 + 1)


def _yearly(pattern: dict[str, Any], first: date, interval: int) -> Iterator[date]:
    month = _positive(pattern.get("month"), "month")
    if month > 12:
        raise BadRecurrence("month must be 1 to 12")
    return (_in_month(pattern, first.year + step * interval, month) for step in count())


def _in_month(pattern: dict[str, Any], year: int, month: int) -> date:
    """A day that a short month lacks is its last day."""
    if year > date.max.year - 1:
        return date.max
    length = monthrange(year, month)[1]
    if str(pattern["type"]).startswith("absolute"):
        return date(year, month, min(_positive(pattern.get("dayOfMonth"), "dayOfMonth"), length))
    index = str(pattern.get("index") or "first").lower()
    if index not in INDEXES:
        raise BadRecurrence(f"'{index}' is no index")
    wanted = _weekdays(pattern)
    fitting = [day for day in range(1, length + 1) if date(year, month, day).weekday() in wanted]
    return date(year, month, fitting[-1] if index == "last" else fitting[INDEXES.index(index)])


def _weekdays(pattern: dict[str, Any]) -> set[int]:
    named = [str(day).lower() for day in pattern.get("daysOfWeek") or ()]
    if not named or any(day not in DAYS for day in named):
        raise BadRecurrence("daysOfWeek must name days of the week")
    return {DAYS.index(day) for day in named}


def _later(day: date, days: int) -> date:
    return day + timedelta(days=days) if days < (date.max - day).days else date.max


def _positive(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise BadRecurrence(f"{name} must be a positive number")
    return value


def _date(value: Any, name: str) -> date:
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError as error:
        raise BadRecurrence(f"{name} must be a date") from error
