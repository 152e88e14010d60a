"""First backups of a large organisation, day by day, under a clock that the test turns."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.activation import tasks
from apps.activation.models import Onboarding, OnboardingDay
from apps.activation.onboarding import pacing, services
from apps.activation.onboarding.checks import Checks
from apps.activation.onboarding.quota import ASSUMED_REQUESTS, Measured, pace_of
from apps.activation.onboarding.selectors import view_of
from apps.activity.models import Activity
from apps.backups.models import BackupTask, Entity, Run
from apps.connectors.enums import EntityKind
from apps.connectors.permissions_needed import MICROSOFT
from apps.connectors.services import Permitted
from apps.core import clock
from apps.notifications.models import Recipient
from apps.notifications.sending import send_due
from tests.backups.makers import make_protected, make_task
from tests.cast import Cast

pytestmark = pytest.mark.database
BEGIN = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _granted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "check", lambda connection: Checks([]))
    monkeypatch.setattr(tasks.onboard, "after_commit", lambda **sent: None)


def people(task: BackupTask, number: int) -> None:
    Entity.objects.bulk_create(
        Entity(
            account_id=task.account_id,
            task=task,
            remote_id=str(each),
            kind=EntityKind.USER_MAILBOX,
            name=f"P{each:05}",
            licensed=True,
        )
        for each in range(number)
    )


def night(task: BackupTask, most: int, calls: int = 20_000, minutes: int = 42) -> None:
    """Workers finish up to `most` of the first backups that were started."""
    now = clock.now()
    ids = list(
        Entity.objects.filter(task=task, state="active", first_snapshot_at=None).values_list("pk", flat=True)[
            :most
        ]
    )
    Run.objects.bulk_create(
        Run(
            account_id=task.account_id,
            entity_id=pk,
            verdict="success",
            calls=calls,
            started_at=now - timedelta(minutes=minutes),
            finished_at=now,
        )
        for pk in ids
    )
    Entity.objects.filter(pk__in=ids).update(first_snapshot_at=now)


def test_the_pace_is_what_the_tightest_limit_allows_and_says_which_that_is() -> None:
    assumed = pace_of(Measured(), workers=2)
    assert assumed.a_day == int(2 * 86_400 * 0.7 / (ASSUMED_REQUESTS / 16)) == 193
    assert "Microsoft's limit for one mailbox" in assumed.binds and "Assumed" in assumed.basis
    slow = pace_of(Measured(50, requests=10_000, seconds=6000), workers=2)
    assert slow.a_day == 20 and "speed of this installation" in slow.binds and "Measured on 50" in slow.basis
    crowd = pace_of(Measured(50, requests=10_000, seconds=625), workers=5000)
    assert "130,000 requests" in crowd.binds
    assert pace_of(Measured(), 2, lately=[80, 120, 90]).a_day == 120
    assert pace_of(Measured(), 2, lately=[0, 0, 0]).a_day == 193, "an outage is no measure"
    assert pace_of(Measured(), 1).days(0) == 0 < pace_of(Measured(50, 1e9, 1e9), 1).a_day


def test_two_thousand_mailboxes_are_started_in_batches_that_can_be_finished(
    task: BackupTask, mailoutbox: list[Any], django_capture_on_commit_callbacks: Any, settings: Any
) -> None:
    settings.BACKUP_WORKERS = 8
    people(task, 2000)
    part = {"kinds": ["discovery"], "limited": False, "view": True, "services": None}
    Recipient.objects.create(account_id=task.account_id, address="desk@partner.example", **part)
    onboarding, today, days = Onboarding.objects.create(account_id=task.account_id, task=task), BEGIN, 0
    while Onboarding.objects.get().state == "running":
        with clock.travel(today):
            with django_capture_on_commit_callbacks(execute=True):
                assert pacing.work(onboarding.pk) is not None
            assert pacing.work(onboarding.pk) is None, "one batch a day"
            night(task, most=300)
        today, days = today + timedelta(days=1), days + 1
        assert days < 60
    rows = list(OnboardingDay.objects.order_by("day"))
    assert rows[0].planned == rows[0].started == 774 and "Assumed" not in rows[0].binds
    assert rows[1].started == 0 and rows[1].planned < 774, "what is not finished is not piled up"
    assert Entity.objects.filter(first_snapshot_at=None).count() == 0
    assert sum(row.started for row in rows) == 2000
    middle = rows[len(rows) // 2]
    assert middle.ends_on is not None and abs((middle.ends_on - rows[-1].day).days) <= 3
    with clock.travel(today):
        send_due()
    assert Activity.objects.filter(code="onboarding.reported").count() == days == len(mailoutbox)
    assert {sent.to[0] for sent in mailoutbox} == {"olivia.romano@pizza-perfecto.example"}, "who sees everybody"
    assert "to go" in mailoutbox[0].subject and "Microsoft" in mailoutbox[0].body
    assert "All first backups are there" in mailoutbox[-1].body
    assert mail.outbox


def test_a_paused_onboarding_starts_nobody_and_goes_on_where_it_was(
    cast: Cast, task: BackupTask, client: Client
) -> None:
    people(task, 300)
    client.force_login(cast.owner)
    act = reverse("onboarding_act", args=[task.public_id])
    client.post(act, {"action": "begin"})
    onboarding = Onboarding.objects.get()
    with clock.travel(BEGIN):
        pacing.work(onboarding.pk)
    client.post(act, {"action": "pause"})
    with clock.travel(BEGIN + timedelta(days=1)):
        assert pacing.work(onboarding.pk) is None and not pacing.onboardings_due().exists()
        client.post(act, {"action": "resume"})
        assert pacing.onboardings_due().count() == 1
        night(task, most=1000)
        day = pacing.work(onboarding.pk)
    assert day is not None and day.started > 0
    page = client.get(reverse("onboarding", args=[task.public_id])).content.decode()
    assert "Forecast" in page and "What limits it" in page


def test_the_page_does_not_wait_for_what_another_task_backs_up(task: BackupTask) -> None:
    people(task, 2)
    make_protected(make_task(task.connection, name="Managers"), "Bob", remote_id="0")
    onboarding = Onboarding.objects.create(account_id=task.account_id, task=task)
    assert view_of(task).waiting == 1
    day = pacing.work(onboarding.pk)
    assert day is not None and (day.started, view_of(task).waiting, view_of(task).going_on) == (1, 0, 1)


def test_it_does_not_start_while_a_permission_is_missing(
    cast: Cast, task: BackupTask, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = Checks([Permitted(MICROSOFT[0], False), Permitted(MICROSOFT[1], True)])
    monkeypatch.setattr(services, "check", lambda connection: missing)
    client.force_login(cast.owner)
    answer = client.post(reverse("onboarding_act", args=[task.public_id]), {"action": "begin"})
    assert answer.status_code == 400 and "Mail.Read" in answer.content.decode()
    assert not Onboarding.objects.exists()
    assert Checks([Permitted(need, not need.optional) for need in MICROSOFT]).passed, "some are as people like"
