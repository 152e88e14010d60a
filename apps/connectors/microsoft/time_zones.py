"""Time zones by the names that Microsoft uses: Windows names, and those of the IANA database."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import win_tz

_WINDOWS: Final = {name.casefold(): zone for name, zone in win_tz.items()}
UTC_ZONE: Final = ZoneInfo("UTC")
_UTC: Final = {"", "utc", "etc/utc", "tzone://microsoft/utc"}


@lru_cache(maxsize=512)
def zone_named(name: str) -> ZoneInfo | None:
    """Return the zone; None for names that say nothing (`tzone://Microsoft/Custom`)."""
    wanted = name.strip().casefold()
    if wanted in _UTC:
        return UTC_ZONE
    try:
        return ZoneInfo(_WINDOWS.get(wanted, name.strip()))
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError
        return None


def moment_of(value: Any) -> datetime | None:
    """Read a `dateTimeTimeZone`, or a text with its offset, as a moment in UTC. None when there is none."""
    text, name = (value.get("dateTime"), value.get("timeZone")) if isinstance(value, dict) else (value, "UTC")
    if not isinstance(text, str):
        return None
    try:
        local = datetime.fromisoformat(_six_digits(text))
    except ValueError:
        return None
    if local.tzinfo is None:
        local = local.replace(tzinfo=zone_named(str(name or "UTC")) or UTC)
    try:
        return local.astimezone(UTC)
    except OverflowError:
        return None


def _six_digits(text: str) -> str:
    """Graph writes seven digits of a second; Python reads six."""
    head, dot, tail = text.partition(".")
    if not dot:
        return text
    digits = tail[: len(tail) - len(tail.lstrip("0123456789"))]
    return f"{head}.{digits[:6]}{tail[len(digits) :]}"


def wall_clock(moment: datetime, zone: ZoneInfo) -> str | None:
    """Write the local time there; None where the clock shows that time twice and means the other one."""
    local = moment.astimezone(zone).replace(tzinfo=None)
    if local.replace(tzinfo=zone).astimezone(UTC) != moment:
        return None
    return local.isoformat(timespec="seconds")


def stamp(moment: datetime) -> str:
    """Write a moment in UTC to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
