"""Discovery keeps the list of mailboxes true."""

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from apps.activity.models import Activity
from apps.backups import discovery_tasks
from apps.backups.enums import DeletionState, EntityState
from apps.backups.models import BackupTask, Deletion, Entity, EntityTag, Policy, PolicyTag, Tag
from apps.backups.retention.night import night
from apps.backups.retention.rules import KeepAll, Rule
from apps.backups.services import discovery
from apps.connectors.enums import EntityKind
from apps.core import clock
from apps.core.errors import ConsentLost, Forbidden, RemoteError, Unavailable
from apps.core.scope import account_scope

from .fake_cloud import FakeCloud, found
from .makers import make_connection, make_mailbox, make_protected, make_task

pytestmark = pytest.mark.database


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was handed to the worker."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(discovery_tasks.discover_task, "after_commit", lambda **sent: messages.append(sent))
    return messages


@pytest.fixture
def look(task: BackupTask, sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Start a discovery that finds these, and run it as the worker would."""

    def run(*entities: Any, **options: Any) -> discovery.Tally | None:
        cloud = FakeCloud(*entities, **options)
        monkeypatch.setattr(discovery, "open_connector", lambda connection: cloud)
        discovery.start_discovery(task=task)
        task.refresh_from_db()
        assert task.discovering_since is not None
        tally = discovery.discover(task_id=task.pk, since=task.discovering_since)
        task.refresh_from_db()
        return tally

    return run


def names(**filters: Any) -> list[str]:
    return list(Entity.objects.filter(**filters).order_by("name").values_list("name", flat=True))


def test_it_lists_what_the_connector_finds_and_activates_nothing(task: BackupTask, look: Any) -> None:
    tally = look(found("Agata Brown"), found("Info", kind=EntityKind.SHARED_MAILBOX, licensed=False))
    assert names(state=EntityState.NOT_ACTIVE) == ["Agata Brown", "Info"]
    assert (tally.found, tally.new) == (2, 2)
    assert task.discovered_at is not None and not task.is_discovering and task.discovery_error == ""
    row = Activity.objects.get(code="task.discovered")
    assert (row.task_label, row.details["new"], row.actor_label) == ("Mail", 2, "")


def test_people_without_a_licence_are_left_out_until_the_task_wants_them(task: BackupTask, look: Any) -> None:
    people = [found("Agata Brown"), found("Former Temp", licensed=False)]
    look(*people)
    assert names() == ["Agata Brown"]
    BackupTask.objects.filter(pk=task.pk).update(include_unlicensed=True)
    look(*people)
    assert names() == ["Agata Brown", "Former Temp"]


def test_switching_unlicensed_off_keeps_those_that_were_chosen_or_hold_backups(
    task: BackupTask, look: Any
) -> None:
    make_mailbox(task, "Only Listed", licensed=False)
    make_mailbox(task, "Chosen", licensed=False, state=EntityState.ACTIVE)
    look(found("Only Listed", licensed=False), found("Chosen", licensed=False))
    assert names() == ["Chosen"]


def test_a_renamed_mailbox_keeps_its_backups(task: BackupTask, look: Any) -> None:
    before = make_protected(task, "Mila Scott")
    look(found("Mila Scott-Berg", remote_id=before.remote_id))
    after = Entity.objects.get()
    assert (after.pk, after.name, after.state, after.size) == (before.pk, "Mila Scott-Berg", "active", 1000)


def test_a_mailbox_that_is_gone_is_archived_and_starts_no_more_runs(task: BackupTask, look: Any) -> None:
    linda = make_protected(task, "Linda Fuller", next_run_at=clock.now())
    tally = look(found("Agata Brown"))
    linda.refresh_from_db()
    assert (linda.state, linda.next_run_at, linda.size) == (EntityState.ARCHIVED, None, 1000)
    assert tally.archived == 1


@pytest.mark.parametrize("state", [EntityState.ACTIVE, EntityState.PAUSED])
def test_an_archived_mailbox_that_returns_is_what_it_was(task: BackupTask, look: Any, state: str) -> None:
    linda = make_protected(task, "Linda Fuller", state=state)
    look()
    tally = look(found("Linda Fuller"))
    linda.refresh_from_db()
    assert (linda.state, tally.returned) == (state, 1)
    assert (linda.next_run_at is not None) == (state == EntityState.ACTIVE)


def test_one_that_returns_while_retention_waits_to_delete_it_is_what_it_was(
    task: BackupTask, look: Any
) -> None:
    linda = make_protected(task, "Linda Fuller")
    gone = make_protected(task, "Ben Gone")
    look()
    BackupTask.objects.update(retention=Rule(KeepAll(), archived_days=30).to_json())
    Entity.objects.update(archived_at=clock.now() - timedelta(days=31))
    assert night().ordered == 2
    look(found("Linda Fuller"))
    linda.refresh_from_db()
    gone.refresh_from_db()
    assert (linda.state, linda.deletion, linda.next_run_at is not None) == (EntityState.ACTIVE, None, True)
    assert gone.state == EntityState.DELETING
    look(found("Linda Fuller"), found("Ben Gone"))
    assert Deletion.objects.get().state == DeletionState.CANCELLED, "it has nothing left to delete"
    assert Activity.objects.filter(code="deletion.cancelled").count() == 2


def test_an_archived_mailbox_that_returns_starts_by_the_schedule_of_its_tags(
    task: BackupTask, look: Any
) -> None:
    linda = make_protected(task, "Linda Fuller")
    daily = {"rules": [{"every": "daily", "at": "10:00", "zone": "UTC"}]}
    policy = Policy.objects.create(account_id=task.account_id, name="Chefs", schedule=daily)
    tag = Tag.objects.create(account_id=task.account_id, name="Kitchen")
    PolicyTag.objects.create(account_id=task.account_id, policy=policy, tag=tag, rank=1)
    EntityTag.objects.create(account_id=task.account_id, entity=linda, tag=tag)
    BackupTask.objects.update(schedule={"rules": []})
    look()
    look(found("Linda Fuller"))
    linda.refresh_from_db()
    assert linda.next_run_at is not None and linda.next_run_at.hour == 10


def test_a_mailbox_that_was_only_listed_leaves_the_list_when_it_is_gone(task: BackupTask, look: Any) -> None:
    make_mailbox(task, "Never Chosen")
    look()
    assert names() == []


def test_a_list_that_breaks_off_archives_nothing_and_says_why(task: BackupTask, look: Any) -> None:
    linda = make_protected(task, "Linda Fuller")
    look(found("Agata Brown"), problem=Unavailable("Microsoft did not answer.", do="We try again."))
    linda.refresh_from_db()
    assert linda.state == EntityState.ACTIVE
    assert names() == ["Agata Brown", "Linda Fuller"]
    assert task.discovery_error == "Microsoft did not answer. We try again."
    assert not task.is_discovering and task.discovered_at is None
    assert Activity.objects.get(code="task.discovered").status == "failed"


def test_the_same_failure_is_written_to_the_activity_once(task: BackupTask, look: Any) -> None:
    look(problem=Unavailable("Microsoft did not answer."))
    look(problem=Unavailable("Microsoft did not answer."))
    assert Activity.objects.filter(code="task.discovered").count() == 1
    look(problem=Unavailable("Microsoft asked for patience."))
    assert Activity.objects.filter(code="task.discovered").count() == 2


@pytest.mark.parametrize("kind", [ConsentLost, Forbidden])
def test_lost_consent_is_said_in_words_and_disconnects(
    task: BackupTask, look: Any, kind: type[RemoteError]
) -> None:
    look(problem=kind("Microsoft no longer lets us in.", do="Connect again."))
    task.connection.refresh_from_db()
    assert task.discovery_error == "Microsoft no longer lets us in. Connect again."
    assert task.connection.state == "disconnected"


def test_a_fault_of_ours_is_raised_and_said_without_its_details(task: BackupTask, look: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        look(problem=ZeroDivisionError("secret detail"))
    task.refresh_from_db()
    assert "secret" not in task.discovery_error and "fault of ours" in task.discovery_error
    assert not task.is_discovering


def test_new_mailboxes_are_activated_when_the_task_says_so(task: BackupTask, look: Any) -> None:
    BackupTask.objects.filter(pk=task.pk).update(auto_activate=True)
    make_mailbox(task, "Listed Before")
    look(found("Listed Before"), found("New Hire"))
    assert names(state=EntityState.ACTIVE, next_run_at__gt=clock.now()) == ["New Hire"]


def test_two_discoveries_of_a_task_never_run_at_once(task: BackupTask, sent: list[Any]) -> None:
    assert discovery.start_discovery(task=task)
    assert not discovery.start_discovery(task=task)
    assert len(sent) == 1


def test_a_discovery_silent_for_an_hour_is_taken_over_and_then_writes_nothing(
    task: BackupTask, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = clock.now() - timedelta(hours=2)
    BackupTask.objects.filter(pk=task.pk).update(discovering_since=first)

    class Slow(FakeCloud):
        async def discover(self) -> Any:
            await sync_to_async(discovery.start_discovery)(task=task)
            yield found("Late")

    monkeypatch.setattr(discovery, "open_connector", lambda connection: Slow())
    assert discovery.discover(task_id=task.pk, since=first) is None
    task.refresh_from_db()
    assert names() == [] and task.is_discovering and len(sent) == 1


def test_a_message_delivered_twice_looks_once(task: BackupTask, look: Any) -> None:
    look(found("Agata Brown"))
    assert discovery.discover(task_id=task.pk, since=clock.now()) is None


def test_a_long_list_is_kept_in_batches(task: BackupTask, look: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "BATCH", 3)
    look(*[found(f"Person {number}") for number in range(8)])
    assert Entity.objects.count() == 8
    look(*[found(f"Person {number}") for number in range(5)])
    assert Entity.objects.count() == 5


def test_the_daily_look_covers_stale_tasks_of_all_accounts(
    cast: Any, task: BackupTask, sent: list[Any]
) -> None:
    BackupTask.objects.filter(pk=task.pk).update(discovered_at=clock.now() - timedelta(hours=2))
    make_task(make_connection(cast.account, state="disconnected", tenant_id="tenant-2"), name="Lost")
    with account_scope(cast.other_account.pk):
        other = make_task(make_connection(cast.other_account))
    discovery_tasks.discover_due_tasks()
    assert [message["task_id"] for message in sent] == [other.pk]
