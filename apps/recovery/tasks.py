"""Doors of the workers."""

from celery import shared_task

from .exports.files import purge_expired
from .models import Plan
from .restore.plan import plan_make


@shared_task  # type: ignore[untyped-decorator]
def make_plan(*, account_id: int, plan_id: int) -> str:
    """Look at the live target of a plan."""
    plan = Plan.objects.select_related("snapshot__entity__task", "target__task__connection").get(pk=plan_id)
    return plan_make(plan=plan).state


@shared_task  # type: ignore[untyped-decorator]
def purge_exports() -> int:
    """Remove the files of exports whose links have run out."""
    return purge_expired()
