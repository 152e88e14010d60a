"""What has grown since somebody was told is told again: steps, mailboxes, addresses, deleted items."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from apps.alerts.enums import AlertKind, AlertState, Severity
from apps.alerts.growth import Growth, addresses, incident, latest, mailboxes
from apps.alerts.models import Alert
from apps.alerts.notices import tell_of_the_day
from apps.alerts.services import alert_raise
from apps.alerts.words import sentence
from apps.backups.holds import on_hold
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.core.scope import account_scope
from apps.notifications.letters import opened
from apps.notifications.models import Delivery, Recipient
from tests.cast import Cast
from tests.jobs.conftest import signed_in
from tests.recovery.factories import make_entity

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def told_to_the_owner(cast: Cast) -> Iterator[None]:
    with patch("celery.app.task.Task.apply_async"), account_scope(cast.account.pk), acting_as(SYSTEM):
        Recipient.objects.all().delete()
        Recipient.objects.create(
            account=cast.account, way="mail", user=cast.owner, address=cast.owner.email, kinds=["alerts"]
        )
        yield


def seen(severity: Severity, facts: dict[str, Any], growth: Growth, **fields: Any) -> Alert:
    return alert_raise("failures", "failures:1", severity=severity, facts=facts, growth=growth, **fields)


def acknowledge() -> None:
    Alert.objects.update(state=AlertState.ACKNOWLEDGED)


def test_each_step_of_what_grows_worse_is_in_the_letter_of_its_day() -> None:
    start, letters = clock.now(), []
    for day, severity in enumerate([Severity.NOTICE, Severity.NOTICE, Severity.WARNING, Severity.WARNING]):
        with clock.travel(start + timedelta(days=day, minutes=day)):
            seen(severity, {"label": "Key"}, latest)
            letters.append(tell_of_the_day())
    assert letters == [1, 0, 1, 0]


@pytest.mark.parametrize("counts", [(6, 7, 55), (100, 110, 124, 125), (9, 2, 4)])
def test_many_more_mailboxes_than_somebody_acknowledged_are_news(counts: tuple[int, ...]) -> None:
    told = []
    for count in counts:
        alert = seen(Severity.WARNING, {"mailboxes": count, "of": 200}, mailboxes)
        if alert.state == AlertState.OPEN:
            told.append(count)
        acknowledge()
    assert told == [counts[0], counts[-1]]


def test_a_forwarding_rule_that_gets_a_thief_is_told_whoever_acknowledged_the_partner() -> None:
    partner, thief = "a@partner.example", "thief@evil.example"
    seen(Severity.CRITICAL, {"to": [partner], "outside": [partner]}, addresses)
    seen(Severity.CRITICAL, {"to": [partner], "outside": [partner]}, addresses)
    assert Delivery.objects.count() == 1
    acknowledge()
    alert = seen(Severity.CRITICAL, {"to": [thief], "outside": [thief]}, addresses)
    assert (alert.state, alert.facts["to"]) == (AlertState.OPEN, [partner, thief])
    assert Delivery.objects.count() == 2


def test_a_second_mass_deletion_is_told_opens_the_items_of_both_and_holds_again(cast: Cast) -> None:
    entity = make_entity()

    def deleted(number: int, value: int) -> Alert:
        facts = {"value": value, "low": 0, "high": 3, "learnt": 60, "from": number - 1, "number": number}
        return alert_raise(
            AlertKind.MASS_DELETION, "mass_deletion:1", severity=Severity.CRITICAL, facts=facts, entity=entity,
            sub_service="mail", metric="removed", snapshot_number=number, growth=incident,
        )  # fmt: skip

    hold = deleted(15, 120).hold
    assert hold is not None
    deleted(15, 120)
    assert Delivery.objects.count() == 1, "the same backup looked at twice"
    hold.lifted_at = clock.now()
    hold.save()
    alert = deleted(16, 110)
    alert.refresh_from_db()
    assert (alert.facts["from"], alert.facts["number"], alert.snapshot_number) == (14, 16, 16)
    assert sentence(alert) == "230 deleted items in 2 backups. Usual here: 0 to 3."
    assert Delivery.objects.count() == 2 and "230 deleted items" in opened(Delivery.objects.latest("pk")).body
    assert len(on_hold([entity.pk])[entity.pk]) == 1


def test_how_full_the_storage_is_learns_who_sees_all_of_it_alone(cast: Cast) -> None:
    facts = {"label": "Storage", "used": 90, "planned": 100, "share": 90}
    alert_raise(AlertKind.QUOTA, "quota:storage", severity=Severity.WARNING, facts=facts)
    for person, count in ((cast.owner, 1), (cast.viewer, 0)):
        with signed_in(person):
            assert Alert.objects.count() == count
