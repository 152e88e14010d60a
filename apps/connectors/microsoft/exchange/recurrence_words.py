"""How often a series takes place, in words: "Every 2 weeks on Monday and Friday until 30 June 2026"."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

_WEEKDAYS: Final = ["monday", "tuesday", "wednesday", "thursday", "friday"]
_WEEKEND: Final = ["saturday", "sunday"]
_ALL: Final = [*_WEEKDAYS, *_WEEKEND]
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip


def recurrence_words(recurrence: Any) -> str:
    """Return "" for what is no series."""
    if not isinstance(recurrence, Mapping):
        return ""
    pattern, span = recurrence.get("pattern"), recurrence.get("range")
    if not isinstance(pattern, Mapping):
        return ""
    return _pattern(pattern) + (_range(span) if isinstance(span, Mapping) else "")


def _pattern(pattern: Mapping[str, Any]) -> str:
    kind, interval = str(pattern.get("type") or ""), pattern.get("interval")
    every = interval if isinstance(interval, int) and interval > 1 else 1
    number, nth = pattern.get("dayOfMonth"), f"the {pattern.get('index') or 'first'} {_days(pattern)}"
    month = _month(pattern.get("month"))
    words = {
        "daily": _each("day", every),
        "weekly": f"{_each('week', every)} on {_days(pattern)}",
        "absoluteMonthly": f"{_each('month', every)} on day {number}",
        "relativeMonthly": f"{_each('month', every)} on {nth}",
        "absoluteYearly": f"{_each('year', every)} on {number} {month}",
        "relativeYearly": f"{_each('year', every)} on {nth} of {month}",
    }
    return words.get(kind, "Repeats")


def _month(number: Any) -> str:
    return _MONTHS[number - 1] if isinstance(number, int) and 1 <= number <= 12 else ""


def _each(unit: str, every: int) -> str:
    return f"Every {unit}" if every == 1 else f"Every {every} {unit}s"


def _days(pattern: Mapping[str, Any]) -> str:
    given = pattern.get("daysOfWeek")
    days = [str(day).lower() for day in given] if isinstance(given, list) else []
    ordered = [day for day in _ALL if day in days]
    if ordered == _ALL:
        return "day"
    if ordered == _WEEKDAYS:
        return "weekday"
    if ordered == _WEEKEND:
        return "weekend day"
    names = [day.capitalize() for day in ordered]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _range(span: Mapping[str, Any]) -> str:
    kind, times = span.get("type"), span.get("numberOfOccurrences")
    if kind == "numbered" and isinstance(times, int):
        return ", once" if times == 1 else f", {times} times"
    try:
        last = date.fromisoformat(str(span.get("endDate")))
    except ValueError:
        return ""
    return f" until {last.day} {_MONTHS[last.month - 1]} {last.year}" if kind == "endDate" else ""
