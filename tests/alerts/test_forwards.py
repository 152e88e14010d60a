"""A rule that begins to send mail on is told; one that stood before, or is switched off, is not."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from apps.alerts.enums import AlertState, Severity
from apps.alerts.models import Alert, RuleLook
from apps.alerts.standing import forwards
from apps.alerts.standing.forwards import TRIES, look_at_rules, snapshot_came
from apps.alerts.words import sentence
from apps.backups.models import Snapshot
from apps.connectors.documents import read_document
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.core.scope import account_scope
from tests.cast import Cast
from tests.jobs.conftest import signed_in
from tests.recovery.every_kind import store_document
from tests.recovery.factories import Mailbox, make_entity

pytestmark = pytest.mark.database


@pytest.fixture
def box(cast: Cast) -> Iterator[Mailbox]:
    with account_scope(cast.account.pk), acting_as(SYSTEM):
        box = Mailbox(make_entity(), "settings")
        box.folder("settings", "Mailbox settings", well_known="settings")
        put(box, "old", "away@elsewhere.example")
        box.day()
        yield box


def put(box: Mailbox, name: str, *to: str, **fields: Any) -> None:
    people = [{"emailAddress": {"address": each}} for each in to]
    rule = {"displayName": name, "isEnabled": True, "actions": {"forwardTo": people}, **fields}
    if f"rule:{name}" in box.live:
        box.remove(f"rule:{name}")
    box.item(f"rule:{name}", "settings", f"Rule: {name}", content=store_document(rule))


def to_look_at(box: Mailbox) -> RuleLook:
    """The next day's backup, whose rules nobody has looked at yet."""
    keys = {"account_id": box.entity.account_id, "entity": box.entity}
    return RuleLook.objects.create(snapshot_number=box.day().number, **keys)


def next_day(box: Mailbox, waits: int = 0) -> list[tuple[str, str, str]]:
    snapshot = box.day()
    snapshot.changed = 1  # as the engine counts, which these rows do without
    snapshot_came(Snapshot, snapshot, created=True)
    look_at_rules()
    assert RuleLook.objects.count() == waits
    return [(row.facts["rule"], row.severity, row.state) for row in Alert.objects.order_by("pk")]


def test_a_new_rule_that_forwards_outside_is_severe_and_over_when_it_goes(cast: Cast, box: Mailbox) -> None:
    put(box, "colleague", "ann@pizza-perfecto.example")
    put(box, "thief", "Thief@Evil.example")
    put(box, "off", "thief@evil.example", isEnabled=False)
    assert next_day(box) == [
        ("Rule: colleague", Severity.NOTICE, AlertState.OPEN),
        ("Rule: thief", Severity.CRITICAL, AlertState.OPEN),
    ]
    alert = Alert.objects.get(severity=Severity.CRITICAL)
    assert (alert.entity, alert.snapshot_number) == (box.entity, 2)
    with signed_in(cast.viewer):
        assert "evil.example" not in sentence(alert), "who only looks reads no addresses out of a rule"
    with signed_in(cast.restorer):
        assert "thief@evil.example" in sentence(alert)
    box.remove("rule:thief")
    assert next_day(box)[1] == ("Rule: thief", Severity.CRITICAL, AlertState.CLOSED)


def test_rules_that_cannot_be_read_wait_longer_each_time_and_are_told_in_the_end(box: Mailbox) -> None:
    put(box, "thief", "thief@evil.example")
    bad = to_look_at(box)
    other = RuleLook.objects.create(account_id=box.entity.account_id, entity=box.entity, snapshot_number=99)
    looks, start = 0, clock.now()

    def broken(*_: object) -> None:
        nonlocal looks
        looks += 1
        raise ValueError("no error that anybody thought of")

    with patch.object(forwards, "_judge", broken):
        look_at_rules()
        assert not RuleLook.objects.filter(pk=other.pk).exists(), "the next one has its turn"
        for hours in range(0, 24 * 12, 3):
            with clock.travel(start + timedelta(hours=hours)):
                look_at_rules()
    assert not RuleLook.objects.filter(pk=bad.pk).exists()
    assert looks == TRIES
    alert = Alert.objects.get()
    assert (alert.kind, alert.severity) == ("forwarding", Severity.WARNING)
    assert timedelta(days=6) < alert.opened_at - start < timedelta(days=10)
    assert "could not be read" in sentence(alert)


def test_one_rule_that_cannot_be_read_is_named_and_keeps_no_other_from_being_told(
    cast: Cast, box: Mailbox
) -> None:
    put(box, "a puzzle", "first@evil.example")
    put(box, "b thief", "thief@evil.example")
    start, puzzling = clock.now(), True
    to_look_at(box)

    def read(content: bytes) -> dict[str, Any]:
        if puzzling and b"puzzle" in content:
            raise ValueError("no rule that anybody thought of")
        return read_document(content)

    def told() -> list[str]:
        rows = Alert.objects.filter(state=AlertState.OPEN).order_by("pk")
        return [row.facts.get("rule", "unread") for row in rows]

    with patch.object(forwards, "read_document", read):
        look_at_rules()
        assert told() == ["Rule: b thief"]
        assert RuleLook.objects.get().tries == 1
        put(box, "b thief", "thief@evil.example", isEnabled=False)
        assert [row[0] for row in next_day(box, waits=1)] == ["Rule: b thief"]
        assert told() == [], "it is off now: the other one's next look does not tell it anew"
        for hours in range(1, 24 * 12, 4):
            with clock.travel(start + timedelta(hours=hours)):
                look_at_rules()
        assert told() == ["unread"]
        alert = Alert.objects.get(state=AlertState.OPEN)
        with signed_in(cast.restorer):
            assert "1 of them (“Rule: a puzzle”) could not be read" in sentence(alert)
        with signed_in(cast.viewer):
            assert "puzzle" not in sentence(alert)

        put(box, "c puzzle", "second@evil.example")
        to_look_at(box)
        look_at_rules()
        puzzling = False
        with clock.travel(clock.now() + timedelta(hours=1)):
            look_at_rules()
    assert told() == ["unread", "Rule: c puzzle"], "it can be read by now"
    assert not RuleLook.objects.exists()


def test_what_a_rule_did_before_is_unknown_when_it_cannot_be_read(box: Mailbox) -> None:
    put(box, "old", "away@elsewhere.example", sequence=2)

    def read(content: bytes) -> dict[str, Any]:
        document = read_document(content)
        if "sequence" not in document:
            raise ValueError("damaged")
        return document

    with patch.object(forwards, "read_document", read):
        assert next_day(box) == [("Rule: old", Severity.CRITICAL, AlertState.OPEN)]


def test_a_rule_that_is_switched_on_or_gets_another_address_is_new(box: Mailbox) -> None:
    put(box, "old", "away@elsewhere.example", sequence=2)
    assert next_day(box) == [], "the same people as before"
    put(box, "old", "away@elsewhere.example", "more@elsewhere.example")
    assert next_day(box) == [("Rule: old", Severity.CRITICAL, AlertState.OPEN)]
    assert Alert.objects.get().facts["to"] == ["more@elsewhere.example"]
