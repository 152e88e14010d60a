"""When entities run: by their schedule, or after another task's round. Who writes `next_run_at` asks here."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

from django.db import transaction
from django.db.models import Case, DateTimeField, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, TruncMinute

from apps.core import clock
from apps.core.sight import whole_sight

from .enums import EntityState, Trigger, Verdict
from .exclusions import Exclusions
from .models import BackupTask, Entity, PolicyTag, Run, Tag
from .ruling import groups_of, rules_of, ruling_of_task
from .schedules import TOLERANCE, Schedule
from .schedules.words import schedule_words

DEEPEST_CHAIN: Final = 5
LONGEST_WAIT: Final = timedelta(hours=4)  # between two tries after failures (engine.pace)


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
    return awaited(schedule_of(entity), entity.task, last_good)


def awaited(schedule: Schedule, task: BackupTask, after: datetime, *, first: bool = False) -> datetime | None:
    """Return by when a backup that follows `after` must be there: by its schedule, else by its leader's."""
    waits, leader = timedelta(), task
    for _ in range(DEEPEST_CHAIN + 1):
        if (found := schedule.next_start(after, first=first)) is not None:
            return found + waits + TOLERANCE
        if leader.after_task is None:
            return None
        waits += timedelta(minutes=leader.after_minutes)
        leader = leader.after_task
        schedule = schedule_of_task(leader)
    return None


def first_start(task: BackupTask) -> datetime | None:
    """Return when entities of the task that no tag rules are backed up first. None: only on demand."""
    return schedule_of_task(task).next_start(clock.now(), first=True)


def first_starts(task: BackupTask) -> Case:
    """The same for an UPDATE of many entities, each by its own rule."""
    return _by_group(task, lambda schedule: schedule.next_start(clock.now(), first=True))


def first_overdue(task: BackupTask) -> Coalesce:
    """From when on these count as overdue that begin now: what has such a moment keeps it."""
    return Coalesce("overdue_at", _by_group(task, lambda each: awaited(each, task, clock.now(), first=True)))


def overdue_when_paused() -> Case:
    """The same for an UPDATE that pauses: nothing is awaited then, so a pause makes nobody late.

    Who was late before stays so, and who waits for the first backup too: a pause hides neither.
    """
    in_time = Q(overdue_at__gt=clock.now(), last_snapshot_at__isnull=False)
    return Case(When(in_time, then=Value(None)), default=F("overdue_at"), output_field=DateTimeField())


def _by_group(task: BackupTask, moment: Callable[[Schedule], datetime | None]) -> Case:
    *tagged, (_, rest) = _schedules(task)
    found = [(rows, start) for rows, schedule in tagged if (start := moment(schedule)) != moment(rest)]
    whens = [When(pk__in=rows.values("pk"), then=Value(start)) for rows, start in found]
    return Case(*whens, default=Value(moment(rest)), output_field=DateTimeField())


def replan(task: BackupTask) -> None:
    """Move the next start of what waits, after a change of rules or tags; what is due is not put off.

    Counted from each entity's last backup, so that nothing moves where the rule stayed the same.
    """
    now = clock.now()
    at_work = Entity.objects.filter(task=task).exclude(lease_owner="").order_by("pk")
    whole = whole_sight("a rhythm holds for all mailboxes, also those that its maker does not see")
    with transaction.atomic(), whole:
        # A run that ends right now reads the rule before we commit, or waits here and reads the new one.
        list(at_work.select_for_update().values_list("pk"))
        for rows, schedule in _schedules(task):
            active = rows.filter(state=EntityState.ACTIVE)
            soonest = schedule.next_start(now, first=True)
            never = active.filter(last_snapshot_at=None)
            _move(never, soonest, task)
            never.filter(Q(overdue_at__gt=now) | Q(overdue_at=None)).update(
                overdue_at=awaited(schedule, task, now, first=True)
            )
            for backed_up, last in _by_last_backup(active, schedule, task):
                following = schedule.next_start(last)
                _move(backed_up, following if following and following > now else soonest, task)
                backed_up.update(overdue_at=awaited(schedule, task, last))


def replan_tagged(task: BackupTask, tag: Tag, changed: int) -> None:
    """The same after a tag was put on or taken off so many entities, where a policy goes by it."""
    if changed and PolicyTag.objects.filter(tag=tag, policy__schedule__isnull=False).exists():
        replan(task)


def _schedules(task: BackupTask) -> list[tuple[QuerySet[Entity], Schedule]]:
    return [(rows, Schedule.from_json(ruling.value)) for ruling, rows in groups_of(task, "schedule")]


def _by_last_backup(
    rows: QuerySet[Entity], schedule: Schedule, task: BackupTask
) -> Iterator[tuple[QuerySet[Entity], datetime]]:
    """Group them by the start that follows their last backup, each group with one such backup's moment.

    A start is at a full minute and later for later backups, so a group is a range of minutes: few UPDATEs.
    """
    minutes = rows.annotate(minute=TruncMinute("last_snapshot_at", tzinfo=UTC)).order_by("minute")
    had = minutes.exclude(last_snapshot_at=None).values_list("minute", flat=True).distinct()
    for _, same in groupby(had, lambda last: (schedule.next_start(last), awaited(schedule, task, last))):
        found = list(same)
        upto = found[-1] + timedelta(minutes=1)
        yield rows.filter(last_snapshot_at__gte=found[0], last_snapshot_at__lt=upto), found[0]


def _move(rows: QuerySet[Entity], start: datetime | None, task: BackupTask) -> None:
    """Give a new start to what waits for its regular one: not to the next try, nor to an order of a chain."""
    now = clock.now()
    waiting = rows.filter(Q(next_run_at__gt=now) | Q(next_run_at=None))
    if task.after_task is not None:
        waiting = waiting.exclude(run_trigger=Trigger.CHAIN)
    if start is not None:
        soon = Q(last_verdict=Verdict.FAILED, next_run_at__lt=min(start, now + LONGEST_WAIT))
        waiting = waiting.exclude(soon)
    waiting.update(next_run_at=start)


def start_chained(follower: BackupTask) -> int:
    """Order all active entities of a task that runs after another; returns how many.

    One that runs right now has begun before the round ended, so it runs again afterwards.
    """
    start = clock.now() + timedelta(minutes=follower.after_minutes)
    active = Entity.objects.filter(task=follower, state=EntityState.ACTIVE)
    runs = Exists(Run.objects.filter(entity=OuterRef("pk"), verdict=Verdict.RUNNING))
    due_before = When(~Q(runs), next_run_at__lt=start, then=F("next_run_at"))
    return active.update(next_run_at=Case(due_before, default=Value(start)), run_trigger=Trigger.CHAIN)


def put_off(task: BackupTask, due: QuerySet[Entity]) -> int:
    """Let these wait for their next start, what was never backed up not for a month; returns how many."""
    now = clock.now()
    fresh = _by_group(task, lambda schedule: schedule.next_start(now, first=True))
    later = _by_group(task, lambda schedule: schedule.next_start(now))
    count = due.filter(first_snapshot_at=None).update(next_run_at=fresh, run_trigger="")
    return count + due.exclude(first_snapshot_at=None).update(next_run_at=later, run_trigger="")
