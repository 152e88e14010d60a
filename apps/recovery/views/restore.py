"""Restore: options, plan, start."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.backups.models import Entity
from apps.backups.selectors.points import point_of
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission

from ..access import plan_for, point_for, target_for
from ..choosing import picks_of
from ..enums import PlanState, RestoreMode
from ..forms import RestoreForm
from ..models import Plan
from ..places import place_of
from ..restore.plan import COLUMNS, plan_create, plan_start
from ..services import selections_of
from ..tasks import make_plan

OTHERS_SHOWN = 500


@member_required(Permission.RESTORE)
def options(request: MemberRequest, run_id: UUID) -> HttpResponse:
    """Ask where to and how; a good answer becomes a plan."""
    point = point_for(run_id, Permission.RESTORE)
    source = point.run.entity
    form = RestoreForm(request.POST or None, others=_others(source), initial={"to": "same"})
    if request.method == "POST" and form.is_valid():
        other = form.cleaned_data["to"] == "other"
        target = target_for(form.cleaned_data["other"], source) if other else source
        plan = plan_create(point=point, target=target, mode=form.cleaned_data["mode"])
        _look(plan)
        return redirect("recovery_plan", plan.public_id)
    context = {
        "form": form,
        "picks": picks_of(selections_of(point)),
        "point": point,
        "root_name": f"Restored {timezone.localdate():%Y-%m-%d}",
        **place_of(point, "Restore"),
    }
    return render(request, "recovery/restore.html", context, status=422 if form.errors else 200)


@member_required(Permission.RESTORE)
def plan(request: MemberRequest, plan_id: UUID) -> HttpResponse:
    """Show what would happen; while it is being made the page asks again."""
    found = plan_for(plan_id)
    context = {
        "plan": found,
        "making": found.state == PlanState.MAKING,
        "late": found.state == PlanState.MAKING and (timezone.now() - found.created_at).total_seconds() > 60,
        "replace": found.mode == RestoreMode.REPLACE,
        "totals": {name: found.total(name) for name in COLUMNS},
        **place_of(point_of(found.run), "Restore plan"),
    }
    return render_page_or_part(request, "recovery/plan.html", "recovery/_plan.html", context)


@require_POST
@member_required(Permission.RESTORE)
def again(request: MemberRequest, plan_id: UUID) -> HttpResponse:
    """Look at the target anew."""
    found = plan_for(plan_id)
    if found.state in (PlanState.FAILED, PlanState.MAKING, PlanState.READY):
        Plan.objects.filter(pk=found.pk).update(state=PlanState.MAKING, message="", created_at=timezone.now())
        _look(found)
    return redirect("recovery_plan", found.public_id)


@require_POST
@member_required(Permission.RESTORE)
def start(request: MemberRequest, plan_id: UUID) -> HttpResponse:
    """Start the restore; to overwrite needs a second explicit yes (RST-11)."""
    found = plan_for(plan_id)
    if found.mode == RestoreMode.REPLACE and request.POST.get("overwrite") != "yes":
        return redirect("recovery_plan", found.public_id)
    return redirect("job", plan_start(plan=found).public_id)


def _look(plan: Plan) -> None:
    make_plan.after_commit(account_id=plan.account_id, plan_id=plan.pk)


def _others(source: Entity) -> list[Entity]:
    rows = Entity.objects.filter(task__connection__tenant_id=source.task.connection.tenant_id)
    return list(rows.exclude(pk=source.pk).order_by("name", "pk")[:OTHERS_SHOWN])
