"""Deleted mailboxes: which, from when and where to; then their plans, and one start for all of them."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core.errors import InvalidRequest
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission

from ..access import batch_for
from ..enums import PlanState
from ..models import Plan
from ..restore.lost import Lost, Way, lost_mailboxes, plans_write, way_of
from ..restore.pace import forecast
from ..restore.plan import plan_start
from ..tasks import make_plan


@member_required(Permission.RESTORE)
def choose(request: MemberRequest) -> HttpResponse:
    """Choose mailboxes that are gone, and a living one for each; a good answer becomes plans."""
    found, problem = lost_mailboxes(), ""
    if request.method == "POST":
        try:
            batch, plans_made = plans_write(_ways(found, request.POST))
        except InvalidRequest as error:
            problem = str(error)
        else:
            for plan in plans_made:
                make_plan.after_commit(account_id=plan.account_id, plan_id=plan.pk)
            return redirect("recovery_lost_plans", batch)
    context = {"lost": found, "problem": problem, **_place("Deleted mailboxes")}
    return render(request, "recovery/lost.html", context, status=422 if problem else 200)


def _ways(found: list[Lost], answer: QueryDict) -> list[Way]:
    """Read what is chosen. Only what the page offered counts. Raises InvalidRequest."""
    picked, ways = set(answer.getlist("pick")), []
    for each in found:
        key = str(each.entity.public_id)
        if key not in picked:
            continue
        target = next((t for t in each.targets if str(t.public_id) == answer.get(f"target-{key}")), None)
        run = next((r for r in each.runs if str(r.public_id) == answer.get(f"run-{key}")), None)
        if target is None or run is None:
            raise InvalidRequest(f"{each.entity.name} has no mailbox to go into.", do="Choose one for it.")
        ways.append(way_of(run, target))
    if not ways:
        raise InvalidRequest("No mailbox is chosen.", do="Tick those that you want back.")
    return ways


@member_required(Permission.RESTORE)
def plans(request: MemberRequest, batch: UUID) -> HttpResponse:
    """Show all plans of the batch; while they are being made the page asks again."""
    context = _batch_context(batch_for(batch)) | {"batch": batch}
    return render_page_or_part(request, "recovery/lost_plans.html", "recovery/_lost_plans.html", context)


def _batch_context(found: list[Plan]) -> dict[str, Any]:
    ready = [plan for plan in found if plan.state == PlanState.READY and not plan.missing]
    rows = [
        {
            "plan": plan,
            "items": plan.total("create"),
            "takes": forecast(plan.total("create"), plan.total("size")),
        }
        for plan in found
    ]
    making = any(plan.state == PlanState.MAKING for plan in found)
    return {"rows": rows, "making": making, "ready": len(ready), **_place("Plans")}


@require_POST
@member_required(Permission.RESTORE)
def start(request: MemberRequest, batch: UUID) -> HttpResponse:
    """Start every plan of the batch that is ready."""
    started = 0
    for plan in batch_for(batch):
        if plan.state == PlanState.READY and not plan.missing:
            plan_start(plan=plan)
            started += 1
    messages.info(request, f"{started} started. Each reports by mail when it is done.")
    return redirect("recovery_lost_plans", batch)


def _place(last: str) -> dict[str, Any]:
    crumbs = [{"words": "Recovery", "url": reverse("recovery")}, {"words": last, "url": ""}]
    return {"area": "recovery", "crumbs": crumbs}
