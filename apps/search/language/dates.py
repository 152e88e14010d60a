"""Dates in words: "yesterday", "last week", "march 2025", "2025-03-01", "3 days ago", as spans of time.

A span is from midnight to midnight in the person's time zone, `low <= time < high`. Weeks start on Monday. A
month or a day without a year is the latest one that has begun.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from apps.search.language.problems import QueryProblem

HINT: Final = "Write a day as 2025-03-01, or in words: yesterday, last week, march 2025, 3 days ago."
MOST_WORDS: Final = 5  # "the 1st of march 2025"
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2199
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS: Final = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
}
_NUMBER: Final = rf"(?P<number>\d{{1,4}}|{'|'.join(_NUMBERS)})"
_MONTH: Final = rf"(?P<month>{'|'.join((*_FULL_MONTHS, 'sept', *_MONTHS))})"
_WEEKDAY: Final = rf"(?P<weekday>{'|'.join(_DAYS)})"
_UNIT: Final = r"(?P<unit>day|week|month|quarter|year)"
_DAY: Final = r"(?:the )?(?P<day>\d{1,2})(?:st|nd|rd|th)?(?: of)?"
_YEAR: Final = r"(?P<year>\d{4})"


class Span(NamedTuple):
    """From `low` on, until before `high`; None is open."""

    low: datetime | None
    high: datetime | None


class Days(NamedTuple):
    """From `first` on, until before `end`."""

    first: date
    end: date


class _NotADate(Exception):
    """No form of ours, or a day that no calendar has."""


def span_of(text: str, *, now: datetime, zone: tzinfo) -> Span:
    """Return what the words mean, `A..B` being from the start of A to the end of B, either of them open."""
    first, dots, last = text.partition("..")
    if not dots:
        days = _read(text, text, now.astimezone(zone).date())
        return Span(_midnight(days.first, zone), _midnight(days.end, zone))
    if not first.strip() and not last.strip():
        raise QueryProblem("There is no date beside “..”.", "Write 2025-03-01..2025-03-31.")
    today = now.astimezone(zone).date()
    low = _midnight(_read(first, text, today).first, zone) if first.strip() else None
    high = _midnight(_read(last, text, today).end, zone) if last.strip() else None
    if low is not None and high is not None and low >= high:
        raise QueryProblem(f"“{text}” ends before it begins.", "Write the earlier date first.")
    return Span(low, high)


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _read(text: str, typed: str, today: date) -> Days:
    words = re.sub(r"[\s,_]+", " ", text.strip().casefold())
    words = re.sub(r"(?<=[^\W\d_])-|-(?=[^\W\d_])", " ", words).strip()
    for form, meaning in _FORMS:
        if found := form.fullmatch(words):
            try:
                return _within(meaning(found, today))
            except (_NotADate, ValueError, OverflowError):
                break
    shown = typed.strip()[:60]
    if both := _EITHER_WAY.fullmatch(words):
        day, month, year = (int(part) for part in both.groups())
        raise QueryProblem(
            f"“{shown}” can be two days.",
            f"Write {year:04}-{month:02}-{day:02} or {year:04}-{day:02}-{month:02}.",
        )
    raise QueryProblem(f"“{shown}” is not a date that can be read.", HINT)


def _within(days: Days) -> Days:
    if not _FIRST_YEAR <= days.first.year <= days.end.year <= _LAST_YEAR + 1:
        raise _NotADate
    return days


def _day(day: date) -> Days:
    return Days(day, day + timedelta(days=1))


def _moved(day: date, months: int) -> date:
    """Return the day so many months later, or the last of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first = date(year, month + 1, 1)
    return first + timedelta(days=min(day.day, monthrange(year, month + 1)[1]) - 1)


def _unit(unit: str, today: date, steps: int) -> Days:
    """Return the day, week, month, quarter or year so many steps from the present one."""
    if unit == "day":
        return _day(today + timedelta(days=steps))
    if unit == "week":
        monday = today - timedelta(days=today.weekday()) + timedelta(weeks=steps)
        return Days(monday, monday + timedelta(weeks=1))
    months = {"month": 1, "quarter": 3, "year": 12}[unit]
    begun = today.replace(day=1, month=(today.month - 1) // months * months + 1)
    return Days(_moved(begun, steps * months), _moved(begun, (steps + 1) * months))


def _ago(unit: str, today: date, number: int) -> date:
    if unit in {"day", "week"}:
        return today - timedelta(days=number * (7 if unit == "week" else 1))
    return _moved(today, -number * {"month": 1, "quarter": 3, "year": 12}[unit])


def _number(found: re.Match[str]) -> int:
    typed = found["number"]
    return _NUMBERS.get(typed) or int(typed)


def _month(found: re.Match[str]) -> int:
    return _MONTHS.index(found["month"][:3]) + 1


def _named_day(found: re.Match[str], today: date) -> Days:
    steps = {"yesterday": -1, "tomorrow": 1, "today": 0, "now": 0}
    return _day(today + timedelta(days=steps.get(found[0], -2)))


def _that_unit(found: re.Match[str], today: date) -> Days:
    return _unit(found["unit"], today, {"this": 0, "next": 1}.get(found["which"], -1))


def _last_units(found: re.Match[str], today: date) -> Days:
    return Days(_ago(found["unit"], today, _number(found)), today + timedelta(days=1))


def _weekday(found: re.Match[str], today: date) -> Days:
    back = (today.weekday() - _DAYS.index(found["weekday"])) % 7
    which = found["which"]
    if which == "next":
        return _day(today + timedelta(days=7 - back))
    return _day(today - timedelta(days=back or (7 if which == "last" else 0)))


def _calendar_day(found: re.Match[str], today: date) -> Days:
    return _day(date(int(found["year"]), int(found["month"]), int(found["day"])))


def _named_month(found: re.Match[str], today: date) -> Days:
    month = _month(found)
    if year := found["year"]:
        return _unit("month", date(int(year), month, 1), 0)
    return _unit("month", date(today.year - (month > today.month), month, 1), 0)


def _month_in_figures(found: re.Match[str], today: date) -> Days:
    return _unit("month", date(int(found["year"]), int(found["month"]), 1), 0)


def _day_of_month(found: re.Match[str], today: date) -> Days:
    month, day = _month(found), int(found["day"])
    if year := found["year"]:
        return _day(date(int(year), month, day))
    return _day(date(today.year - ((month, day) > (today.month, today.day)), month, day))


def _quarter(found: re.Match[str], today: date) -> Days:
    return _unit("quarter", date(int(found["year"]), int(found["quarter"]) * 3, 1), 0)


_EITHER_WAY: Final = re.compile(r"(0?[1-9]|1[0-2])/(0?[1-9]|1[0-2])/(\d{4})", re.ASCII)
_FORMS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], Days]], ...]] = tuple(
    (re.compile(form, re.ASCII), meaning)
    for form, meaning in (
        (r"today|now|yesterday|tomorrow|(?:the )?day before yesterday", _named_day),
        (rf"(?P<which>this|last|past|previous|next) {_UNIT}", _that_unit),
        (rf"(?:last|past|previous) {_NUMBER} {_UNIT}s?", _last_units),
        (rf"{_NUMBER} {_UNIT}s? ago", lambda found, today: _day(_ago(found["unit"], today, _number(found)))),
        (rf"(?:(?P<which>last|next|this) )?{_WEEKDAY}", _weekday),
        (r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})", _calendar_day),
        (r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})", _calendar_day),
        (r"(?P<day>1[3-9]|2\d|3[01])/(?P<month>\d{1,2})/(?P<year>\d{4})", _calendar_day),
        (r"(?P<month>\d{1,2})/(?P<day>1[3-9]|2\d|3[01])/(?P<year>\d{4})", _calendar_day),
        (r"(?P<year>\d{4})[-/](?P<month>\d{1,2})", _month_in_figures),
        (_YEAR, lambda found, today: _unit("year", date(int(found["year"]), 1, 1), 0)),
        (rf"{_MONTH}(?: {_YEAR})?", _named_month),
        (rf"{_DAY} {_MONTH}(?: {_YEAR})?", _day_of_month),
        (rf"{_MONTH} {_DAY}(?: {_YEAR})?", _day_of_month),
        (rf"q(?P<quarter>[1-4]) {_YEAR}", _quarter),
        (rf"{_YEAR} q(?P<quarter>[1-4])", _quarter),
    )
)
