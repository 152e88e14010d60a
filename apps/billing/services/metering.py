"""Storing what was counted."""

from collections.abc import Iterable
from datetime import date

from ..registry import Counted


def meter_day_store(day: date, lines: Iterable[Counted]) -> bool:
    """Store the count of a day, once: False when this day is stored already."""
    raise NotImplementedError
