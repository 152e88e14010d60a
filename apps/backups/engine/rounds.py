"""When all entities of a task are through, tasks that run after it begin: once for each of its starts.

The end of each run looks, after its transaction: of two that end together the later one sees both. `end_rounds`
looks for what no run's end could see: one died, or was put off, or an entity was held by other work.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from apps.accounts.selectors import stopped_accounts
from apps.core import clock
from apps.core.sight import whole_sight

from ..enums import EntityState, RoundOutcome, Verdict
from ..models import BackupTask, Entity, Run
from ..planning import schedule_of_task, start_chained


def round_ended(task: BackupTask) -> None:
    """Start what waits for the task, if the run that has just ended was the last one."""
    with whole_sight("a task follows another one, whoever sees which of them"):
        followers = list(BackupTask.objects.filter(after_task=task))
        if not followers or goes_on(task):
            return
        slot = schedule_of_task(task).last_start(clock.now())
        for follower in followers:
            _follow(task, follower, slot)


def end_rounds() -> int:
    """Start what waits for rounds whose end nobody saw, in the scope in force; returns how many tasks.

    The first round of a follower is left to the end of a run: whoever lets a task follow starts nothing by it.
    """
    started = 0
    followers = BackupTask.objects.filter(after_task__isnull=False, after_slot__isnull=False)
    awake = followers.exclude(account__in=stopped_accounts()).select_related("after_task__policy")
    for follower in awake:
        leader = follower.after_task
        assert leader is not None and follower.after_slot is not None
        slot = schedule_of_task(leader).last_start(clock.now())
        if slot is not None and follower.after_slot < slot and not goes_on(leader):
            started += _follow(leader, follower, slot)
    return started


def _follow(leader: BackupTask, follower: BackupTask, slot: datetime | None) -> bool:
    """Start the follower if the round ended as it wants. What runs on demand has a round with each end."""
    if _outcome(leader, slot or follower.after_slot) not in follower.after_outcomes:
        return False
    with transaction.atomic():
        if not _is_new(follower, slot or clock.now()):
            return False
        start_chained(follower)
    return True


def goes_on(task: BackupTask) -> bool:
    """Tell whether something of the task runs or is due. A lease alone may be of other work."""
    now = clock.now()
    runs = Exists(Run.objects.filter(entity=OuterRef("pk"), verdict=Verdict.RUNNING))
    at_work = ~Q(lease_owner="") & Q(lease_until__gte=now) & Q(runs)
    return Entity.objects.filter(
        at_work | Q(next_run_at__lte=now), task=task, state=EntityState.ACTIVE
    ).exists()


def _is_new(follower: BackupTask, slot: datetime) -> bool:
    """Take this round for the follower; only one of several runs that end together succeeds."""
    free = Q(after_slot=None) | Q(after_slot__lt=slot)
    return bool(BackupTask.objects.filter(free, pk=follower.pk).update(after_slot=slot))


def _outcome(task: BackupTask, since: datetime | None) -> str:
    """The newest run of each entity counts: what failed and was made good is good. "": nothing has run."""
    runs = Run.objects.filter(entity__task=task).exclude(verdict=Verdict.RUNNING)
    if since is not None:
        runs = runs.filter(started_at__gte=since)
    ended = runs.order_by("started_at", "id").values_list("entity_id", "verdict")
    found = set(dict(ended).values())
    if not found:
        return ""
    if Verdict.FAILED in found:
        return RoundOutcome.FAILED
    return RoundOutcome.STOPPED if found & {Verdict.CANCELLED, Verdict.STOPPED} else RoundOutcome.GOOD
