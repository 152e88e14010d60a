"""When backups start: hours of the wall in any time zone, windows, and a year of each rhythm."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.backups.schedules import DEFAULT, Every, Rule, Schedule
from apps.backups.schedules.words import schedule_words
from apps.core.errors import InvalidRequest

BERLIN, NEW_YORK, LORD_HOWE, KOLKATA = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
)
ZONES = ["UTC", BERLIN, NEW_YORK, LORD_HOWE, KOLKATA, "Pacific/Chatham", "America/St_Johns"]
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def starts(schedule: Schedule, since: datetime, until: datetime) -> list[datetime]:
    """A clock that jumps from start to start, as the queue does."""
    found, now = list[datetime](), since
    while (now := schedule.next_start(now) or until) < until:
        found.append(now)
    return found


def year_of(rule: Rule, year: int = 2026) -> list[datetime]:
    zone = ZoneInfo(rule.zone)
    since = datetime(year, 1, 1, tzinfo=zone) - timedelta(seconds=1)
    return starts(Schedule((rule,)), since.astimezone(UTC), datetime(year + 1, 1, 1, tzinfo=zone))


@pytest.mark.parametrize(
    ("every", "after", "expected"),
    [
        (Every.DAILY, "2026-03-04T02:00", "2026-03-05T02:00"),
        (Every.DAILY, "2026-03-04T01:59", "2026-03-04T02:00"),
        (Every.DAILY, "2026-03-04T23:10", "2026-03-05T02:00"),
        (Every.THREE_PER_DAY, "2026-03-04T02:30", "2026-03-04T10:00"),
        (Every.THREE_PER_DAY, "2026-03-04T20:00", "2026-03-05T02:00"),
        (Every.EVERY_3_DAYS, "2026-03-04T02:20", "2026-03-07T02:00"),
        (Every.WEEKLY, "2026-03-04T02:20", "2026-03-11T02:00"),
        (Every.WEEKLY, "2026-03-04T01:20", "2026-03-10T02:00"),
        (Every.MONTHLY, "2026-03-04T01:20", "2026-04-01T02:00"),
        (Every.YEARLY, "2026-03-04T01:20", "2027-01-01T02:00"),
        (Every.HOURS, "2026-03-04T01:20", "2026-03-04T02:00"),
        (Every.HOURS, "2026-03-04T06:00", "2026-03-04T10:00"),
    ],
)
def test_the_next_start_is_the_next_one_at_the_hour(every: Every, after: str, expected: str) -> None:
    assert Rule(every).next_start(utc(after)) == utc(expected)


@pytest.mark.parametrize("every", list(Every))
def test_a_first_backup_never_waits_longer_than_a_day(every: Every) -> None:
    assert Rule(every, day=31, month=6).next_start(NOON, first=True) - NOON <= DAY


def test_a_first_backup_waits_for_its_weekday_and_its_first_day() -> None:
    assert Rule(weekdays=frozenset({6})).next_start(NOON, first=True) == utc("2026-11-22T02:00")
    late = Rule(Every.MONTHLY, first_day=date(2027, 3, 5))
    assert late.next_start(NOON, first=True) == utc("2027-03-05T02:00")
    assert late.next_start(NOON) == utc("2027-04-01T02:00")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("at", [time(2), time(2, 30), time(23, 45)])
def test_a_year_of_nights_has_one_start_on_each_local_day(zone: str, at: time) -> None:
    found = year_of(Rule(at=at, zone=zone))
    assert [start.astimezone(ZoneInfo(zone)).date() for start in found] == [
        date(2026, 1, 1) + n * DAY for n in range(365)
    ]
    off = [start for start in found if start.astimezone(ZoneInfo(zone)).time() != at]
    assert len(off) <= 1, "only the hour that a spring leaves out may move"


def test_an_hour_that_spring_leaves_out_starts_an_hour_later_and_the_next_day_as_ever() -> None:
    rule = Rule(at=time(2, 30), zone=BERLIN)
    assert rule.next_start(utc("2026-03-28T12:00")) == utc("2026-03-29T01:30")  # 03:30 on the wall
    assert rule.next_start(utc("2026-03-29T01:30")) == utc("2026-03-30T00:30")


def test_an_hour_that_autumn_doubles_starts_once_and_the_first_time() -> None:
    rule = Rule(at=time(2, 30), zone=BERLIN)
    assert rule.next_start(utc("2026-10-24T12:00")) == utc("2026-10-25T00:30")
    assert rule.next_start(utc("2026-10-25T00:30")) == utc("2026-10-26T01:30")


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize(
    ("every", "at", "until"),
    [("daily", "02:00", "03:00"), ("3_per_day", "18:00", "02:30"), ("hours", "02:00", "03:00")],
)
def test_no_change_of_the_clocks_makes_a_window_last_a_day(zone: str, every: str, at: str, until: str) -> None:
    """The hour in which backups may run is the very one that spring leaves out."""
    rule = Rule(Every(every), time.fromisoformat(at), zone, until=time.fromisoformat(until), hours=1)
    meant = {stop - start for start, stop in _windows(rule, datetime(2026, 6, 1, tzinfo=UTC), days=7)}
    for start, stop in _windows(rule, datetime(2026, 1, 1, tzinfo=UTC), days=365):
        assert timedelta(0) < stop - start <= max(meant) + timedelta(hours=1), start


def _windows(rule: Rule, after: datetime, days: int) -> Iterator[tuple[datetime, datetime]]:
    end = after + timedelta(days=days)
    while after < end:
        after = rule.next_start(after)
        stop = rule.stop_after(after)
        assert stop is not None
        yield after, stop


def test_half_an_hour_of_lord_howe_is_left_out_and_doubled_too() -> None:
    rule = Rule(at=time(2, 15), zone=LORD_HOWE)
    spring, autumn = utc("2026-10-03T12:00"), utc("2026-04-04T12:00")
    assert rule.next_start(spring).astimezone(ZoneInfo(LORD_HOWE)).time() == time(2, 45)
    assert rule.next_start(rule.next_start(autumn)) - rule.next_start(autumn) == DAY
    assert rule.next_start(autumn).astimezone(ZoneInfo(LORD_HOWE)).fold == 1 or rule.next_start(
        autumn
    ).astimezone(ZoneInfo(LORD_HOWE)).time() == time(2, 15)


def test_weekdays_are_those_of_the_place() -> None:
    found = year_of(Rule(at=time(1), zone="Pacific/Auckland", weekdays=frozenset({0})))
    assert {start.astimezone(ZoneInfo("Pacific/Auckland")).weekday() for start in found} == {0}
    assert len(found) == 52


def test_months_that_are_too_short_start_on_their_last_day() -> None:
    found = [start.date() for start in year_of(Rule(Every.MONTHLY, day=31), 2028)]
    assert [day.day for day in found] == [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    leap = Rule(Every.YEARLY, day=29, month=2)
    assert leap.next_start(utc("2026-03-01T00:00")) == utc("2027-02-28T02:00")
    assert leap.next_start(utc("2028-01-01T00:00")) == utc("2028-02-29T02:00")


def test_hours_are_counted_inside_the_day_and_its_window() -> None:
    rule = Rule(Every.HOURS, at=time(8), until=time(18), hours=2, zone=BERLIN, weekdays=frozenset(range(5)))
    found = [start.astimezone(ZoneInfo(BERLIN)) for start in year_of(rule)]
    assert {start.hour for start in found} == {8, 10, 12, 14, 16} and {
        start.weekday() for start in found
    } == set(range(5))


def test_a_window_over_midnight_is_open_until_its_stop() -> None:
    night = Schedule((Rule(at=time(22), until=time(6)),))
    assert night.stop_at(utc("2026-03-04T23:00")) == utc("2026-03-05T06:00")
    assert night.is_open(utc("2026-03-05T05:59")) and not night.is_open(utc("2026-03-05T06:00"))
    assert not night.is_open(utc("2026-03-05T21:59"))


def test_the_last_start_decides_how_long_a_backup_may_take() -> None:
    nights = Rule(at=time(22), until=time(6), weekdays=frozenset(range(5)))
    both = Schedule((nights, Rule(at=time(8), weekdays=frozenset({5}))))
    friday, saturday = utc("2026-11-20T23:00"), utc("2026-11-21T09:00")
    assert both.stop_at(friday) == utc("2026-11-21T06:00")
    assert both.is_open(saturday) and both.stop_at(saturday) is None
    assert both.next_start(friday) == utc("2026-11-21T08:00")


@pytest.mark.parametrize("every", ["monthly", "yearly", "every_3_days", "weekly"])
def test_what_starts_once_a_month_gives_no_hour_to_the_days_between(every: str) -> None:
    """On weekdays until 08:00, and besides on the 31st at noon: on a Tuesday nothing goes on at noon."""
    night = Rule(at=time(5), until=time(8), weekdays=frozenset(range(5)))
    both = Schedule((night, Rule(Every(every), time(12), day=31, month=8)))
    tuesday, stopped = utc("2026-03-10 13:00"), utc("2026-03-10 08:00")
    assert both.next_start(stopped, first=True) == utc("2026-03-11 05:00")
    if every in ("monthly", "yearly"):
        assert not both.is_open(tuesday) and both.last_start(tuesday) == utc("2026-03-10 05:00")
        assert both.is_open(utc("2026-08-31 13:00")) and both.is_open(utc("2026-09-01 04:00"))
        assert both.stop_at(utc("2026-03-10 06:00")) == stopped


def test_a_first_backup_does_not_wait_for_a_rhythm_that_has_not_begun() -> None:
    later = Rule(at=time(5), first_day=date(2027, 1, 1))
    both = Schedule((later, Rule(Every.MONTHLY, time(12), day=31)))
    assert both.next_start(utc("2026-03-10 08:00"), first=True) == utc("2026-03-10 12:00")
    assert both.is_open(utc("2026-03-10 12:30"))


def test_nothing_starts_by_itself_on_demand() -> None:
    asked = Schedule()
    assert (asked.next_start(NOON), asked.good_until(NOON), asked.is_open(NOON)) == (None, None, True)


def test_green_runs_out_half_a_day_after_the_next_start() -> None:
    weekdays = Schedule((Rule(weekdays=frozenset(range(5))),))
    friday = utc("2026-11-20T02:20")
    assert weekdays.good_until(friday) == utc("2026-11-23T14:00")
    assert DEFAULT.good_until(friday) == utc("2026-11-21T14:00")


times = st.times().map(lambda moment: moment.replace(second=0, microsecond=0))
rules = st.builds(
    Rule,
    every=st.sampled_from(Every),
    at=times,
    zone=st.sampled_from(ZONES),
    until=st.none() | times,
    weekdays=st.frozensets(st.integers(0, 6)),
    hours=st.integers(1, 23),
    day=st.integers(1, 31),
    month=st.integers(1, 12),
    first_day=st.none() | st.dates(date(2026, 1, 1), date(2026, 6, 1)),
)
schedules = st.lists(rules, min_size=1, max_size=3).map(lambda found: Schedule(tuple(found)))
moments = st.datetimes(datetime(2025, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(schedules, moments)
def test_every_start_lies_ahead_and_its_window_is_open(schedule: Schedule, after: datetime) -> None:
    for first in (False, True):
        start = schedule.next_start(after, first=first)
        assert start is not None and start > after
        assert schedule.is_open(start)
        stop = schedule.stop_at(start)
        assert stop is None or start < stop <= start + 2 * DAY
    assert (schedule.next_start(after, first=True) or after) <= (schedule.next_start(after) or after)


@given(schedules, moments)
def test_what_was_missed_is_caught_up_once(schedule: Schedule, after: datetime) -> None:
    first = schedule.next_start(after)
    assert first is not None
    later = schedule.next_start(first + 30 * DAY)
    assert later is not None and later > first + 30 * DAY


@given(schedules)
def test_json_gives_back_the_same_starts(schedule: Schedule) -> None:
    again = Schedule.from_json(schedule.to_json())
    assert again.next_start(NOON) == schedule.next_start(NOON)
    assert schedule_words(again) == schedule_words(schedule) != ""


@pytest.mark.parametrize(
    "said", [{}, {"rules": [{}]}, {"rules": [{"every": "daily", "at": "25:00", "zone": "UTC"}]}]
)
def test_what_is_no_schedule_is_refused(said: object) -> None:
    with pytest.raises(InvalidRequest):
        Schedule.from_json(said)


def test_schedules_are_said_in_words() -> None:
    work = Rule(at=time(5), zone=BERLIN, until=time(8), weekdays=frozenset({0, 2, 4}))
    assert schedule_words(Schedule((work,))) == "On Mon, Wed and Fri at 05:00 Europe/Berlin, stopped at 08:00"
    assert schedule_words(DEFAULT) == "Daily at 02:00 UTC"
    assert schedule_words(Schedule()) == "Only when somebody asks for it"
    month = Rule(Every.MONTHLY, day=3, first_day=date(2026, 12, 24))
    assert schedule_words(Schedule((month,))) == "On day 3 of each month at 02:00 UTC, from 24 Dec 2026 on"
