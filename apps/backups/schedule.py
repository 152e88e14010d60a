"""When active entities run: pure arithmetic on frequency and hour (UTC)."""

from datetime import datetime, timedelta

from .enums import Frequency

DAY = timedelta(days=1)
INTERVALS: dict[str, timedelta] = {
    Frequency.THREE_PER_DAY: timedelta(hours=8),
    Frequency.DAILY: DAY,
    Frequency.EVERY_3_DAYS: 3 * DAY,
    Frequency.WEEKLY: 7 * DAY,
}
# How much later than its interval a backup may be before green has run out: a queue, a long run, one retry.
TOLERANCE = timedelta(hours=12)


def next_start(frequency: str, hour: int, after: datetime) -> datetime:
    """Return the first start after `after` on the task's hour, for an entity that has not run yet.

    A first backup never waits longer than a day: what is not yet protected comes before the rhythm.
    """
    step = min(INTERVALS[frequency], DAY)
    start = after.replace(hour=hour, minute=0, second=0, microsecond=0) - DAY
    while start <= after:
        start += step
    return start


def good_until(frequency: str, last_good: datetime) -> datetime:
    """Return the moment from which a backup of `last_good` is overdue."""
    return last_good + INTERVALS[frequency] + TOLERANCE
