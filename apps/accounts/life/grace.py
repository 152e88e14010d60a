"""The grace of an account that is being closed, counted as `core.grace` says."""

from datetime import timedelta

from apps.core.grace import STEP, count_on

__all__ = ["STEP", "count_on", "seen"]


def seen(length: timedelta) -> dict[str, int]:
    """The filter for accounts whose grace was seen for so long."""
    return {"counted_seconds__gte": int(length.total_seconds())}
