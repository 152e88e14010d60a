"""Restore: options, plan, start, undo."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.backups.access import entity_for
from apps.backups.selectors.points import point_of
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission, allowed, may_name_contents
from apps.core.picker import Asked

from ..access import plan_for, point_for, restore_for
from ..choosing import picks_of
from ..enums import PlanState, RestoreMode
from ..forms import RestoreForm
from ..models import Plan
from ..places import place_of
from ..restore.differences import Difference, without_values
from ..restore.lanes import parts_of
from ..restore.pace import forecast
from ..restore.plan import COLUMNS, plan_create, plan_start
from ..restore.undo import undo_start
from ..services import selections_of
from ..targets import target_picker
from ..tasks import make_plan

LATE_SECONDS = 60
ITEMS_A_SECOND = 16  # as many as Microsoft lets us look up of one mailbox


@member_required(Permission.RESTORE)
def options(request: MemberRequest, run_id: UUID) -> HttpResponse:
    """Ask where to and how; a good answer becomes a plan."""
    point = point_for(run_id, Permission.RESTORE)
    source, looks = point.run.entity, "find" in request.POST
    initial = {"to": "same"} | request.POST.dict()
    form = RestoreForm(None if looks else request.POST or None, source=source, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        plan = plan_create(point=point, target=data["target"], mode=data["mode"], options=form.options())
        _look(plan)
        return redirect("recovery_plan", plan.public_id)
    now = timezone.localtime()
    context = {
        "form": form,
        "picker": target_picker(source, Asked.of("other", request.POST)),
        "picks": picks_of(selections_of(point)),
        "point": point,
        "root_name": f"Restored {now:%Y-%m-%d}",
        "stamp": f"{now:%Y%m%d%H%M%S}",
        **place_of(point, "Restore"),
    }
    return render(request, "recovery/restore.html", context, status=422 if form.errors else 200)


@member_required(Permission.RESTORE)
def targets(request: MemberRequest, entity_id: UUID) -> HttpResponse:
    """The options of a picker for where this mailbox may go to."""
    source, asked = entity_for(entity_id, Permission.RESTORE), request.GET
    picker = target_picker(source, Asked.of(asked.get("name", "other"), asked), abroad="home" not in asked)
    return render(request, "components/picker_options.html", {"picker": picker})


@member_required(Permission.RESTORE)
def plan(request: MemberRequest, plan_id: UUID) -> HttpResponse:
    """Show what would happen; while it is being made the page asks again.

    Whoever comes back from granting write access (the address names the connection) gets it looked at anew.
    """
    found = plan_for(plan_id)
    if found.missing and found.state == PlanState.READY and "connection" in request.GET:
        _look_again(found)
        return redirect("recovery_plan", found.public_id)
    assert found.run is not None, "plan_for finds none without"
    context = plan_context(found) | place_of(point_of(found.run), "Restore plan")
    return render_page_or_part(request, "recovery/plan.html", "recovery/_plan.html", context)


def plan_context(plan: Plan) -> dict[str, Any]:
    """What the parts of a plan's page read."""
    totals = {name: plan.total(name) for name in COLUMNS}
    writes = totals["create"] + totals["replace"] + totals["duplicate"]
    return {
        "plan": plan,
        "making": plan.state == PlanState.MAKING,
        "late": plan.state == PlanState.MAKING and _is_late(plan),
        "replace": plan.mode == RestoreMode.REPLACE,
        "duplicate": plan.mode == RestoreMode.DUPLICATE or totals["duplicate"],
        "totals": totals,
        "samples": _samples(plan),
        "forecast": forecast(writes, totals["size"]),
        "may_connect": allowed(Permission.MODIFY),
    }


def _is_late(plan: Plan) -> bool:
    usual = LATE_SECONDS + sum(part.snapshot.items for part in parts_of(plan)) / ITEMS_A_SECOND
    return (timezone.now() - plan.created_at).total_seconds() > usual


def _samples(plan: Plan) -> list[Difference]:
    if not may_name_contents():
        return []
    return plan.samples if allowed(Permission.PREVIEW) else without_values(plan.samples)


@require_POST
@member_required(Permission.RESTORE)
def again(request: MemberRequest, plan_id: UUID) -> HttpResponse:
    """Look at the target anew."""
    found = plan_for(plan_id)
    if found.state in (PlanState.FAILED, PlanState.MAKING, PlanState.READY):
        _look_again(found)
    return redirect("recovery_plan", found.public_id)


@require_POST
@member_required(Permission.RESTORE)
def start(request: MemberRequest, plan_id: UUID) -> HttpResponse:
    """Start the restore. To overwrite, and to write into another organisation, needs a second explicit yes."""
    found = plan_for(plan_id)
    overwrites = found.mode == RestoreMode.REPLACE and request.POST.get("overwrite") != "yes"
    abroad = found.crosses_tenants and request.POST.get("abroad") != "yes"
    if overwrites or abroad:
        return redirect("recovery_plan", found.public_id)
    return redirect("job", plan_start(plan=found).public_id)


@require_POST
@member_required(Permission.RESTORE)
def undo(request: MemberRequest, job_id: UUID) -> HttpResponse:
    """Take a restore back that is over."""
    return redirect("job", undo_start(plan=restore_for(job_id)).public_id)


def _look_again(plan: Plan) -> None:
    fresh = {"state": PlanState.MAKING, "message": "", "missing": [], "created_at": timezone.now()}
    Plan.objects.filter(pk=plan.pk).exclude(state=PlanState.STARTED).update(**fresh)
    _look(plan)


def _look(plan: Plan) -> None:
    make_plan.after_commit(account_id=plan.account_id, plan_id=plan.pk)
