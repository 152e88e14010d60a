"""Days on which a plan goes on: the anchor day of each month, its last day where the month is shorter."""

from calendar import monthrange
from datetime import date

from .enums import Interval


def next_after(day: date, anchor: int, interval: str) -> date:
    """The first day of the period after the one that begins with `day`."""
    months = day.year * 12 + day.month - 1 + (12 if interval == Interval.YEAR else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(anchor, monthrange(year, month + 1)[1]))
