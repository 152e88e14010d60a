"""The calendar component's data: one month of days with a status word each. Pure, no business words."""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

WEEKDAYS = [(name[:3], name) for name in calendar.day_name]
DOTS = {"success": "g", "partial": "p", "failed": "b"}
SHORT_WORDS = {"success": "Good", "partial": "Part", "failed": "Fail"}


@dataclass(frozen=True)
class DayMark:
    """What happened on one day: a status word (success, partial, failed), where it leads, several or one."""

    status: str
    url: str
    several: bool = False


@dataclass(frozen=True)
class Day:
    """One cell. Without a mark nothing can be chosen."""

    date: date
    mark: DayMark | None
    selected: bool
    today: bool

    @property
    def dot(self) -> str:
        """The letter of the dot's shape: disc, half disc, diamond."""
        return DOTS.get(self.mark.status, "") if self.mark else ""

    @property
    def short_word(self) -> str:
        """The word for narrow screens."""
        return SHORT_WORDS.get(self.mark.status, "") if self.mark else ""


@dataclass(frozen=True)
class Month:
    """Weeks from Monday to Sunday; None fills the days of other months."""

    first: date
    weeks: list[list[Day | None]]
    weekdays: list[tuple[str, str]]


def month_of(
    year: int, month: int, marks: Mapping[date, DayMark], *, today: date, selected: date | None = None
) -> Month:
    """Lay out one month for `{% include "components/calendar.html" %}`."""
    weeks: list[list[Day | None]] = []
    for week in calendar.Calendar(firstweekday=0).monthdatescalendar(year, month):
        weeks.append(
            [
                Day(day, marks.get(day), selected=day == selected, today=day == today)
                if day.month == month
                else None
                for day in week
            ]
        )
    return Month(date(year, month, 1), weeks, WEEKDAYS)
