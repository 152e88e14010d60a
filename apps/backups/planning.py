"""When entities run: by their schedule, or after another task's round. Who writes `next_run_at` asks here."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Case, DateTimeField, F, Q, QuerySet, Value, When

from apps.core import clock
from apps.core.sight import whole_sight

from .enums import EntityState, Trigger
from .exclusions import Exclusions
from .models import BackupTask, Entity, PolicyTag, Tag
from .ruling import groups_of, rules_of, ruling_of_task
from .schedules import TOLERANCE, Schedule
from .schedules.words import schedule_words

DEEPEST_CHAIN: Final = 5


def schedule_of(entity: Entity) -> Schedule:
    """Return the schedule that holds for one entity."""
    return Schedule.from_json(rules_of(entity)["schedule"].value)


def exclusions_of(entity: Entity) -> Exclusions:
    """Return what backups of one entity leave out."""
    return Exclusions.from_json(rules_of(entity)["exclusions"].value)


def schedule_of_task(task: BackupTask) -> Schedule:
    """Return the schedule of the task's entities that no tag rules."""
    return Schedule.from_json(ruling_of_task(task, "schedule").value)


def task_schedule_words(task: BackupTask) -> str:
    """Say when the task runs, and after which other one."""
    words = schedule_words(schedule_of_task(task))
    if task.after_task is None:
        return words
    after = f"After “{task.after_task}”"
    return f"{words}; {after}" if schedule_of_task(task).rules else after


def good_until(entity: Entity, last_good: datetime) -> datetime | None:
    """Return when a backup of `last_good` is overdue. Who follows another task has that one's rhythm."""
    found = schedule_of(entity).good_until(last_good)
    if found is not None:
        return found
    waits, leader = timedelta(), entity.task
    for _ in range(DEEPEST_CHAIN):
        if leader.after_task is None:
            return None
        waits += timedelta(minutes=leader.after_minutes)
        leader = leader.after_task
        if (found := schedule_of_task(leader).good_until(last_good)) is not None:
            return found + waits
    return None


def first_start(task: BackupTask) -> datetime | None:
    """Return when entities of the task that no tag rules are backed up first. None: only on demand."""
    return schedule_of_task(task).next_start(clock.now(), first=True)


def first_starts(task: BackupTask) -> "Case | datetime | None":
    """The same for an UPDATE of many entities, each by its own rule."""
    groups = list(_starts(task))
    if len(groups) == 1:
        return groups[0][1]
    whens = [When(pk__in=rows.values("pk"), then=Value(start)) for rows, start in groups]
    return Case(*whens, default=Value(None), output_field=DateTimeField())


def replan(task: BackupTask) -> None:
    """Move the next start of what waits, after a change of rules or tags; what is due is not put off."""
    now = clock.now()
    at_work = Entity.objects.filter(task=task).exclude(lease_owner="").order_by("pk")
    whole = whole_sight("a rhythm holds for all mailboxes, also those that its maker does not see")
    with transaction.atomic(), whole:
        # A run that ends right now reads the rule before we commit, or waits here and reads the new one.
        list(at_work.select_for_update().values_list("pk"))
        for rows, start in _starts(task):
            waiting = rows.filter(Q(next_run_at__gt=now) | Q(next_run_at=None), state=EntityState.ACTIVE)
            waiting.update(next_run_at=start)
            fresh = rows.filter(Q(overdue_at__gt=now) | Q(overdue_at=None), state=EntityState.ACTIVE)
            fresh.update(overdue_at=start + TOLERANCE if start else None)


def replan_tagged(task: BackupTask, tag: Tag, changed: int) -> None:
    """The same after a tag was put on or taken off so many entities, where a policy goes by it."""
    if changed and PolicyTag.objects.filter(tag=tag, policy__schedule__isnull=False).exists():
        replan(task)


def _starts(task: BackupTask) -> Iterator[tuple[QuerySet[Entity], datetime | None]]:
    now = clock.now()
    for ruling, rows in groups_of(task, "schedule"):
        yield rows, Schedule.from_json(ruling.value).next_start(now, first=True)


def start_chained(follower: BackupTask) -> int:
    """Order all active entities of a task that runs after another; returns how many."""
    start = clock.now() + timedelta(minutes=follower.after_minutes)
    waiting = Entity.objects.filter(task=follower, state=EntityState.ACTIVE, lease_owner="")
    return waiting.update(next_run_at=_sooner(start), run_trigger=Trigger.CHAIN)


def _sooner(start: datetime) -> Case:
    """What is due before that stays so."""
    return Case(When(next_run_at__lt=start, then=F("next_run_at")), default=Value(start))
