"""The coverage ledger of a run, and the gaps of a mailbox or a task: shown, acknowledged, opened again."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core.permissions import Permission, may_name_contents
from apps.core.spreadsheet import csv_lines

from .. import selectors
from ..access import entity_for, run_for, task_for
from ..services.coverage import acknowledge, reopen
from .context import rights, task_head

NOTHING = "Nothing was changed. Tick the gaps first."


@require_safe
@member_required(Permission.VIEW)
def run(request: MemberRequest, run_id: UUID) -> HttpResponse:
    """What this run has of each kind and folder, what it has not, and why."""
    found = run_for(run_id)
    entity = found.entity
    context = {
        "run": found,
        "entity": entity,
        "ledger": selectors.ledger_of(found),
        "names": may_name_contents(),
        "can": rights(),
        "area": "home",
        "crumbs": [
            {"words": "Home", "url": reverse("home")},
            {"words": entity.task.name, "url": reverse("task", args=[entity.task.public_id])},
            {"words": entity.name, "url": reverse("entity", args=[entity.public_id])},
            {"words": "Run", "url": reverse("run", args=[found.public_id])},
            {"words": "Coverage", "url": ""},
        ],
    }
    return render(request, "backups/run_coverage.html", context)


@require_safe
@member_required(Permission.VIEW)
def run_csv(request: MemberRequest, run_id: UUID) -> StreamingHttpResponse:
    """The same as a table for spreadsheets."""
    found = run_for(run_id)
    rows = list(selectors.ledger_rows(selectors.ledger_of(found), names=may_name_contents()))
    return StreamingHttpResponse(
        csv_lines(selectors.CSV_HEADER, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="coverage-{found.started_at:%Y-%m-%d}.csv"'},
    )


@require_safe
@member_required(Permission.VIEW)
def task(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """Gaps of all active mailboxes of the task, by kind and cause."""
    found = task_for(task_id)
    context = {
        **task_head(found, "coverage"),
        "groups": selectors.gap_groups(found),
        "total": selectors.counters(found, selectors.Filters()),
    }
    return render(request, "backups/task_coverage.html", context)


@require_POST
@member_required(Permission.MODIFY)
def act_on_task(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """Acknowledge gaps of one kind and cause in all mailboxes, or open them again."""
    found = task_for(task_id, Permission.MODIFY)
    sub_service, _, cause = request.POST.get("gap", "").partition(":")
    gaps = selectors.gaps_of_task(found).filter(sub_service=sub_service, cause=cause)
    if request.POST.get("action") == "reopen":
        count = reopen(task=found, gaps=gaps)
    else:
        count = acknowledge(task=found, gaps=gaps, reason=request.POST.get("reason", ""))
    messages.info(request, _sentence(request.POST.get("action", ""), count))
    return redirect("task_coverage", task_id)


@require_POST
@member_required(Permission.MODIFY)
def act_on_entity(request: MemberRequest, entity_id: UUID) -> HttpResponse:
    """Acknowledge the ticked gaps of one mailbox, or open them again."""
    entity = entity_for(entity_id, Permission.MODIFY)
    wanted = [each for each in map(selectors.uuid_of, request.POST.getlist("gap")) if each]
    gaps = selectors.gaps_of(entity).filter(public_id__in=wanted)
    if request.POST.get("action") == "reopen":
        count = reopen(task=entity.task, gaps=gaps)
    else:
        count = acknowledge(task=entity.task, gaps=gaps, reason=request.POST.get("reason", ""))
    messages.info(request, _sentence(request.POST.get("action", ""), count))
    return redirect(f"{reverse('entity', args=[entity_id])}#gaps")


def _sentence(action: str, count: int) -> str:
    if not count:
        return NOTHING
    gaps = "1 gap" if count == 1 else f"{count:,} gaps"
    return f"{gaps} opened again." if action == "reopen" else f"{gaps} acknowledged. We ask again if one grows."
