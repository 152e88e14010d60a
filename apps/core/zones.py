"""Time zones that a person may choose."""

from functools import cache
from zoneinfo import available_timezones


@cache
def zone_choices() -> tuple[tuple[str, str], ...]:
    """Places, UTC first."""
    places = sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))
    return (("UTC", "UTC"), *((name, name.replace("_", " ")) for name in places))
