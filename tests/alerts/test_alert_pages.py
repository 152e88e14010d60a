"""The pages of alerts: who sees what, what can be done, and that nobody learns of what they may not see."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Role
from apps.accounts.models import User
from apps.accounts.selectors import person_now
from apps.activity.models import SecurityEvent
from apps.alerts.enums import AlertState, Severity
from apps.alerts.forgetting import forget_over
from apps.alerts.models import Alert, Measure
from apps.alerts.notices import tell_of_the_day
from apps.alerts.services import alert_close, alert_hold, alert_raise
from apps.backups.holds import on_hold
from apps.backups.models import BackupTask, Entity, Hold, Report
from apps.backups.reports.letters import letter_of
from apps.core import clock, counting
from apps.core.actor import SYSTEM, acting_as
from apps.core.scope import account_scope
from apps.notifications.letters import opened, written
from apps.notifications.models import Delivery, Recipient
from apps.notifications.services import notify
from tests.cast import Cast, member, prove_again
from tests.recovery.factories import Mailbox, make_entity

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def in_the_account(cast: Cast) -> Iterator[None]:
    with patch("celery.app.task.Task.apply_async"), account_scope(cast.account.pk), acting_as(SYSTEM):
        yield


def mass_deletion(name: str = "Bob Smith", **fields: object) -> Alert:
    """A mailbox that lost two of its three items in its second backup."""
    entity = make_entity(name, f"{name.split(maxsplit=1)[0].lower()}@pizza-perfecto.example", **fields)
    box = Mailbox(entity)
    box.folder("inbox", "Inbox", well_known="inbox")
    for number in range(3):
        box.item(f"m{number}", "inbox")
    box.day()
    box.remove("m0"), box.remove("m1")
    box.day()
    for number, removed in ((1, 0), (2, 2)):
        Measure.objects.create(
            account_id=entity.account_id, entity=entity, sub_service="mail", snapshot_number=number,
            taken_at=clock.now(), removed=removed, is_odd=removed > 0,
        )  # fmt: skip
    return alert_raise(
        "mass_deletion", f"mass_deletion:{entity.pk}", severity=Severity.CRITICAL, entity=entity,
        sub_service="mail", metric="removed", snapshot_number=2,
        facts={"value": 2, "low": 0, "high": 1, "learnt": 9},
    )  # fmt: skip


def page(user: User, name: str, *args: object, **query: str) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(reverse(name, args=args), query)
    assert answer.status_code == 200, (name, answer.status_code)
    return answer.content.decode()


def test_an_alert_opens_the_exact_items(cast: Cast) -> None:
    alert = mass_deletion()
    shown = page(cast.owner, "alert", alert.public_id)
    assert "2 deleted items in one backup. Usual here: 0 to 1." in shown
    assert 'class="this"' in shown
    link = next(part for part in shown.split('"') if "/compare/" in part).replace("&amp;", "&")
    client = Client()
    client.force_login(cast.owner)
    compared = client.get(link).content.decode()
    assert compared.count("Deleted") >= 2
    assert "/compare/" not in page(cast.viewer, "alert", alert.public_id), "items are for who may see them"


def test_a_severe_alert_puts_expiry_on_hold_and_writes_to_who_may_see_it(cast: Cast) -> None:
    for way, user, address in (
        ("mail", cast.owner, cast.owner.email),
        ("mail", cast.viewer, cast.viewer.email),
    ):
        Recipient.objects.create(
            account=cast.account, way=way, user=user, address=address, kinds=["alerts"]
        )  # fmt: skip
    secret = mass_deletion("Carla Confidential", limited=True)
    (hold,) = on_hold([secret.entity_id])[secret.entity_id]  # type: ignore[index,list-item]
    assert "Carla" not in f"{hold.name}{hold.reason}", "holds are named to who may not see her mailbox"
    assert [row.user for row in Delivery.objects.all()] == [cast.owner]
    body = opened(Delivery.objects.get()).body
    assert "2 deleted items" in body
    assert "Nothing of it is deleted until somebody lifts the hold" in body


def test_the_others_are_one_letter_a_day(cast: Cast) -> None:
    Recipient.objects.create(
        account=cast.account, way="mail", user=cast.viewer, address=cast.viewer.email, kinds=["alerts"]
    )
    first, second = make_entity("Bob Smith"), make_entity("Carla", "carla@x.example", limited=True)
    for entity in (first, second):
        alert_raise("silence", f"silence:{entity.pk}", severity=Severity.NOTICE, entity=entity, facts={})
    assert not Delivery.objects.exists()
    assert (tell_of_the_day(), tell_of_the_day()) == (1, 0)
    letter = opened(Delivery.objects.get())
    assert (letter.subject, "Bob Smith" in letter.body) == ("1 alert since yesterday", True)
    with clock.travel(clock.now() + timedelta(days=1, minutes=1)):
        assert tell_of_the_day() == 0, "nothing new"


def test_what_is_raised_while_the_letter_of_the_day_is_written_stands_in_the_next_one_alone(cast: Cast) -> None:
    Recipient.objects.create(
        account=cast.account, way="mail", user=cast.viewer, address=cast.viewer.email, kinds=["alerts"]
    )
    start = clock.now()

    def raised(entity: Entity) -> None:
        alert_raise("silence", f"silence:{entity.pk}", severity=Severity.NOTICE, entity=entity, facts={})

    def meanwhile(kind: str, letter: Any) -> int:
        with clock.travel(start + timedelta(seconds=1)):
            raised(make_entity("Late Larry", "larry@x.example"))
        return notify(kind, letter)

    with clock.travel(start):
        raised(make_entity("Bob Smith"))
        with patch("apps.alerts.notices.notify", meanwhile):
            assert tell_of_the_day() == 1
    with clock.travel(start + timedelta(days=1, minutes=1)):
        assert tell_of_the_day() == 1
    first, second = (opened(row).body for row in Delivery.objects.order_by("pk"))
    assert ("Larry" in first, "Larry" in second) == (False, True)


@pytest.mark.parametrize(("person", "seen"), [("owner", 2), ("operator", 1), ("viewer", 1), ("custom", 0)])
def test_nobody_learns_of_alerts_of_what_they_may_not_see(cast: Cast, person: str, seen: int) -> None:
    open_, secret = mass_deletion(), mass_deletion("Carla Confidential", limited=True)
    user = getattr(cast, person)
    shown = page(user, "alerts")
    assert ("Bob Smith" in shown, "Carla" in shown) == (seen > 0, seen > 1)
    assert f'<span class="ek-fig">{seen}</span>' in shown
    assert f'ek-push">{seen}<span' in shown if seen else "open</span></span>" not in shown
    assert page(user, "home").count("1 open alert<") == seen, "on the card of each one's task"
    client = Client()
    client.force_login(user)
    for alert, may in ((open_, seen > 0), (secret, seen > 1)):
        assert client.get(reverse("alert", args=[alert.public_id])).status_code == (200 if may else 404)
        act = client.post(reverse("alert_acknowledge", args=[alert.public_id]), {})
        assert act.status_code in ((302, 403) if may else (404,))


def test_acknowledging_says_by_whom_and_teaches_what_is_normal(cast: Cast) -> None:
    alert = mass_deletion()
    client = Client()
    client.force_login(cast.operator)
    address = reverse("alert_acknowledge", args=[alert.public_id])
    assert client.post(address, {"words": "Tidied up", "normal": "on"}).status_code == 302
    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_by) == (AlertState.ACKNOWLEDGED, "Oskar")
    assert Measure.objects.get(snapshot_number=2).accepted_at is not None
    assert "Tidied up" in page(cast.viewer, "alerts", state="acknowledged") + page(
        cast.viewer, "alert", alert.public_id
    )
    assert SecurityEvent.objects.filter(code="alert.acknowledged", actor_label="Oskar").count() == 1
    assert client.post(address, {}).status_code == 409


def test_the_list_is_narrowed_and_paged_by_keys(cast: Cast) -> None:
    entities = [make_entity(f"Person {number:02}", f"p{number}@x.example") for number in range(35)]
    for entity in entities:
        alert_raise("silence", f"silence:{entity.pk}", severity=Severity.NOTICE, entity=entity, facts={})
    first = page(cast.viewer, "alerts", kind="silence", severity="notice")
    assert first.count('class="ek-name"') == 30
    following = next(part for part in first.split('"') if "after=" in part).replace("&amp;", "&")
    client = Client()
    client.force_login(cast.viewer)
    assert client.get(following).content.decode().count('class="ek-name"') == 5
    assert page(cast.viewer, "alerts", q="person 07").count('class="ek-name"') == 1
    assert "No alert matches this filter" in page(cast.viewer, "alerts", kind="quota")
    unread = page(cast.viewer, "alerts", q="p" * 101, kind="quota", severity="worst")
    assert "This list is not filtered by “Mailbox, task or connection”" in unread
    assert "This list is not filtered by “Severity”" in unread
    assert "not filtered by “Kind”" not in unread


def test_pages_count_alerts_so_far_and_no_further(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "COUNTED", 2)
    for number in range(3):
        alert_raise("silence", f"silence:{number}", severity=Severity.NOTICE, facts={})
    shown = page(cast.viewer, "alerts")
    assert re.findall(r'"ek-fig">([^<]*)', shown) == ["2+", "0", "0", "2+"]
    assert 'ek-push">2+<span' in shown


def test_what_is_over_for_two_years_is_forgotten_but_nothing_open_or_held() -> None:
    def raised(name: str) -> str:
        alert_raise(
            "silence", name, severity=Severity.NOTICE, facts={}, entity=make_entity(name, f"{name}@x.example")
        )
        return name

    for name in ("over", "held", "lifted"):
        if raised(name) != "over":
            alert_hold(Alert.objects.get(key=name))
        alert_close(name)
    Hold.objects.filter(pk=Alert.objects.get(key="lifted").hold_id).update(lifted_at=clock.now())
    raised("open"), raised("looked at"), raised("still seen")
    Alert.objects.filter(key__in=["looked at", "still seen"]).update(
        state=AlertState.ACKNOWLEDGED, acknowledged_at=clock.now()
    )
    with clock.travel(clock.now() + timedelta(days=729)):
        raised("still seen")
        assert forget_over() == 0
    with clock.travel(clock.now() + timedelta(days=731)), patch("apps.alerts.forgetting.BATCH", 1):
        alert_close(raised("lately over"))
        assert forget_over() == 3
    assert set(Alert.objects.values_list("key", flat=True)) == {"held", "open", "still seen", "lately over"}
    assert Hold.objects.filter(lifted_at=None).count() == 1


def test_settings_are_kept_and_audited_and_administrators_hear_of_less(
    cast: Cast, mailoutbox: Any, django_capture_on_commit_callbacks: Any
) -> None:
    client = Client()
    client.force_login(cast.owner)
    session = client.session
    session.pop("account_authentication_methods", None)
    session.save()
    second = member(cast.account, "second@pizza-perfecto.example", Role.ADMINISTRATOR)
    data = {"kinds": ["failures"], "sensitivity": "high", "failures_in_a_row": "5", "planned_gb": "200"}
    assert client.post(reverse("alert_settings"), data).status_code == 302
    assert not SecurityEvent.objects.filter(code="alerts.changed").exists(), "a stolen session proves nothing"
    prove_again(client)
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(reverse("alert_settings"), data).status_code == 302
    assert "alerts were switched off" in mailoutbox[0].subject
    assert {mail.to[0] for mail in mailoutbox} == {cast.owner.email, second.email}
    said = SecurityEvent.objects.get(code="alerts.changed").description
    assert "failed runs in a row from 3 to 5" in said
    assert 'value="200"' in page(cast.owner, "alert_settings")
    assert client.post(reverse("alert_settings"), {**data, "failures_in_a_row": "0"}).status_code == 200


def test_a_mailbox_names_its_open_alerts(cast: Cast) -> None:
    alert = mass_deletion()
    assert isinstance(alert.entity, Entity)
    shown = page(cast.viewer, "entity", alert.entity.public_id)
    assert reverse("alert", args=[alert.public_id]) in shown


def test_a_report_is_not_all_good_while_a_critical_alert_is_open_that_its_reader_sees(cast: Cast) -> None:
    alert, secret = mass_deletion(), mass_deletion("Carla Confidential", limited=True)
    assert alert.entity is not None and alert.task is not None
    Entity.objects.update(last_verdict="success", last_snapshot_at=clock.now(), task=alert.task)
    Alert.objects.update(task=alert.task)
    BackupTask.objects.exclude(pk=alert.task.pk).delete()
    now = clock.now()
    report = Report(
        account=cast.account, since=now - timedelta(days=1), until=now, format="overview", way="link",
        zone="UTC", only_failures=True,
    )  # fmt: skip

    def said(user: User, **about: object) -> str:
        person = person_now(user.pk)
        assert person is not None
        for name in ("task", "entity"):
            setattr(report, name, about.get(name))
        with acting_as(person):
            letter = letter_of(report)
            assert letter is None or letter.facts["needs_attention"] is (
                "all good" not in written(letter).subject
            )
            return f"{written(letter).subject}\n{written(letter).body}" if letter else ""

    link = f"{reverse('alerts')}?severity=critical"
    assert said(cast.owner).startswith("Backup report: 2 critical alerts are open\n")
    assert f"\n1 critical alert is open: {settings.PORTAL_URL}{link}\n" in said(cast.viewer)
    assert f"{link}&task={alert.task.public_id}&q=Bob+Smith" in said(
        cast.viewer, task=alert.task, entity=alert.entity
    )
    Alert.objects.filter(pk=alert.pk).update(state=AlertState.ACKNOWLEDGED)
    assert said(cast.viewer) == said(cast.owner, task=alert.task, entity=alert.entity) == ""
    report.only_failures = False
    assert said(cast.viewer).startswith("Backup report: all good\n")
    Entity.objects.filter(pk=secret.entity_id).update(last_verdict="failed")
    assert "1 of 1 backup tasks needs attention, 1 critical alert is open\n" in said(cast.owner)
