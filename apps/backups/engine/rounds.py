"""When all entities of a task are through, tasks that run after it begin: once for each of its starts."""

from datetime import datetime

from django.db.models import Q

from apps.core import clock
from apps.core.sight import whole_sight

from ..enums import EntityState, RoundOutcome, Verdict
from ..models import BackupTask, Entity, Run
from ..planning import schedule_of_task, start_chained


def round_ended(task: BackupTask) -> None:
    """Called with the end of each run, in its transaction: starts what waits, if this was the last one."""
    with whole_sight("a task follows another one, whoever sees which of them"):
        followers = list(BackupTask.objects.filter(after_task=task))
        if not followers or _goes_on(task):
            return
        now = clock.now()
        slot = schedule_of_task(task).last_start(now) or now
        outcome = _outcome(task, slot)
        for follower in followers:
            if outcome in follower.after_outcomes and _is_new(follower, slot):
                start_chained(follower)


def _goes_on(task: BackupTask) -> bool:
    now = clock.now()
    at_work = ~Q(lease_owner="") & Q(lease_until__gte=now)
    return Entity.objects.filter(
        at_work | Q(next_run_at__lte=now), task=task, state=EntityState.ACTIVE
    ).exists()


def _is_new(follower: BackupTask, slot: datetime) -> bool:
    """Take this round for the follower; only one of several runs that end together succeeds."""
    free = Q(after_slot=None) | Q(after_slot__lt=slot)
    return bool(BackupTask.objects.filter(free, pk=follower.pk).update(after_slot=slot))


def _outcome(task: BackupTask, slot: datetime) -> str:
    """The newest run of each entity counts: what failed and was made good is good."""
    runs = Run.objects.filter(entity__task=task, started_at__gte=slot).order_by("started_at", "id")
    found = set(dict(runs.values_list("entity_id", "verdict")).values())
    if Verdict.FAILED in found:
        return RoundOutcome.FAILED
    return RoundOutcome.STOPPED if found & {Verdict.CANCELLED, Verdict.STOPPED} else RoundOutcome.GOOD
