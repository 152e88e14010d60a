"""The schedule of a task: set on its page, kept by the queue, stopped at its hour, followed by another task."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.activity.models import Activity
from apps.backups.engine import run as run_module
from apps.backups.engine.pace import slot_after_run
from apps.backups.engine.rounds import end_rounds, round_ended
from apps.backups.engine.run import CLOSED
from apps.backups.enums import EntityState, Trigger, Verdict
from apps.backups.models import BackupTask, Entity, Run
from apps.backups.planning import replan
from apps.backups.schedules import TOLERANCE, Every, Rule, Schedule
from apps.backups.services.activation import activate
from apps.backups.services.tasks import change_settings
from apps.core import clock
from apps.core.errors import Gone
from tests.cast import Cast
from tests.fixtures.mailbox import Mailbox

from .makers import make_mailbox, make_protected, make_run, make_task

pytestmark = pytest.mark.django_db
AFTER_NIGHT = datetime(2026, 3, 10, 4, tzinfo=UTC)
MONTHLY = Schedule((Rule(every=Every.MONTHLY),))
NIGHT = Schedule((Rule(at=time(22), until=time(6)),))


@pytest.fixture
def olivia(client: Client, cast: Cast) -> Client:
    client.force_login(cast.owner)
    return client


def save(client: Client, task: BackupTask, **typed: Any) -> Any:
    row = {"every": "daily", "at": "02:00", "zone": "UTC", "hours": "4", "day": "1", "month": "1"}
    row |= {
        key: value for key, value in typed.items() if key in {*row, "until", "weekdays", "first_day", "remove"}
    }
    rest = {key: value for key, value in typed.items() if key not in row}
    data = {"rules": "1", "after_minutes": "0"} | {f"rule-0-{key}": value for key, value in row.items()} | rest
    return client.post(reverse("task_schedule", args=[task.public_id]), data)


def schedule_of(task: BackupTask) -> Schedule:
    task.refresh_from_db()
    return Schedule.from_json(task.schedule)


def test_a_schedule_is_saved_and_said_in_words_before_and_after(olivia: Client, task: BackupTask) -> None:
    answer = save(olivia, task, at="05:00", zone="Europe/Berlin", until="08:00", weekdays=["0", "2"])
    assert answer.status_code == 302
    assert schedule_of(task) == Schedule(
        (Rule(at=time(5), zone="Europe/Berlin", until=time(8), weekdays=frozenset({0, 2})),)
    )
    changes = Activity.objects.get(code="task.changed").details["changes"]
    assert changes["schedule"] == [
        "Daily at 02:00 UTC",
        "On Mon and Wed at 05:00 Europe/Berlin, stopped at 08:00",
    ]


def test_saving_what_is_there_writes_nothing(olivia: Client, task: BackupTask) -> None:
    assert save(olivia, task).status_code == 302
    assert not Activity.objects.exists()


def test_a_new_hour_moves_what_waits_and_not_what_is_due(olivia: Client, task: BackupTask) -> None:
    now = clock.now()
    hour = (now.hour + 3) % 24
    waits = make_protected(task, "Agata Brown", next_run_at=now + timedelta(hours=20))
    due = make_protected(task, "Bob Smith", next_run_at=now)
    paused = make_mailbox(task, "Mila Scott", state=EntityState.PAUSED)
    save(olivia, task, at=f"{hour:02}:30")
    for entity in (waits, due, paused):
        entity.refresh_from_db()
    assert waits.next_run_at is not None and waits.next_run_at.hour == hour
    assert (due.next_run_at, paused.next_run_at) == (now, None)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"at": "25:00"}, "Enter a valid time."),
        ({"zone": "Mars/Olympus"}, "Select a valid choice."),
        ({"until": "02:00"}, "It would be stopped as it starts."),
        ({"every": "hours", "hours": ""}, "Say how many hours"),
        ({"every": "monthly", "day": "40"}, "less than or equal to 31"),
        ({"first_day": "9999-12-31"}, "A day within the next ten years"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    olivia: Client, task: BackupTask, typed: dict[str, str], said: str
) -> None:
    page = save(olivia, task, **typed).text
    assert said in page and "Nothing was saved." in page
    assert task.schedule is None


def test_rows_are_added_and_taken_away_without_script(olivia: Client, task: BackupTask) -> None:
    page = save(olivia, task, more="1").text
    assert "Schedule 2" in page and 'name="rules" value="2"' in page
    second = {
        f"rule-1-{key}": value for key, value in {"every": "weekly", "at": "09:00", "zone": "UTC"}.items()
    }
    save(olivia, task, rules="2", **second)
    assert [rule.every for rule in schedule_of(task).rules] == [Every.DAILY, Every.WEEKLY]
    save(olivia, task, rules="2", **second, **{"rule-1-remove": "on"})
    assert [rule.every for rule in schedule_of(task).rules] == [Every.DAILY]
    page = save(olivia, task, rules="2", remove="on", **second, **{"rule-1-remove": "on"}).text
    assert "Keep one, or choose" in page and schedule_of(task).rules
    assert save(olivia, task, rules="²").status_code == save(olivia, task, rules="9" * 5000).status_code == 200
    assert schedule_of(task).rules


def test_on_demand_only_takes_what_waits_off_the_queue(olivia: Client, task: BackupTask) -> None:
    waits = make_protected(task, "Agata Brown", next_run_at=clock.now() + timedelta(hours=20))
    save(olivia, task, **{"rule-none": "on"})
    waits.refresh_from_db()
    assert (schedule_of(task).rules, waits.next_run_at, waits.overdue_at) == ((), None, None)


def test_tasks_that_would_wait_for_each_other_are_refused(olivia: Client, task: BackupTask) -> None:
    other = make_task(task.connection, name="Other", after_task=task, after_outcomes=["good"])
    page = save(olivia, task, after_task=str(other.public_id), after_outcomes=["good"]).text
    assert "wait for each other" in page


def at_that_time(mailbox: Mailbox, moment: datetime) -> str:
    BackupTask.objects.update(schedule=NIGHT.to_json())
    mailbox.now = moment - timedelta(days=1)
    return mailbox.run()


def test_a_missed_start_waits_for_the_window(mailbox: Mailbox) -> None:
    noon = datetime(2026, 3, 4, 12, tzinfo=UTC)
    assert at_that_time(mailbox, noon) == CLOSED
    entity = Entity.objects.get()
    assert (entity.next_run_at, entity.lease_owner) == (noon.replace(hour=22), "")
    assert not Run.objects.exists()


def test_a_run_that_is_not_through_at_its_hour_stops_and_goes_on_the_next_night(mailbox: Mailbox) -> None:
    mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"))

    def take_long(page: int) -> None:
        clock._offset.set(clock._offset.get() + timedelta(minutes=20))

    mailbox.cloud.before_page = take_long
    assert at_that_time(mailbox, datetime(2026, 3, 5, 5, 50, tzinfo=UTC)) == Verdict.STOPPED
    entity, run = Entity.objects.get(), Run.objects.get()
    assert (entity.next_run_at, entity.last_verdict) == (datetime(2026, 3, 5, 22, tzinfo=UTC), "")
    assert run.message.startswith("Stopped at the hour that the schedule sets.")


def test_a_task_runs_once_after_another_one_that_went_well(mailbox: Mailbox) -> None:
    leader = BackupTask.objects.get()
    follower = make_task(
        leader.connection, name="Later", schedule=Schedule().to_json(), after_task=leader,
        after_outcomes=["good"], after_minutes=30,
    )  # fmt: skip
    waits = make_protected(follower, "Bob Smith", next_run_at=None)
    mailbox.run()
    waits.refresh_from_db()
    assert waits.next_run_at is not None and waits.run_trigger == Trigger.CHAIN
    Entity.objects.filter(pk=waits.pk).update(next_run_at=None)
    mailbox.run()
    waits.refresh_from_db()
    assert waits.next_run_at is not None, "the next night is followed too"
    Entity.objects.filter(pk=waits.pk).update(next_run_at=None)
    with clock.travel(mailbox.now):
        round_ended(BackupTask.objects.get(pk=leader.pk))
    waits.refresh_from_db()
    assert waits.next_run_at is None, "each night is followed once"


def test_a_schedule_that_is_changed_during_a_run_holds_for_its_end(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"))
    BackupTask.objects.update(schedule=Schedule().to_json())
    read = run_module._read

    def read_while_somebody_sets_daily(*arguments: Any) -> Any:
        found = read(*arguments)
        change_settings(task=BackupTask.objects.get(), schedule=None)
        return found

    monkeypatch.setattr(run_module, "_read", read_while_somebody_sets_daily)
    assert mailbox.run() == Verdict.SUCCESS
    entity = Entity.objects.get()
    nightly = (mailbox.now + timedelta(days=1)).replace(hour=2, minute=0, second=0, microsecond=0)
    assert (entity.next_run_at, entity.overdue_at) == (nightly, nightly + TOLERANCE)


def test_what_was_set_to_on_demand_during_a_run_that_failed_does_not_start_again(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def set_on_demand_and_fail(*_: Any) -> Any:
        change_settings(task=BackupTask.objects.get(), schedule=Schedule().to_json())
        raise Gone("The mailbox is not there.")

    monkeypatch.setattr(run_module, "_read", set_on_demand_and_fail)
    assert mailbox.run() == Verdict.FAILED
    assert Entity.objects.get().next_run_at is None


def moved(task: BackupTask, entity: Entity) -> Entity:
    replan(BackupTask.objects.get(pk=task.pk))
    entity.refresh_from_db()
    return entity


def test_planning_anew_under_the_same_rule_moves_nothing(task: BackupTask) -> None:
    now = datetime(2026, 3, 10, 15, tzinfo=UTC)
    BackupTask.objects.update(schedule=MONTHLY.to_json())
    with clock.travel(now):
        slot, again = datetime(2026, 4, 1, 2, tzinfo=UTC), now + timedelta(minutes=15)
        last = datetime(2026, 3, 1, 3, tzinfo=UTC)
        rests = make_protected(task, "Agata Brown", last_snapshot_at=last, next_run_at=slot, overdue_at=None)
        tries = make_protected(
            task, "Bob Smith", Verdict.FAILED, last_snapshot_at=last, next_run_at=again, overdue_at=None
        )
        for _ in range(2):
            assert (moved(task, rests).next_run_at, rests.overdue_at) == (slot, slot + TOLERANCE)
            assert (moved(task, tries).next_run_at, tries.overdue_at) == (again, slot + TOLERANCE)


def test_a_mailbox_without_backups_turns_red_whatever_its_tags_and_leader_do(task: BackupTask) -> None:
    now = datetime(2026, 3, 10, 15, tzinfo=UTC)
    follower = make_task(task.connection, name="Later", schedule=Schedule().to_json(), after_task=task)
    with clock.travel(now):
        last = now - timedelta(days=3)
        old = make_protected(follower, "Agata Brown", last_snapshot_at=last, overdue_at=now + timedelta(1))
        never = make_mailbox(follower, "Bob Smith", state=EntityState.ACTIVE)
        missed = datetime(2026, 3, 8, 2, tzinfo=UTC)
        assert moved(follower, old).overdue_at == missed + TOLERANCE
        assert moved(follower, never).overdue_at == datetime(2026, 3, 11, 2, tzinfo=UTC) + TOLERANCE


def test_a_first_backup_that_never_comes_turns_red(task: BackupTask) -> None:
    now = datetime(2026, 3, 10, 15, tzinfo=UTC)
    agata = make_mailbox(task, "Agata Brown")
    with clock.travel(now):
        activate(task=task, entities=Entity.objects.all())
        agata.refresh_from_db()
        first = datetime(2026, 3, 11, 2, tzinfo=UTC)
        assert (agata.next_run_at, agata.overdue_at) == (first, first + TOLERANCE)
        assert slot_after_run(agata) == first
        BackupTask.objects.update(schedule=MONTHLY.to_json())
        assert slot_after_run(Entity.objects.get()) == first, "not next month: nothing is kept yet"
        task.refresh_from_db()
        agata = make_protected(task, "Bob Smith")
        month = datetime(2026, 4, 1, 2, tzinfo=UTC)
        assert (slot_after_run(agata), slot_after_run(agata, soon=True)) == (month, first)


@pytest.fixture
def chain(task: BackupTask) -> tuple[BackupTask, Entity]:
    """A task that is through with this night, and a mailbox of the task that follows it, not yet ordered."""
    with clock.travel(AFTER_NIGHT):
        agata = make_protected(task, "Agata Brown", next_run_at=AFTER_NIGHT + timedelta(hours=20))
        ended = {"started_at": AFTER_NIGHT - timedelta(hours=1), "finished_at": AFTER_NIGHT}
        make_run(agata, verdict=Verdict.SUCCESS, **ended)
        follower = make_task(
            task.connection, name="Later", schedule=Schedule().to_json(), after_task=task,
            after_outcomes=["good"], after_slot=AFTER_NIGHT - timedelta(days=1),
        )  # fmt: skip
        return task, make_protected(follower, "Bob Smith", next_run_at=None)


def test_the_end_of_a_round_that_no_run_saw_is_found_once(chain: tuple[BackupTask, Entity]) -> None:
    leader, waits = chain
    other_work = {"lease_owner": "retention", "lease_until": AFTER_NIGHT + timedelta(minutes=1)}
    with clock.travel(AFTER_NIGHT):
        Entity.objects.filter(task=leader).update(next_run_at=AFTER_NIGHT)
        assert end_rounds() == 0, "something of it is due"
        Entity.objects.update(next_run_at=None, **other_work)
        assert end_rounds() == 1, "other work keeps nobody waiting, and what it holds is ordered too"
        assert end_rounds() == 0
    waits.refresh_from_db()
    assert waits.next_run_at is not None and waits.next_run_at >= AFTER_NIGHT
    assert waits.run_trigger == Trigger.CHAIN


def test_who_runs_when_the_round_ends_runs_again_after_it(chain: tuple[BackupTask, Entity]) -> None:
    leader, runs = chain
    with clock.travel(AFTER_NIGHT + timedelta(minutes=2)):
        make_run(runs, verdict=Verdict.RUNNING, started_at=AFTER_NIGHT)
        Entity.objects.filter(pk=runs.pk).update(next_run_at=AFTER_NIGHT, lease_owner="worker")
        round_ended(leader)
    runs.refresh_from_db()
    assert runs.next_run_at is not None and runs.next_run_at >= AFTER_NIGHT + timedelta(minutes=2)
