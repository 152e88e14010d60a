"""One rhythm: on which days, at which hour of which time zone, until when.

Hours are hours of the wall. One that a change of the clocks leaves out starts as much later as the clocks go
forward; one that happens twice starts the first time. Every moment that goes in or comes out is one of UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
_THIRD = timedelta(hours=8)


class Every(StrEnum):
    """How often. The values are stored."""

    THREE_PER_DAY = "3_per_day"
    HOURS = "hours"
    DAILY = "daily"
    EVERY_3_DAYS = "every_3_days"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"


@dataclass(frozen=True, slots=True)
class Rule:
    """`until`: the hour at which what still runs is stopped. `weekdays`: 0 is Monday; none means every day.

    `hours` is the step of Every.HOURS. `day` and `month` hold for months and years; a month that is too short
    starts on its last day. `first_day`: nothing starts before it.
    """

    every: Every = Every.DAILY
    at: time = time(2)
    zone: str = "UTC"
    until: time | None = None
    weekdays: frozenset[int] = frozenset()
    hours: int = 4
    day: int = 1
    month: int = 1
    first_day: date | None = None

    def next_start(self, after: datetime, *, first: bool = False) -> datetime:
        """Return the first start after `after`. What counts days counts them from the last start before it.

        `first`: of what was never backed up. It waits for the hour, and for chosen weekdays, not for a month.
        """
        for day in self._days(after, first=first):
            for start in self._starts_on(day):
                if start > after:
                    return start
        raise AssertionError("a rule without an end has no next start")

    def last_start(self, moment: datetime, *, on_its_days: bool = False) -> datetime | None:
        """Return the start that a backup at `moment` belongs to. Counted days, months and years: any day.

        `on_its_days`: months and years only on theirs, and None where that is longer ago than a week.
        """
        today = self._local(moment).date()
        of_calendar = on_its_days and self.every in {Every.MONTHLY, Every.YEARLY}
        for back in range(-1, 9):
            day = today - back * DAY
            if self._may_start(day) and (not of_calendar or self._fits_calendar(day)):
                earlier = [start for start in self._starts_on(day) if start <= moment]
                if earlier:
                    return earlier[-1]
        return None

    def stop_after(self, start: datetime) -> datetime | None:
        """Return the moment at which a backup that began with `start` is stopped, or None."""
        if self.until is None:
            return None
        day = self._local(start).date()
        stop = self._moment(day, self.until)
        if stop > start:
            return stop
        # Where spring moved the start past its stop, the stop moves as far, not to the next day.
        meant = next((wall for wall in self._walls if self._moment(day, wall) == start), self.until)
        if meant < self.until:
            return start + (datetime.combine(day, self.until) - datetime.combine(day, meant))
        return self._moment(day + DAY, self.until)

    @property
    def is_daily(self) -> bool:
        """Tell whether something starts on every single day."""
        often = self.every in {Every.THREE_PER_DAY, Every.HOURS, Every.DAILY}
        return often and len(self.weekdays) in {0, 7}

    @property
    def is_of_days(self) -> bool:
        """Tell whether its days are known without a backup before: every day, or chosen days of the week."""
        return self.every in {Every.THREE_PER_DAY, Every.HOURS, Every.DAILY} or self._picks_weekdays

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self.zone))

    def _moment(self, day: date, wall: time) -> datetime:
        return datetime.combine(day, wall, ZoneInfo(self.zone)).astimezone(UTC)

    def _days(self, after: datetime, *, first: bool) -> Iterator[date]:
        today = self._local(after).date()
        step = {Every.EVERY_3_DAYS: 3, Every.WEEKLY: 7}.get(self.every)
        if step and not first and not self._picks_weekdays:
            last = today if self._moment(today, self.at) <= after else today - DAY
            yield max(last + step * DAY, self.first_day or date.min)
        day = max(today - DAY, self.first_day or date.min)
        for _ in range(800):  # two years: a day of February comes every year, since short months end early
            if self._may_start(day) and (first or self._fits_calendar(day)):
                yield day
            day += DAY

    @property
    def _picks_weekdays(self) -> bool:
        return bool(self.weekdays) and self.every not in {Every.EVERY_3_DAYS, Every.MONTHLY, Every.YEARLY}

    def _may_start(self, day: date) -> bool:
        if self.first_day is not None and day < self.first_day:
            return False
        return not self._picks_weekdays or day.weekday() in self.weekdays

    def _fits_calendar(self, day: date) -> bool:
        if self.every == Every.YEARLY and day.month != self.month:
            return False
        if self.every in {Every.MONTHLY, Every.YEARLY}:
            return day.day == self.day or (day.day < self.day and (day + DAY).month != day.month)
        return self.every != Every.EVERY_3_DAYS and (self.every != Every.WEEKLY or self._picks_weekdays)

    @property
    def _walls(self) -> list[time]:
        """The hours of the wall at which starts are set."""
        first = datetime.combine(date(2000, 1, 1), self.at)
        turns = 3 if self.every == Every.THREE_PER_DAY else 1
        return [(first + turn * _THIRD).time() for turn in range(turns)]

    def _starts_on(self, day: date) -> list[datetime]:
        """Return all starts of a local day, in their order."""
        if self.every == Every.THREE_PER_DAY:
            return sorted({self._moment(day, wall) for wall in self._walls})
        start = self._moment(day, self.at)
        if self.every != Every.HOURS:
            return [start]
        end = self.stop_after(start) or self._moment(day + DAY, self.at)
        step, found = timedelta(hours=self.hours), []
        while start < end:
            found.append(start)
            start += step
        return found
