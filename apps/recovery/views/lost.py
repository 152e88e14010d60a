"""Deleted mailboxes: which; from when and where to; then their plans, and one start for all of them."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.backups.selectors import uuid_of
from apps.core.errors import InvalidRequest
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission
from apps.core.typed import typed

from ..access import batch_for
from ..enums import PlanState
from ..models import Plan
from ..restore.lost import Way, lost_mailboxes, lost_page, plans_write
from ..restore.lost_picks import picked_among, picks, picks_change, picks_clear, picks_note, rows, ways
from ..restore.pace import forecast
from ..restore.plan import plan_start
from ..tasks import make_plan


@member_required(Permission.RESTORE)
def choose(request: MemberRequest) -> HttpResponse:
    """List mailboxes that are gone; ticks are kept over pages and searches."""
    problem = ""
    if request.method == "POST":
        try:
            _tick(request)
        except InvalidRequest as error:
            if _by_htmx(request):
                raise
            problem = str(error)
        else:
            if _by_htmx(request):
                return render(request, "recovery/_lost_bar.html", {"selected": len(picks())})
            return redirect("recovery_lost_selected" if "go" in request.POST else "recovery_lost")
    context = _choose_context(request) | {"problem": problem, **_place("Deleted mailboxes")}
    status = 422 if problem else 200
    return render_page_or_part(request, "recovery/lost.html", "recovery/_lost.html", context, status)


def _tick(request: MemberRequest) -> None:
    """Keep the ticks of one page. Raises InvalidRequest."""
    if "clear" in request.POST:
        picks_clear()
        return
    shown, ticked = (
        [uuid for each in request.POST.getlist(name) if (uuid := uuid_of(each))] for name in ("shown", "pick")
    )
    picks_change(shown=shown, ticked=ticked)
    if "go" in request.POST and not picks():
        raise InvalidRequest("No mailbox is selected.", do="Tick those that you want back.")


def _choose_context(request: MemberRequest) -> dict[str, Any]:
    text = typed(request.GET)
    sides = {name: uuid_of(request.GET.get(name)) for name in ("before", "after")}
    page = lost_page(text, **sides)

    def address(**side: UUID | None) -> str:
        query = {"q": text} | {name: str(key) for name, key in side.items()}
        return f"{reverse('recovery_lost')}?{urlencode(query)}"

    return {
        "page": page,
        "text": text,
        "total": lost_mailboxes().count(),
        "picked": picked_among(page.items),
        "selected": len(picks()),
        "previous_url": address(before=page.previous) if page.previous else "",
        "next_url": address(after=page.following) if page.following else "",
    }


@member_required(Permission.RESTORE)
def selected(request: MemberRequest) -> HttpResponse:
    """For each that is selected ask from when and where to; a good answer becomes plans."""
    found, problems = picks(), dict[str, str]()
    sent = request.POST.dict()
    if request.method == "POST":
        picks_note(found, sent)
        if _by_htmx(request):
            return HttpResponse(status=204)
        if away := uuid_of(sent.get("take_out")):
            picks_change(shown=[away], ticked=[])
            return redirect("recovery_lost_selected")
        if "find" not in sent:
            good, problems = ways(found, sent)
            if good and not problems:
                return _plan_all(good, settings="settings" in sent)
    context = {
        "rows": rows(found, sent, problems),
        "problems": len(problems),
        "settings": "settings" in sent,
        **_place("Day and mailbox"),
    }
    return render(request, "recovery/lost_selected.html", context, status=422 if problems else 200)


def _plan_all(good: list[Way], *, settings: bool) -> HttpResponse:
    batch, made = plans_write(good, settings=settings)
    for plan in made:
        make_plan.after_commit(account_id=plan.account_id, plan_id=plan.pk)
    return redirect("recovery_lost_plans", batch)


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


def _by_htmx(request: MemberRequest) -> bool:
    return bool(getattr(request, "htmx", False))


def _place(last: str) -> dict[str, Any]:
    crumbs = [{"words": "Recovery", "url": reverse("recovery")}]
    if last != "Deleted mailboxes":
        crumbs.append({"words": "Deleted mailboxes", "url": reverse("recovery_lost")})
    return {"area": "recovery", "crumbs": [*crumbs, {"words": last, "url": ""}]}
