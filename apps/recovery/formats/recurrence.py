"""Graph's patterns of recurrence as RRULE (RFC 5545, 3.3.10)."""

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import vRecur

from .item import NotConvertible, map_of
from .moments import date_of

_DAYS = {
    "sunday": "SU", "monday": "MO", "tuesday": "TU", "wednesday": "WE", "thursday": "TH", "friday": "FR",
    "saturday": "SA",
}  # fmt: skip
_PLACES = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_FREQUENCIES = {
    "daily": "DAILY", "weekly": "WEEKLY", "absolutemonthly": "MONTHLY", "relativemonthly": "MONTHLY",
    "absoluteyearly": "YEARLY", "relativeyearly": "YEARLY",
}  # fmt: skip
SHORTEST_MONTH = 28


def rule_of(recurrence: object, zone: ZoneInfo, *, all_day: bool) -> vRecur | None:
    """Return the rule of a `patternedRecurrence`; None when there is none. Raises NotConvertible."""
    found = map_of(recurrence)
    pattern, span = map_of(found.get("pattern")), map_of(found.get("range"))
    if not pattern:
        return None
    kind = str(pattern.get("type", "")).lower()
    if kind not in _FREQUENCIES:
        raise NotConvertible(f"The recurrence “{pattern.get('type')}” is not known.")
    rule: dict[str, Any] = {"FREQ": _FREQUENCIES[kind]}
    interval = _number(pattern.get("interval"), 1, 10_000)
    if interval > 1:
        rule["INTERVAL"] = interval
    if kind.endswith("yearly"):
        rule["BYMONTH"] = _number(pattern.get("month"), 1, 12)
    if kind == "weekly":
        rule["BYDAY"] = _days(pattern)
        rule["WKST"] = _DAYS.get(str(pattern.get("firstDayOfWeek", "")).lower(), "SU")
    elif kind.startswith("relative"):
        rule |= {
            "BYDAY": _days(pattern),
            "BYSETPOS": _PLACES.get(str(pattern.get("index", "first")).lower(), 1),
        }
    elif kind.startswith("absolute"):
        rule |= _day_of_month(_number(pattern.get("dayOfMonth"), 1, 31))
    return vRecur(rule | _end(span, zone, all_day=all_day))


def _day_of_month(day: int) -> dict[str, Any]:
    """Exchange takes the last day of a month that is too short; RRULE alone would leave that month out."""
    if day <= SHORTEST_MONTH:
        return {"BYMONTHDAY": day}
    return {"BYMONTHDAY": list(range(SHORTEST_MONTH, day + 1)), "BYSETPOS": -1}


def _days(pattern: dict[str, Any]) -> list[str]:
    named = pattern.get("daysOfWeek")
    days = (
        [_DAYS[str(day).lower()] for day in named if str(day).lower() in _DAYS]
        if isinstance(named, list)
        else []
    )
    if not days:
        raise NotConvertible("The recurrence names no day of the week.")
    return days


def _end(span: dict[str, Any], zone: ZoneInfo, *, all_day: bool) -> dict[str, Any]:
    kind = str(span.get("type", "noEnd")).lower()
    if kind == "numbered":
        return {"COUNT": _number(span.get("numberOfOccurrences"), 1, 100_000)}
    day = date_of(span.get("endDate")) if kind == "enddate" else None
    if day is None:
        return {}
    if all_day:
        return {"UNTIL": day}
    return {"UNTIL": datetime.combine(day, time(23, 59, 59), zone).astimezone(UTC)}


def _number(value: object, least: int, most: int) -> int:
    """Return a number within its bounds. Raises NotConvertible for what is none."""
    if not isinstance(value, int):
        raise NotConvertible("The recurrence lacks a number.")
    return min(max(value, least), most)
