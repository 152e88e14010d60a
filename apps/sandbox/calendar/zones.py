"""Time zones by the names that Exchange takes: Windows names and those of the IANA database."""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tzlocal.windows_tz import win_tz

UTC_NAMES = {"utc", "etc/utc", "gmt", "etc/gmt", "tzone://microsoft/utc"}
_WINDOWS = {name.lower(): zone for name, zone in win_tz.items()}


class UnknownZone(ValueError):
    """Neither a Windows name nor one of the IANA database."""


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """Raises UnknownZone."""
    if name.lower() in UTC_NAMES:
        return ZoneInfo("Etc/UTC")
    try:
        return ZoneInfo(_WINDOWS.get(name.lower(), name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZone(name) from error


def to_utc(local: datetime, name: str) -> datetime:
    """`local` has no zone of its own."""
    return local.replace(tzinfo=zone(name)).astimezone(UTC)


def from_utc(moment: datetime, name: str) -> datetime:
    """The wall clock there, without a zone."""
    return moment.astimezone(zone(name)).replace(tzinfo=None)
