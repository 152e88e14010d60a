"""What retention asks and is told before snapshots go (`backups.registry`)."""

from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Final

from django.db.models import Q

from apps.backups.models import Snapshot
from apps.core import clock
from apps.core.sight import whole_sight
from apps.jobs.enums import OPEN_STATES, JobKind
from apps.jobs.models import Job

from .enums import PlanState
from .models import Plan, PlanPart

FRESH: Final = timedelta(days=1)  # a plan of today may be confirmed any moment
GONE: Final = "The backup that was chosen was let go by the rule of retention. Choose another day."


@whole_sight("work reads backups whoever started it")
def in_use(snapshot_ids: Collection[int]) -> set[int]:
    """Return those that an open restore or export reads, or a plan of today would."""
    at_work = Q(plan__job__state__in=OPEN_STATES) | Q(plan__state=PlanState.MAKING)
    fresh = Q(plan__state=PlanState.READY, plan__created_at__gt=clock.now() - FRESH)
    jobs = Job.objects.filter(kind=JobKind.EXPORT, state__in=OPEN_STATES)
    exported = {
        name for params in jobs.values_list("params", flat=True) for name in params.get("snapshots", ())
    }
    found: set[int] = set()
    for pks in _few(snapshot_ids):
        parts = PlanPart.objects.filter(at_work | fresh, snapshot_id__in=pks)
        found |= set(parts.values_list("snapshot_id", flat=True))
        found |= set(Snapshot.objects.filter(pk__in=pks, public_id__in=exported).values_list("pk", flat=True))
    return found


@whole_sight("a plan fails whoever made it")
def parting(snapshot_ids: Collection[int]) -> None:
    """Plans that nobody has started lose what they would restore: they end, so that none restores a part.

    What a plan kept of contents goes with the backup. What its undo needs hangs on the job and stays.
    """
    for pks in _few(snapshot_ids):
        waiting = Plan.objects.filter(state=PlanState.READY, parts__snapshot_id__in=pks).values("pk")
        Plan.objects.filter(pk__in=list(waiting.values_list("pk", flat=True))).update(
            state=PlanState.FAILED, message=GONE, error_code="backup_gone"
        )
        named = PlanPart.objects.filter(snapshot_id__in=pks).values_list("plan_id", flat=True)
        Plan.objects.filter(pk__in=list(named)).exclude(samples=[]).update(samples=[])


def _few(snapshot_ids: Collection[int]) -> Iterator[list[int]]:
    """Cut to lengths that every database takes in one statement."""
    wanted = sorted(snapshot_ids)
    return (wanted[start : start + 500] for start in range(0, len(wanted), 500))
