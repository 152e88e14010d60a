"""Series take place on the dates that an independent reader of recurrence rules finds too."""

from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

import pytest
from dateutil import rrule  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.sandbox.calendar.recurrence import DAYS, INDEXES, BadRecurrence, dates
from apps.sandbox.calendar.series import between
from apps.sandbox.calendar.zones import to_utc

WEEKDAYS = [rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA, rrule.SU]
KINDS = (("Monthly", rrule.MONTHLY, False), ("Yearly", rrule.YEARLY, True))
STARTS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
DAY_SETS = st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True)


def written(pattern: dict[str, Any], start: date, **span: object) -> dict[str, Any]:
    return {"pattern": pattern, "range": {"type": "noEnd", "startDate": start.isoformat(), **span}}


def rule(frequency: int, start: date, **options: object) -> list[date]:
    found = rrule.rrule(frequency, dtstart=datetime.combine(start, time()), **options)
    return [moment.date() for moment in islice(found, 25)]


@settings(max_examples=60, deadline=None)
@given(start=STARTS, interval=st.integers(1, 5), days=DAY_SETS, first=st.sampled_from(DAYS))
def test_daily_and_weekly_series(start: date, interval: int, days: list[str], first: str) -> None:
    daily = {"type": "daily", "interval": interval}
    assert list(islice(dates(written(daily, start)), 25)) == rule(rrule.DAILY, start, interval=interval)
    weekly = {"type": "weekly", "interval": interval, "daysOfWeek": days, "firstDayOfWeek": first}
    chosen = [WEEKDAYS[DAYS.index(day)] for day in days]
    expected = rule(rrule.WEEKLY, start, interval=interval, byweekday=chosen, wkst=WEEKDAYS[DAYS.index(first)])
    assert list(islice(dates(written(weekly, start)), 25)) == expected


@settings(max_examples=60, deadline=None)
@given(start=STARTS, interval=st.integers(1, 4), number=st.integers(1, 28), month=st.integers(1, 12))
def test_series_on_a_day_of_the_month(start: date, interval: int, number: int, month: int) -> None:
    pattern = {"interval": interval, "dayOfMonth": number, "month": month}
    for kind, frequency, yearly in KINDS:
        found = list(islice(dates(written({"type": f"absolute{kind}", **pattern}, start)), 12))
        extra = {"bymonth": month} if yearly else {}
        assert found == rule(frequency, start, interval=interval, bymonthday=number, **extra)[:12]


@settings(max_examples=60, deadline=None)
@given(start=STARTS, days=DAY_SETS, index=st.sampled_from(INDEXES), month=st.integers(1, 12))
def test_series_on_the_last_or_nth_of_some_days(start: date, days: list[str], index: str, month: int) -> None:
    pattern = {"interval": 2, "daysOfWeek": days, "index": index, "month": month}
    chosen = [WEEKDAYS[DAYS.index(day)] for day in days]
    position = -1 if index == "last" else INDEXES.index(index) + 1
    for kind, frequency, yearly in KINDS:
        found = list(islice(dates(written({"type": f"relative{kind}", **pattern}, start)), 12))
        extra = {"bymonth": month} if yearly else {}
        expected = rule(frequency, start, interval=2, byweekday=chosen, bysetpos=position, **extra)
        assert found == expected[:12]


def test_a_day_that_a_short_month_lacks_is_its_last_day_and_ranges_end_as_they_say() -> None:
    pattern = {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 31}
    numbered = written(pattern, date(2026, 1, 31), type="numbered", numberOfOccurrences=3)
    assert list(dates(numbered)) == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)]
    ended = written(pattern, date(2026, 1, 31), type="endDate", endDate="2026-03-30")
    assert list(dates(ended)) == [date(2026, 1, 31), date(2026, 2, 28)]
    for broken in ({"type": "weekly", "daysOfWeek": []}, {"type": "often"}, {"type": "daily", "interval": 0}):
        with pytest.raises(BadRecurrence):
            list(dates(written(broken, date(2026, 1, 1))))


def test_a_series_keeps_to_its_clock_when_summer_time_begins() -> None:
    zone = "W. Europe Standard Time"
    pattern = {"type": "weekly", "interval": 1, "daysOfWeek": ["friday"]}
    doc = {
        "start": {"dateTime": "2026-03-20T09:30:00", "timeZone": zone},
        "end": {"dateTime": "2026-03-20T10:00:00", "timeZone": zone},
        "recurrence": written(pattern, date(2026, 3, 20)),
    }
    window = to_utc(datetime.combine(date(2026, 3, 19), time()), zone)
    found = between(doc, window, window + timedelta(days=20))
    assert [to_utc(datetime.fromisoformat(one.start["dateTime"]), zone).hour for one in found] == [8, 8, 7]
