"""The backup of the target that a restore may wait for (RST-07)."""

from datetime import timedelta

from apps.backups.enums import EntityState, Verdict
from apps.backups.models import Entity, Run
from apps.backups.services.runs import backup_now
from apps.core import clock
from apps.core.errors import Conflict
from apps.jobs.api import JobContext

from ..models import Plan

LOOK_AGAIN = timedelta(seconds=20)
_GOOD = (Verdict.SUCCESS, Verdict.PARTIAL)


def wait_for_backup(context: JobContext, plan: Plan) -> None:
    """Return when the target was backed up after the restore began, or when that was not asked for.

    Orders the backup once; the job rests and looks again. Raises Conflict when the backup failed or cannot be.
    """
    if not plan.options.get("backup_first"):
        return
    if plan.backup_ordered_at is None:
        _order(plan)
    ordered = plan.backup_ordered_at
    assert ordered is not None
    runs = Run.objects.filter(entity_id=plan.target_id, started_at__gte=ordered)
    ended = runs.exclude(verdict=Verdict.RUNNING).order_by("-started_at").first()
    if ended is None:
        _order_again_after_another(plan)
        words = f"{plan.target.name} is backed up first, as you asked. Then the restore begins by itself."
        context.postpone(clock.now() + LOOK_AGAIN, words)
    if ended.verdict not in _GOOD:
        raise Conflict(
            f"{plan.target.name} could not be backed up first: {ended.message} Nothing was restored.",
            do="Restore without a backup before, or repair that first.",
        )


def _order(plan: Plan) -> None:
    if plan.target.state != EntityState.ACTIVE:
        raise Conflict(
            f"{plan.target.name} is not backed up, so it could not be backed up first. Nothing was restored.",
            do="Activate its backup, or restore without a backup before.",
        )
    plan.backup_ordered_at = clock.now()
    plan.save(update_fields=["backup_ordered_at"])
    backup_now(entities=Entity.objects.filter(pk=plan.target_id))


def _order_again_after_another(plan: Plan) -> None:
    """A backup that was under way when we ordered does not count: it may have read before the restore began."""
    waits = Entity.objects.filter(pk=plan.target_id, next_run_at__gt=clock.now())
    if waits.exists() and not Run.objects.filter(entity_id=plan.target_id, verdict=Verdict.RUNNING).exists():
        backup_now(entities=waits)
