"""Doors of the workers."""

from celery import shared_task

from apps.accounts.selectors import person_now
from apps.core.actor import acting_as
from apps.core.permissions import Permission, allowed

from .drill.run import run_drill, tasks_due
from .exports.files import purge_expired
from .models import Plan
from .restore.before import purge_before, purge_samples
from .restore.plan import plan_make, plan_refuse


@shared_task  # type: ignore[untyped-decorator]
def make_plan(*, account_id: int, plan_id: int) -> str:
    """Look at the live target of a plan, if who made it may still restore from here to there."""
    rows = Plan.objects.select_related("source__task__connection", "target__task__connection", "run")
    plan = rows.filter(pk=plan_id, source__isnull=False).first()
    if plan is None:
        return "its backups were deleted"
    person = person_now(plan.user_id)
    if person is None:
        return plan_refuse(plan=plan).state
    with acting_as(person):
        may = allowed(Permission.RESTORE) and Plan.objects.filter(pk=plan_id).exists()
    return (plan_make if may else plan_refuse)(plan=plan).state


@shared_task  # type: ignore[untyped-decorator]
def purge_exports() -> int:
    """Remove the files of exports whose links have run out."""
    return purge_expired()


@shared_task  # type: ignore[untyped-decorator]
def forget_replaced() -> int:
    """Let go of what restores replaced so long ago that they cannot be undone any more."""
    purge_samples()
    return purge_before()


@shared_task  # type: ignore[untyped-decorator]
def schedule_drills() -> int:
    """Send the weekly drills that are due; returns how many."""
    due = tasks_due()
    for account_id, task_id in due:
        do_drill.after_commit(account_id=account_id, task_id=task_id)
    return len(due)


@shared_task(expires=3600)  # type: ignore[untyped-decorator]
def do_drill(*, account_id: int, task_id: int) -> str:
    """Do one restore drill; returns how it ended."""
    drill = run_drill(task_id=task_id)
    return drill.state if drill else "is being done"
