"""The strip of the home page: fourteen nights of a task, and green only where all was stored."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.backups.enums import EntityState, Verdict
from apps.backups.models import BackupTask, Entity
from apps.backups.schedules import Every, Rule, Schedule
from apps.backups.selectors import nights_of_tasks
from apps.core.scope import account_scope
from tests.cast import Cast

from .makers import make_connection, make_mailbox, make_run, make_task

NOW = datetime(2026, 11, 18, 14, 20, tzinfo=UTC)


def days_ago(days: int) -> datetime:
    return NOW.replace(hour=2) - timedelta(days=days)


def kept_since(task: BackupTask, name: str, days: int, **fields: Any) -> Entity:
    return make_mailbox(task, name, state=EntityState.ACTIVE, first_snapshot_at=days_ago(days), **fields)


def ran(entity: Entity, days: int, verdict: Verdict = Verdict.SUCCESS) -> None:
    make_run(entity, started_at=days_ago(days), verdict=verdict)


def last(task: BackupTask, count: int) -> list[str]:
    return nights_of_tasks(NOW)[task.public_id][-count:]


def test_a_task_without_runs_has_fourteen_nights_of_nothing_due(task: BackupTask) -> None:
    assert nights_of_tasks(NOW) == {task.public_id: ["none"] * 14}


def test_a_night_is_green_when_every_mailbox_was_stored_in_full(task: BackupTask) -> None:
    for name in ("Agata", "Bob"):
        ran(kept_since(task, name, 1), 1)
    assert last(task, 2) == ["success", "none"]


def test_one_partial_mailbox_takes_the_green_away(task: BackupTask) -> None:
    ran(kept_since(task, "Agata", 0), 0)
    ran(kept_since(task, "Bob", 0), 0, Verdict.PARTIAL)
    assert last(task, 1) == ["partial"]


def test_a_mailbox_that_did_not_run_at_all_takes_the_green_away(task: BackupTask) -> None:
    ran(kept_since(task, "Agata", 3), 1)
    kept_since(task, "Bob", 3)
    assert last(task, 2) == ["partial", "none"]


def test_a_night_on_which_nothing_was_stored_is_failed_and_one_without_runs_missed(task: BackupTask) -> None:
    bob = kept_since(task, "Bob", 3)
    ran(bob, 3)
    ran(bob, 2, Verdict.FAILED)
    assert last(task, 4) == ["success", "failed", "missed", "none"]


def test_a_failed_run_that_was_made_good_the_same_day_is_forgiven(task: BackupTask) -> None:
    bob = kept_since(task, "Bob", 0)
    ran(bob, 0, Verdict.FAILED)
    ran(bob, 0)
    assert last(task, 1) == ["success"]


def test_a_cancelled_run_and_one_in_progress_say_nothing(task: BackupTask) -> None:
    bob = make_mailbox(task, "Bob", state=EntityState.ACTIVE)
    ran(bob, 0, Verdict.CANCELLED)
    ran(bob, 0, Verdict.RUNNING)
    assert last(task, 1) == ["none"]


def test_a_weekly_task_misses_nothing_between_its_nights(task: BackupTask) -> None:
    task.schedule = Schedule((Rule(Every.WEEKLY),)).to_json()
    task.save(update_fields=["schedule"])
    ran(kept_since(task, "Bob", 3), 3)
    assert last(task, 4) == ["success", "none", "none", "none"]


def test_other_accounts_have_no_part_in_it(cast: Cast, task: BackupTask) -> None:
    with account_scope(cast.other_account.pk):
        theirs = make_task(make_connection(cast.other_account))
        ran(kept_since(theirs, "Sam", 1), 1)
    assert set(nights_of_tasks(NOW)) == {task.public_id}


def test_four_queries_do_however_many_tasks_there_are(
    cast: Cast, task: BackupTask, django_assert_num_queries: Any
) -> None:
    for number in range(3):
        ran(kept_since(make_task(make_connection(cast.account)), f"Box {number}", 1), 1)
    with django_assert_num_queries(4):
        assert len(nights_of_tasks(NOW)) == 4


@pytest.mark.parametrize("hour", [0, 23])
def test_a_night_belongs_to_its_day_in_utc(task: BackupTask, hour: int) -> None:
    bob = kept_since(task, "Bob", 1)
    make_run(bob, started_at=days_ago(1).replace(hour=hour), verdict=Verdict.SUCCESS)
    assert last(task, 2) == ["success", "none"]
