"""What the page of a restore shows besides its items: how it compares with its plan, and the way back."""

from apps.core.permissions import Permission, allowed, may_name_contents
from apps.jobs.models import Job
from apps.jobs.registry import Panel

from ..models import Plan
from .undo import why_not

LEFT_SHOWN = 20


def restore_panel(job: Job) -> Panel | None:
    """Return the panel of a restore job; None while it is not over, or when its plan is gone."""
    plan = Plan.objects.select_related("job", "undo").filter(job=job).first()
    if plan is None or job.is_open:
        return None
    refusal = why_not(plan)
    return Panel(
        "recovery/_restore_panel.html",
        {
            "job": job,
            "undo": plan.undo,
            "may_undo": not refusal
            and bool(job.items_done or job.items_failed)
            and allowed(Permission.RESTORE),
            "refusal": refusal,
            "drift": job.result.get("drift", []),
            "limited": job.items.filter(cause="not_possible").count(),
        },
    )


def undo_panel(job: Job) -> Panel | None:
    """Return the way from an undo to its restore."""
    plan = Plan.objects.select_related("job").filter(public_id=str(job.params.get("plan", ""))).first()
    if plan is None or plan.job is None:
        return None
    left = job.result.get("folders_left", []) if may_name_contents() else []
    return Panel("recovery/_undo_panel.html", {"job": plan.job, "left": left[:LEFT_SHOWN]})
