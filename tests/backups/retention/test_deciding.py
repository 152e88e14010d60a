"""Random histories against a slow oracle and against what is promised."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.backups.retention.deciding import Fate, Past, Why, decide
from apps.backups.retention.rules import KEEP_GOOD, Keep, KeepAll, KeepFor, KeepSteps, Unit

ZONE = ZoneInfo("Asia/Kathmandu")
NOW = datetime(2027, 3, 31, 9, tzinfo=UTC)


def lived(seed: int) -> list[Past]:
    """Backups at growing moments, some with gaps in their numbers, some with wrong dates or hardly anything."""
    random = Random(seed)
    past, number, moment = [], 0, NOW - timedelta(days=random.choice([3, 40, 400, 900]))
    pace = random.choice([0.4, 1, 1, 9, 40])
    for _ in range(random.randint(1, 40)):
        number, moment = (
            number + random.choice([1, 1, 1, 3]),
            moment + timedelta(days=pace * random.random() * 2),
        )
        wrong = random.choice([0] * 14 + [-400, -3, 3, 2_000])
        items = random.choice([100, 100, 101, 120, 140, 60, 40, 7, 0])
        verdict = random.choice(["success", "success", "partial", "failed"])
        if moment <= NOW or not past:
            past.append(Past(number, moment + timedelta(days=wrong), verdict, items, items * 1_000))
    return past


histories = st.builds(lived, st.integers(0, 10**9))
steps = st.builds(
    KeepSteps,
    latest=st.integers(0, 6),
    daily=st.integers(0, 9),
    weekly=st.integers(0, 6),
    monthly=st.integers(0, 9),
    yearly=st.integers(0, 3),
)
ages = st.builds(KeepFor, count=st.integers(1, 40), unit=st.sampled_from(Unit))
rules: st.SearchStrategy[Keep] = st.one_of(st.just(KeepAll()), ages, steps)


def stay(past: Sequence[Past], keep: Keep, **options: bool) -> set[int]:
    return {fate.past.number for fate in decide(past, keep, now=NOW, zone=ZONE, **options) if fate.stays}


def stay_for_themselves(past: Sequence[Past], keep: Keep) -> set[int]:
    """Without those that only show what later ones are worth: when these go, so may they."""
    found = decide(past, keep, now=NOW, zone=ZONE)
    return {fate.past.number for fate in found if fate.stays and fate.why is not Why.MEASURE}


def doubtful(past: Sequence[Past]) -> set[int]:
    ordered = sorted((each for each in past if each.taken_at <= NOW), key=lambda each: each.number)
    wrong = {each.number for each in past if each.taken_at > NOW}
    for at, one in enumerate(ordered):
        wrong |= {
            each
            for other in ordered[at + 1 :]
            if other.taken_at < one.taken_at
            for each in (one.number, other.number)
        }
    return wrong


def good_ones(past: Sequence[Past]) -> list[Past]:
    good: list[Past] = []
    wrong = doubtful(past)
    for each in sorted(past, key=lambda each: each.number):
        fits = not good or (each.items * 2 >= good[-1].items and each.size * 2 >= good[-1].size)
        if each.number not in wrong and each.verdict != "failed" and fits:
            good.append(each)
    return good


def oracle(past: Sequence[Past], keep: Keep) -> set[int]:
    """Say what stays by asking of each backup alone whether some reason keeps it."""
    wrong, good = doubtful(past), good_ones(past)
    counted = sorted((each for each in past if each.number not in wrong), key=lambda each: each.number)
    kept = wrong | {max(each.number for each in past)} | {each.number for each in good[-KEEP_GOOD:]}
    for group in (counted, good):
        kept |= {each.number for each in group if _named(each, group, keep)}
    while judged_otherwise := [each for each in counted if each.number in kept and _changes(each, past, kept)]:
        kept.add(max(each.number for each in good if each.number < judged_otherwise[0].number))
    return kept


def _changes(each: Past, past: Sequence[Past], kept: set[int]) -> bool:
    """Whether one is good by all, and not by what is left, or the other way round."""
    left = [other for other in past if other.number in kept]
    return (each in good_ones(past)) != (each in good_ones(left))


@cache
def local_of(moment: datetime) -> datetime:
    return moment.astimezone(ZONE)


def _named(each: Past, group: Sequence[Past], keep: Keep) -> bool:
    match keep:
        case KeepAll():
            return True
        case KeepFor():
            return each.taken_at >= _back(group[-1].taken_at.astimezone(ZONE), keep)
    later = [other for other in group if other.number > each.number]
    if len(later) < keep.latest:
        return True
    local = local_of(each.taken_at)
    for count, period in (
        (keep.daily, lambda at: at.date()),
        (keep.weekly, lambda at: at.isocalendar()[:2]),
        (keep.monthly, lambda at: (at.year, at.month)),
        (keep.yearly, lambda at: at.year),
    ):
        periods = {period(local_of(other.taken_at)) for other in later}
        if period(local) not in periods and len(periods) < count:
            return True
    return False


def _back(moment: datetime, keep: KeepFor) -> datetime:
    if keep.unit is Unit.DAYS:
        return moment - timedelta(days=keep.count)
    months = keep.count * (12 if keep.unit is Unit.YEARS else 1)
    target, day = moment.year * 12 + moment.month - 1 - months, moment.day
    while True:
        try:
            return moment.replace(year=target // 12, month=target % 12 + 1, day=day)
        except ValueError:
            day -= 1


@settings(max_examples=1_000, deadline=None)
@given(histories, rules)
def test_what_goes_is_what_no_reason_keeps_and_the_promises_hold(past: list[Past], keep: Keep) -> None:
    stays, good = stay(past, keep), good_ones(past)
    assert stays == oracle(past, keep)
    assert len(stays & {each.number for each in good}) >= min(KEEP_GOOD, len(good))
    left = [each for each in past if each.number in stays]
    assert stay(left, keep) == stays, "a second look changes nothing"
    assert stay(past, keep, held=True) == {each.number for each in past}
    assert doubtful(past) <= stays


@settings(max_examples=100, deadline=None)
@given(histories, rules, st.integers(1, 4_000), st.sampled_from([0, 3, 100]), st.integers(1, 60))
def test_those_that_are_wrongly_dated_or_hardly_hold_anything_push_no_good_one_out(
    past: list[Past], keep: Keep, ahead: int, items: int, nights: int
) -> None:
    last = max(past, key=lambda each: each.number)
    before = stay_for_themselves(past, keep) - {last.number}
    future = Past(last.number + 1, NOW + timedelta(days=ahead), "success", items, items)
    assert before <= stay([*past, future], keep)
    wiped = [
        Past(last.number + night, last.taken_at + timedelta(days=night), "success", 0, 0)
        for night in range(1, nights + 1)
        if last.taken_at + timedelta(days=night) <= NOW
    ]
    good = {each.number for each in good_ones(past)}
    assert before & good <= stay([*past, *wiped], keep)


@settings(max_examples=100, deadline=None)
@given(histories, steps, steps, ages, st.integers(0, 40))
def test_a_shorter_rule_lets_go_whatever_a_longer_one_does(
    past: list[Past], one: KeepSteps, other: KeepSteps, age: KeepFor, more: int
) -> None:
    longer = KeepSteps(
        *(max(getattr(one, name), getattr(other, name)) for name in KeepSteps.__dataclass_fields__)
    )
    assert stay_for_themselves(past, one) <= stay(past, longer) <= stay(past, KeepAll())
    assert stay_for_themselves(past, age) <= stay(past, replace(age, count=age.count + more))


def nightly(days: int, items: int = 100) -> list[Past]:
    return [
        Past(day + 1, NOW - timedelta(days=days - day), "success", items, items * 1_000) for day in range(days)
    ]


def fates(past: Sequence[Past], keep: Keep) -> dict[int, Why]:
    found: list[Fate] = decide(past, keep, now=NOW, zone=UTC)
    return {fate.past.number: fate.why for fate in found}


def test_a_mailbox_that_was_wiped_keeps_its_good_days_however_long_that_lasts() -> None:
    good, ago = nightly(60), timedelta(days=45)
    past = [replace(each, taken_at=each.taken_at - ago) for each in good]
    past += [replace(each, number=60 + each.number, items=0, size=0) for each in nightly(45)]
    kept = {number for number, why in fates(past, KeepFor(30, Unit.DAYS)).items() if why is not Why.GOES}
    assert set(range(31, 61)) <= kept


def test_what_shrank_step_by_step_is_judged_alike_when_the_steps_between_have_gone() -> None:
    sizes = {1: (33, 120), 2: (10, 60), 3: (9, 7), 4: (8, 40), 5: (3, 100), 6: (1, 120)}
    past = [
        Past(number, datetime(2027, 3, 25, tzinfo=UTC) - timedelta(days=days), "success", items, items * 1_000)
        for number, (days, items) in sizes.items()
    ]
    said = fates(past, KeepSteps(monthly=2))
    assert said == {1: Why.RULE, 2: Why.MEASURE, 3: Why.GOES, 4: Why.GOOD, 5: Why.GOOD, 6: Why.NEWEST}
    left = [each for each in past if said[each.number] is not Why.GOES]
    assert fates(left, KeepSteps(monthly=2)) == {number: said[number] for number in (1, 2, 4, 5, 6)}


def test_each_answer_says_why() -> None:
    past = [*nightly(10), Past(11, NOW + timedelta(days=9), "success", 100, 100_000)]
    assert fates(past, KeepFor(2, Unit.DAYS)) == {
        **dict.fromkeys(range(1, 8), Why.GOES),
        **dict.fromkeys((8, 9, 10), Why.RULE),
        11: Why.NEWEST,
    }
    assert all(why.words.endswith(".") for why in Why)


@pytest.mark.parametrize("left", [0, 12])
def test_a_mailbox_that_was_emptied_keeps_its_good_days_and_what_came_afterwards(left: int) -> None:
    past = [replace(each, items=left, size=left * 1_000) if each.number > 10 else each for each in nightly(40)]
    assert stay(past, KeepSteps(daily=5)) == {6, 7, 8, 9, 10, 36, 37, 38, 39, 40}


def test_days_end_by_the_clock_of_the_account() -> None:
    late = datetime(2027, 3, 1, 18, 30, tzinfo=UTC)  # a quarter past midnight in Kathmandu
    past = [
        Past(number, late + timedelta(hours=hours), "success", 1, 1)
        for number, hours in ((1, -1), (2, 0), (3, 1), (4, 2), (5, 3))
    ]
    kept = {fate.past.number for fate in decide(past, KeepSteps(daily=2), now=NOW, zone=ZONE) if fate.stays}
    assert kept == {1, 3, 4, 5}, "two of the first day in UTC are of two days there"
