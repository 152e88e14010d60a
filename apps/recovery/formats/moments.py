"""Graph's moments and the names of its time zones."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from .item import map_of

_DIGITS = re.compile(r"(\.\d{1,6})\d*")
_SHORT = {"": "UTC", "tzone://microsoft/utc": "UTC", "utc": "UTC", "coordinated universal time": "UTC"}


@cache
def zone_of(name: str) -> ZoneInfo | None:
    """Return the zone of a Windows or IANA name; None for names that nobody knows (custom zones)."""
    wanted = WINDOWS_TO_OLSON.get(name) or _SHORT.get(name.lower(), name)
    try:
        return ZoneInfo(wanted)
    except (KeyError, ValueError, OSError):
        return None


def known_zone(*names: object) -> ZoneInfo:
    """Return the zone of the first name that is known; UTC when none is."""
    for name in names:
        if isinstance(name, str) and name and (zone := zone_of(name)) is not None:
            return zone
    return ZoneInfo("UTC")


def moment_of(text: object) -> datetime | None:
    """Read an ISO moment with up to seven digits of a second; without a zone it is UTC. None for no moment."""
    if not isinstance(text, str) or "T" not in text:
        return None
    try:
        found = datetime.fromisoformat(_DIGITS.sub(r"\1", text.replace("Z", "+00:00")))
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None


def zoned(value: object) -> datetime | None:
    """Read Graph's `{"dateTime", "timeZone"}`; a zone that nobody knows counts as UTC."""
    found = map_of(value)
    text = found.get("dateTime")
    if not isinstance(text, str):
        return None
    try:
        local = datetime.fromisoformat(_DIGITS.sub(r"\1", text.replace("Z", "+00:00")))
    except ValueError:
        return None
    local = local.replace(microsecond=0)
    return local if local.tzinfo else local.replace(tzinfo=known_zone(found.get("timeZone")))


def in_zone(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment in a zone; as it was where the calendar ends."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def day_of(value: object) -> date | None:
    """Return the date that an all-day field names."""
    found = zoned(value)
    return found.date() if found else None


def date_of(text: object) -> date | None:
    """Read `2026-11-20`, alone or at the start of a moment; None for no date or Graph's empty year 1."""
    if not isinstance(text, str):
        return None
    try:
        found = date.fromisoformat(text[:10])
    except ValueError:
        return None
    return found if found.year > 1 else None


def day_after(day: date) -> date:
    return day + timedelta(days=1) if day < date.max else day


def utc_of(value: dict[str, Any], name: str) -> datetime | None:
    """Return a field that holds a moment, in UTC."""
    return moment_of(value.get(name))
