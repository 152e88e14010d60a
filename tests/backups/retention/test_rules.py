"""Rules of retention: in and out as JSON, in words, and which of two keeps less."""

import pytest

from apps.backups.retention.forms import RetentionForm
from apps.backups.retention.rules import EVERYTHING, KeepAll, KeepFor, KeepSteps, Rule, Unit
from apps.core.errors import InvalidRequest

YEAR = Rule(KeepFor(1, Unit.YEARS))
STEPS = Rule(KeepSteps(latest=5, daily=7, weekly=4, monthly=12, yearly=1), archived_days=30)


@pytest.mark.parametrize("rule", [EVERYTHING, YEAR, STEPS])
def test_a_rule_comes_back_from_its_json_and_from_its_form(rule: Rule) -> None:
    assert Rule.from_json(rule.to_json()) == rule
    form = RetentionForm(
        {key: value for key, value in RetentionForm.initial_of(rule).items() if value is not None}
    )
    assert form.is_valid(), form.errors
    assert form.rule() == rule


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        {"keep": {"kind": "all", "count": 3}},
        {"keep": {"kind": "age", "count": 0, "unit": "days"}},
        {"keep": {"kind": "age", "count": True, "unit": "days"}},
        {"keep": {"kind": "age", "count": 5, "unit": "hours"}},
        {"keep": {"kind": "steps", "daily": 0}},
        {"keep": {"kind": "steps", "daily": -1}},
        {"keep": {"kind": "all"}, "archived_days": 0},
        {"keep": {"kind": "all"}, "more": 1},
    ],
)
def test_what_is_no_rule_is_refused(said: object) -> None:
    with pytest.raises(InvalidRequest):
        Rule.from_json(said)


def test_rules_are_said_in_words() -> None:
    assert EVERYTHING.words() == "Keep every backup"
    assert YEAR.words() == "Keep backups for 1 year"
    assert STEPS.words() == (
        "Keep the 5 last backups, one of each of 7 days, one of each of 4 weeks, one of each of 12 months "
        "and one of each of 1 year; delete archived ones after 30 days"
    )


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (EVERYTHING, YEAR, True),
        (YEAR, EVERYTHING, False),
        (YEAR, YEAR, True),
        (YEAR, Rule(KeepFor(365, Unit.DAYS)), True),
        (YEAR, Rule(KeepFor(366, Unit.DAYS)), False),
        (Rule(KeepFor(12, Unit.MONTHS)), YEAR, False),
        (Rule(KeepFor(2, Unit.YEARS)), YEAR, True),
        (Rule(KeepSteps(daily=8)), Rule(KeepSteps(daily=7)), True),
        (Rule(KeepSteps(daily=8)), Rule(KeepSteps(daily=7, yearly=1)), False),
        (YEAR, Rule(KeepSteps(daily=7)), False),
        (Rule(KeepAll(), archived_days=30), EVERYTHING, False),
        (EVERYTHING, Rule(KeepAll(), archived_days=30), True),
    ],
)
def test_in_doubt_a_rule_keeps_less_than_another(ours: Rule, theirs: Rule, expected: bool) -> None:
    assert ours.keeps_no_less_than(theirs) is expected
