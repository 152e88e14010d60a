"""A year of many mailboxes over the pure engine: no alarm while it is calm, and each incident on its day."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from apps.alerts.learning.course import Judged, follow
from apps.alerts.learning.findings import Kind
from apps.alerts.learning.readings import History, Metric, Reading, marks_of
from apps.alerts.learning.silence import task_silence
from tests.alerts.incidents import AT_ONCE, drip, mass_deletion, silence
from tests.alerts.tempers import NIGHTLY, TEMPERS, THRICE, Schedule, Temper, year

BY_NAME = {temper.name: temper for temper in TEMPERS}
LARGE = [temper for temper in TEMPERS if temper.name != "hardly used"]
THRICE_A_DAY = ("busy", "sales", "weekends only")
SOME = [BY_NAME[name] for name in ("busy", "quiet", "newsletters", "tidy", "always on", "deletes by the week")]


def calm_year(temper: Temper, seed: int, schedule: Schedule = NIGHTLY) -> list[Reading]:
    return list(year(temper, Random(f"{seed}-{temper.name}-{schedule.hours}"), schedule))


def judged_from(readings: list[Reading], place: int, many: int = 1) -> list[Judged]:
    """What is said of the readings from a place on, by who knows those before."""
    return list(follow(readings[place : place + many], readings[:place]))


YEARS = [
    *((temper, 1, NIGHTLY) for temper in TEMPERS),
    *((temper, 2, NIGHTLY) for temper in TEMPERS),
    *((BY_NAME[name], 3, THRICE) for name in THRICE_A_DAY),
]


@pytest.mark.parametrize(("temper", "seed", "schedule"), YEARS, ids=lambda each: getattr(each, "name", ""))
def test_a_calm_year_raises_no_alarm(temper: Temper, seed: int, schedule: Schedule) -> None:
    alarms = [
        (f"{each.reading.at:%Y-%m-%d}", finding.kind.value, finding.facts())
        for each in follow(calm_year(temper, seed, schedule))
        for finding in each.findings
    ]
    assert alarms == []


@pytest.mark.parametrize("name", list(AT_ONCE))
def test_an_incident_is_found_by_the_first_backup_after_it(name: str) -> None:
    incident, kinds = AT_ONCE[name]
    for temper in LARGE:
        calm = calm_year(temper, 3)
        for place in (len(calm) // 2, len(calm) * 3 // 4):
            (told,) = judged_from(incident(calm, place), place)
            found = {finding.kind.value for finding in told.findings}
            assert found & kinds, (temper.name, name, calm[place])
            assert told.reading.odd


@pytest.mark.parametrize(
    ("name", "days"), [("busy", 3), ("shared", 3), ("always on", 3), ("accounts", 4), ("part time", 8)]
)
def test_a_busy_mailbox_that_falls_silent_is_missed_by_its_own_rhythm(name: str, days: int) -> None:
    calm = calm_year(BY_NAME[name], 3)
    for place in (len(calm) // 2, len(calm) * 2 // 3, len(calm) - 30):
        told = judged_from(silence(calm, place), place, 30)
        first = next(each.reading for each in told if any(f.kind == Kind.SILENCE for f in each.findings))
        assert (first.at - calm[place - 1].at) <= timedelta(days=days), (name, calm[place].at)


def test_nobody_expects_much_of_a_mailbox_that_is_hardly_used() -> None:
    calm = calm_year(BY_NAME["hardly used"], 3)
    assert not any(each.findings for each in judged_from(silence(calm, 200), 200, 60))


@pytest.mark.parametrize(("share", "backups"), [(0.1, 3), (0.03, 10)])
def test_deletion_day_by_day_is_found_before_a_third_is_gone(share: float, backups: int) -> None:
    for temper in SOME:
        calm = calm_year(temper, 4)
        place = len(calm) // 2
        told = judged_from(drip(calm, place, start=share), place, backups)
        assert any(marks_of(Metric.REMOVED) & each.reading.odd for each in told), temper.name


@pytest.mark.parametrize(("faster", "left"), [(1.05, 0.5), (1.1, 0.6), (1.2, 0.65), (1.4, 0.65)])
def test_who_deletes_a_little_more_every_day_is_found_in_time(faster: float, left: float) -> None:
    """The stated bound (docs/alerts-learning.md): what is left of the mailbox by then."""
    for temper in SOME:
        calm = calm_year(temper, 5)
        place = len(calm) // 2
        struck = drip(calm, place, start=0.0005, faster=faster)
        told = follow(struck[place:], struck[:place])
        found = next((n for n, each in enumerate(told) if marks_of(Metric.REMOVED) & each.reading.odd), None)
        assert found is not None, temper.name
        assert struck[place + found].items > calm[place + found].items * left, (temper.name, found)


def test_an_incident_is_not_learnt_and_the_same_again_is_told_again() -> None:
    calm = calm_year(BY_NAME["busy and steady"], 6)
    struck = mass_deletion(mass_deletion(calm, 200, 0.2), 230, 0.2)
    told = [each.reading.number for each in judged_from(struck, 190, 60) if each.reading.odd]
    assert told == [struck[200].number, struck[230].number]


def steady(count: int, hours: int = 24, **values: int) -> list[Reading]:
    """Backups that all bring the same, night by night unless they come sooner or later."""
    start = datetime(2026, 1, 5, 2, tzinfo=UTC)
    moments = [start + timedelta(hours=hours * number) for number in range(count)]
    usual = {"added": 30, "changed": 20, "removed": 5, "items": 5_000} | values
    return [
        Reading(number, at, before=moments[number - 1] if number else None, **usual)  # type: ignore[arg-type]
        for number, at in enumerate(moments)
    ]


def test_a_new_level_is_accepted_after_it_has_lasted_a_week() -> None:
    quiet, loud = steady(60), steady(90, removed=150)[60:]
    told = [each.reading for each in follow([*quiet, *loud]) if "mass_deletion" in map(_kind, each.findings)]
    days = {(each.at - loud[0].at).days for each in told}
    assert min(days) == 0
    assert max(days) < 14


@pytest.mark.parametrize("hours", [1, 2, 3, 4, 6, 8, 12, 24, 72, 168])
def test_whatever_the_schedule_much_that_goes_is_told_and_a_new_level_is_learnt(hours: int) -> None:
    """Hourly backups are so many, and weekly ones so few, that neither may be counted only."""
    backups = max(60, 90 * 24 // hours)
    known = steady(backups, hours=hours)
    struck = steady(backups + 1, hours=hours, removed=3_000, items=2_000)[-1]
    (judged,) = follow([struck], known)
    assert [each.kind for each in judged.findings] == [Kind.MASS_DELETION]
    assert judged.findings[0].learnt, "known from what is usual, not only because it is more than half"
    step = max(24 // hours, 1)  # backups of one day
    odd = frozenset({Metric.REMOVED})
    loud = [replace(each, odd=odd) for each in steady(backups + 7 * step, hours=hours, removed=400)[backups:]]
    assert History([*known, *loud]).lasting(Metric.REMOVED) == {each.at for each in loud}
    assert not History([*known, *loud[: 5 * step]]).lasting(Metric.REMOVED)


def _kind(finding: object) -> str:
    return str(getattr(finding, "kind").value)  # noqa: B009


def test_what_a_person_called_normal_is_learnt_at_once() -> None:
    known, (again,) = steady(60), steady(61, removed=150)[60:]
    odd = replace(known[40], removed=150, odd=frozenset({Metric.REMOVED}))
    with_odd = [*known[:40], odd, *known[41:]]
    accepted = [*known[:40], replace(odd, accepted=True), *known[41:]]
    assert [each.findings != [] for each in follow([again], with_odd)] == [True]
    assert [each.findings != [] for each in follow([again], accepted)] == [False]


def test_a_few_items_instead_of_one_are_no_alarm_and_half_of_a_new_mailbox_is() -> None:
    small = steady(60, added=1, changed=0, removed=1, items=80)
    assert not _told(small, replace(small[-1], removed=45))
    young = steady(5, items=400)
    assert not _told(young[:4], replace(young[4], removed=150))
    assert _told(young[:4], replace(young[4], removed=250, items=180)) == ["mass_deletion"]


def test_days_that_come_at_once_are_judged_as_so_many_days() -> None:
    known = steady(60, removed=40)
    last = known[-1]
    week = replace(last, number=99, at=last.at + timedelta(days=7), before=last.at, removed=280)
    assert not _told(known, week)
    assert _told(known, replace(week, at=last.at + timedelta(days=1))) == ["mass_deletion"]


def test_what_a_rule_or_a_restore_brings_is_not_judged_but_what_goes_is() -> None:
    known = steady(60)
    flood = replace(known[-1], added=5_000, came=10**11)
    assert _told(known, flood) == ["flood", "growth"]
    assert not _told(known, replace(flood, left_out="restore"))
    assert _told(known, replace(flood, left_out="restore", removed=2_000)) == ["mass_deletion"]


def test_a_backup_that_is_not_complete_is_judged_and_not_learnt() -> None:
    known = [replace(each, good=False) if each.number % 2 else each for each in steady(60)]
    assert _told(known, replace(known[-1], good=False, removed=2_000)) == ["mass_deletion"]
    assert len(History(known).learnt(Metric.REMOVED)) == 30


def test_a_task_is_silent_when_nothing_comes_of_any_of_its_mailboxes() -> None:
    assert task_silence([(40.0, 0), (25.0, 0), (30.0, 0)])
    assert not task_silence([(40.0, 0), (25.0, 0), (30.0, 1)])
    assert not task_silence([(4.0, 0), (2.0, 0), (3.0, 0)])
    assert not task_silence([(400.0, 0), (250.0, 0)])


def _told(known: list[Reading], reading: Reading) -> list[str]:
    moment = known[-1].at + timedelta(days=1)
    if reading.at <= known[-1].at:
        reading = replace(reading, number=known[-1].number + 1, at=moment, before=known[-1].at)
    return sorted({_kind(finding) for each in follow([reading], known) for finding in each.findings})
