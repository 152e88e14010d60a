"""What stands wrong is told once, grows worse, and is over by itself; a dead connection is one alert."""

from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import Mock, patch

import pytest

from apps.alerts.enums import AlertKind, AlertState, Severity
from apps.alerts.models import Alert, AlertSettings
from apps.alerts.registry import Check, checks
from apps.alerts.standing import mailboxes, rounds
from apps.alerts.standing.rounds import look_at_account
from apps.alerts.wishes import wishes_save
from apps.alerts.words import sentence
from apps.backups.enums import DamagedState, GapCause, Verdict
from apps.backups.models import BackupTask, CoverageGap, DamagedItem, Entity
from apps.backups.services.activation import pause, resume
from apps.connectors.services import connection_mark_connected, connection_mark_disconnected
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.core.scope import account_scope
from tests.backups.makers import make_connection, make_protected, make_run, make_task
from tests.cast import Cast
from tests.jobs.conftest import signed_in

pytestmark = pytest.mark.database


@pytest.fixture
def task(cast: Cast) -> Iterator[BackupTask]:
    with account_scope(cast.account.pk), acting_as(SYSTEM):
        since = clock.now() - timedelta(days=90)
        yield make_task(make_connection(cast.account, credential_kind="client_secret", state_since=since))


def standing() -> list[tuple[str, str, str]]:
    """Look, and return kind, severity and what each open alert is about."""
    look_at_account()
    rows = Alert.objects.exclude(state=AlertState.CLOSED).select_related("entity", "task").order_by("pk")
    return [(row.kind, row.severity, str(row.entity or row.task or row.facts["label"])) for row in rows]


def failed(entity: Entity, *verdicts: str) -> None:
    """Runs of an entity, oldest first, and what the last one left on it."""
    now = clock.now()
    for number, verdict in enumerate(verdicts):
        make_run(entity, verdict=verdict, started_at=now - timedelta(hours=len(verdicts) - number))
    Entity.objects.filter(pk=entity.pk).update(last_verdict=verdicts[-1])


def test_a_lost_connection_is_one_alert_for_all_its_mailboxes_and_over_when_it_is_back(
    task: BackupTask,
) -> None:
    for number in range(8):
        failed(make_protected(task, f"Bob {number}"), *[Verdict.FAILED] * 3)
    connection_mark_disconnected(connection=task.connection, reason="The secret has expired.")
    for _ in range(2):
        assert standing() == [("disconnected", Severity.CRITICAL, str(task.connection))]
    with clock.travel(clock.now() + timedelta(hours=1)):
        connection_mark_connected(connection=task.connection)
        assert standing() == [], "what failed with the connection is no news, now that it is back"
        assert Alert.objects.get(kind=AlertKind.DISCONNECTED).closed_at is not None
    with clock.travel(clock.now() + timedelta(hours=26)):
        assert [kind for kind, _, _ in standing()] == [AlertKind.FAILURES], "and nothing came since"
    Alert.objects.update(state=AlertState.CLOSED)
    with clock.travel(clock.now() + timedelta(hours=6)):
        for entity in Entity.objects.all():
            failed(entity, *[Verdict.FAILED] * 3)
        assert [kind for kind, _, _ in standing()] == [AlertKind.FAILURES]


def test_after_a_lost_connection_the_next_backup_is_waited_for_but_no_longer_than_a_day(
    task: BackupTask,
) -> None:
    now = clock.now()
    start = now + timedelta(hours=9)
    late = make_protected(task, "Late", overdue_at=now - timedelta(days=3), next_run_at=start)
    assert standing() == [("overdue", Severity.CRITICAL, "Mail")], "it was so before"
    connection_mark_disconnected(connection=task.connection, reason="The secret has expired.")
    Entity.objects.filter(pk=late.pk).update(overdue_at=now - timedelta(minutes=5))
    connection_mark_connected(connection=task.connection)
    assert standing() == []
    with clock.travel(now + timedelta(hours=10)):
        assert [kind for kind, _, _ in standing()] == [AlertKind.OVERDUE], "it was due, and did not come"
    Entity.objects.filter(pk=late.pk).update(next_run_at=now + timedelta(days=7))
    with clock.travel(now + timedelta(hours=25)):
        assert [kind for kind, _, _ in standing()] == [AlertKind.OVERDUE]


def test_a_secret_is_told_of_once_and_grows_worse_until_it_is_renewed(task: BackupTask) -> None:
    now, connection = clock.now(), task.connection
    connection.credential_expires_at = now + timedelta(days=40)
    connection.save()
    assert standing() == []
    seen = []
    for days in (29, 6, 1, 0):
        with clock.travel(now + timedelta(days=40 - days)):
            ((kind, severity, _),) = standing()
            alert = Alert.objects.get()
            assert kind == AlertKind.EXPIRING
            seen.append((severity, alert.state))
            Alert.objects.update(state=AlertState.ACKNOWLEDGED)
    assert [severity for severity, _ in seen] == ["notice", "warning", "critical", "critical"]
    assert [state for _, state in seen] == ["open", "open", "open", "acknowledged"], "only worse opens it again"
    connection.credential_expires_at = now + timedelta(days=400)
    connection.save()
    assert standing() == []


def test_so_many_failures_in_a_row_as_the_account_wants(cast: Cast, task: BackupTask) -> None:
    bob, eve = make_protected(task, "Bob"), make_protected(task, "Eve")
    failed(bob, Verdict.SUCCESS, Verdict.FAILED, Verdict.FAILED, Verdict.CANCELLED, Verdict.FAILED)
    Entity.objects.filter(pk=bob.pk).update(last_message="The mailbox is on another server.")
    failed(eve, Verdict.FAILED, Verdict.SUCCESS, Verdict.FAILED, Verdict.FAILED)
    assert standing() == [("failures", Severity.WARNING, "Bob")]
    assert "The last 3 backups all failed." in sentence(Alert.objects.get())
    with signed_in(cast.owner):
        wishes_save(
            quiet_kinds=[], sensitivity="normal", failures_in_a_row=2, hold_by_itself=True, planned_bytes=None
        )
    assert [about for _, _, about in standing()] == ["Mail"], "all mailboxes of the task: one alert"
    failed(bob, Verdict.SUCCESS)
    assert [about for _, _, about in standing()] == ["Eve"]


def test_what_is_due_and_does_not_come_is_told_and_a_whole_task_is_severe(task: BackupTask) -> None:
    past = clock.now() - timedelta(hours=2)
    late, fine = make_protected(task, "Late", overdue_at=past), make_protected(task, "Fine")
    assert standing() == [("overdue", Severity.WARNING, late.name)]
    Entity.objects.filter(pk=fine.pk).update(overdue_at=past)
    assert standing() == [("overdue", Severity.CRITICAL, "Mail")]
    assert "Nothing of this task is backed up though it is due" in sentence(
        Alert.objects.get(state=AlertState.OPEN)
    )


def test_who_was_paused_in_time_is_not_late_before_the_next_start(task: BackupTask) -> None:
    now = clock.now()
    make_protected(task, "Bob", overdue_at=now + timedelta(hours=20))
    make_protected(task, "Late", overdue_at=now - timedelta(hours=2))
    assert [about for _, _, about in standing()] == ["Late"]
    pause(task=task, entities=Entity.objects.all())
    assert standing() == []
    with clock.travel(now + timedelta(days=21)):
        resume(task=task, entities=Entity.objects.all())
        assert [about for _, _, about in standing()] == ["Late"], "a pause hides nobody who was late before"
    with clock.travel(now + timedelta(days=23)):
        assert standing() == [("overdue", Severity.CRITICAL, "Mail")]


def test_coverage_that_dropped_is_told_not_what_was_never_covered(task: BackupTask) -> None:
    bob = make_protected(task, "Bob", items=1000, first_snapshot_at=clock.now() - timedelta(days=30))

    def gap(cause: str, count: int, hours: int) -> CoverageGap:
        return CoverageGap.objects.create(
            account_id=bob.account_id, entity=bob, sub_service="mail", place=cause, place_hash=hours,
            cause=cause, count=count, found_at=clock.now() - timedelta(hours=hours),
        )  # fmt: skip

    gap(GapCause.REFUSED, 1, 24 * 40), gap(GapCause.FAILED, 15, 1), gap(GapCause.KIND, 1, 2)
    assert standing() == [], "from the beginning; 1.5 % of it; not read once"
    lost = gap(GapCause.MALWARE, 40, 3)
    assert standing() == [("coverage", Severity.WARNING, "Bob")]
    assert "Items marked as malware by the provider (40)" in sentence(Alert.objects.get())
    lost.acknowledged_at = clock.now()
    lost.save()
    assert standing() == []


def test_damage_and_a_full_storage_are_told_while_they_stand(cast: Cast, task: BackupTask) -> None:
    bob = make_protected(task, "Bob")
    item = DamagedItem.objects.create(
        account_id=bob.account_id, entity=bob, sub_service="mail", remote_hash=1, remote_id="m1",
        blobs=b"x" * 32, state=DamagedState.LOST,
    )  # fmt: skip
    AlertSettings.objects.create(account=cast.account, planned_bytes=1_000)
    with patch("django.db.models.query.QuerySet.aggregate", return_value={"used": 799}):
        assert standing() == [("damage", Severity.CRITICAL, "Bob")]
    assert "Damaged beyond repair: 1 item." in sentence(Alert.objects.get())
    item.delete()
    for used, severity in ((800, "notice"), (900, "warning"), (1_200, "critical")):
        with patch("django.db.models.query.QuerySet.aggregate", return_value={"used": used}):
            assert standing() == [("quota", severity, "Storage")]
    assert "120 % of the storage that you planned is used" in sentence(Alert.objects.get(kind="quota"))


def test_one_broken_check_stops_nothing_and_what_is_cut_off_is_not_over(task: BackupTask) -> None:
    bob, eve = make_protected(task, "Bob"), make_protected(task, "Eve")
    make_protected(task, "Fine")
    for each in (bob, eve):
        failed(each, *[Verdict.FAILED] * 3)
    assert len(standing()) == 2
    broken = Check("connection", "Broken", Mock(side_effect=ValueError))
    with (
        patch.object(rounds, "MOST", 1),
        patch.object(rounds, "checks", lambda: [broken, *checks()]),
        patch.object(rounds, "look_at_rules", side_effect=ZeroDivisionError),
        patch.object(rounds, "tell_of_the_day") as letter,
    ):
        assert len(standing()) == 2
    letter.assert_called_once()


def test_limited_mailboxes_have_alerts_of_their_own_and_are_in_no_count(task: BackupTask) -> None:
    for number in range(7):
        failed(make_protected(task, f"Bob {number}"), *[Verdict.FAILED] * 3)
    make_protected(task, "Fine")
    failed(make_protected(task, "Carla", limited=True), *[Verdict.FAILED] * 3)
    assert standing() == [("failures", "warning", "Carla"), ("failures", "warning", "Mail")]
    assert Alert.objects.get(entity=None).facts == {"mailboxes": 7, "of": 8, "is_all": False}


def test_each_of_many_limited_mailboxes_is_told(task: BackupTask) -> None:
    late = clock.now() - timedelta(hours=2)
    for number in range(51):
        make_protected(task, f"Carla {number}", limited=True, overdue_at=late)
    assert len({found.entity for found in mailboxes.overdue()} - {None}) == 51


def test_a_quiet_kind_raises_nothing_and_ends_what_is_open(cast: Cast, task: BackupTask) -> None:
    failed(make_protected(task, "Bob"), *[Verdict.FAILED] * 3)
    assert len(standing()) == 1
    with signed_in(cast.owner):
        wishes_save(
            quiet_kinds=["failures"], sensitivity="low", failures_in_a_row=3, hold_by_itself=False,
            planned_bytes=5,
        )  # fmt: skip
    assert standing() == []
