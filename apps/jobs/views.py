"""Pages of jobs: the list, one job with what it did to each item, cancel."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.activity.audit import audit
from apps.core.errors import PermissionMissing
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission, require
from apps.core.spreadsheet import csv_lines

from .access import job_for, may_see_items
from .enums import ItemOutcome
from .forms import ItemFilterForm, JobFilterForm
from .models import Job, JobItem
from .page import card_of
from .registry import panel_of, right_to_cancel
from .selectors import item_page, items_of, job_counts, job_page, log_of
from .services import job_cancel as cancel

TILES = (
    ("", "All", "jobs"),
    ("in_progress", "In progress", "run"),
    ("succeeded", "Succeeded", "check"),
    ("partial", "Partial", "part"),
    ("failed", "Failed", "x"),
)
REPORT_HEADER = ("Item", "Folder", "Outcome", "Cause", "What happened", "Size in bytes")


@require_safe
@member_required(Permission.VIEW)
def job_list(request: MemberRequest) -> HttpResponse:
    """Restores and exports, of the last 7 days unless asked otherwise (features JOB-01, JOB-02)."""
    form = JobFilterForm(request.GET)
    form.is_valid()
    wanted, data = form.wanted(), form.cleaned_data
    page = job_page(wanted, before=data.get("before"), after=data.get("after"))
    query = _without_place(request.GET)
    context = {
        "form": form,
        "cards": [card_of(job) for job in page.items],
        "tiles": _tiles(query, job_counts(wanted), wanted.state),
        "filtered": any(query.values()),
        "previous_url": _url(reverse("job_list"), query, before=page.previous),
        "next_url": _url(reverse("job_list"), query, after=page.following),
        "sentence": f"{len(page.items)} shown",
    }
    return render_page_or_part(request, "jobs/list.html", "jobs/_list.html", context)


@require_safe
@member_required(Permission.VIEW)
def job(request: MemberRequest, job_id: UUID) -> HttpResponse:
    """One job: how far it is, and what it did to each item."""
    found = job_for(job_id)
    form = ItemFilterForm(request.GET)
    form.is_valid()
    outcome = form.cleaned_data.get("outcome", "")
    context: dict[str, Any] = {
        "card": card_of(found),
        "crumbs": [{"words": "Jobs", "url": reverse("job_list")}, {"words": str(found), "url": ""}],
        "outcome": outcome,
        "tabs": _tabs(found, outcome),
        "detail": True,
        "panel": panel_of(found),
    }
    if may_see_items(found):
        data = form.cleaned_data
        page = item_page(found, outcome=outcome, before=data.get("before"), after=data.get("after"))
        query = _without_place(request.GET)
        context["log"] = log_of(found)
        context["items"] = page.items
        context["previous_url"] = _url(request.path, query, before=page.previous)
        context["next_url"] = _url(request.path, query, after=page.following)
        context["sentence"] = f"{len(page.items)} shown"
    return render_page_or_part(request, "jobs/job.html", "jobs/_items.html", context)


@require_safe
@member_required(Permission.VIEW)
def job_card(request: MemberRequest, job_id: UUID) -> HttpResponse:
    """The live part of a job: asked for every few seconds until the job is over."""
    found = job_for(job_id)
    detail = "detail" in request.GET
    response = render(request, "jobs/_card.html", {"card": card_of(found), "detail": detail})
    if detail and not found.is_open:
        # The page's list of items has become final too.
        response["HX-Refresh"] = "true"
    return response


@require_POST
@member_required(Permission.VIEW)
def job_cancel(request: MemberRequest, job_id: UUID) -> HttpResponse:
    """Ask for an end (features JOB-04)."""
    found = job_for(job_id)
    require(right_to_cancel(found.kind))
    if found.is_open:
        cancel(found)
        messages.info(request, f"{found}: stops after the item at hand. What was done is listed.")
    else:
        messages.info(request, f"{found} was over already.")
    return redirect("job", job_id=found.public_id)


@require_safe
@member_required(Permission.VIEW)
def job_report(request: MemberRequest, job_id: UUID) -> StreamingHttpResponse:
    """What was done with each item, as a CSV file."""
    found = job_for(job_id)
    if not may_see_items(found):
        raise PermissionMissing("The items of this job are shown to who may preview, restore or export.")
    audit(
        "report.downloaded",
        service=found.service,
        task_label=found.task_label,
        description=str(found),
        entity_id=found.entity_id,
    )
    return StreamingHttpResponse(
        csv_lines(REPORT_HEADER, (_cells(item) for item in items_of(found))),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="everkeep-{found.kind}-{found.public_id}.csv"'},
    )


def _cells(item: JobItem) -> tuple[object, ...]:
    outcome = ItemOutcome(item.outcome).label
    return (item.label, item.folder_label, outcome, item.cause, item.message, item.size)


def _tiles(query: QueryDict, counts: dict[str, int], chosen: str) -> list[dict[str, Any]]:
    tiles = []
    for state, words, icon in TILES:
        url = _url(reverse("job_list"), query, state=state or None)
        tiles.append(
            {"words": words, "icon": icon, "url": url, "number": counts[state], "current": state == chosen}
        )
    return tiles


def _tabs(found: Job, chosen: str) -> list[dict[str, Any]]:
    left = max(found.items_total - found.items_finished, 0)
    numbers = {
        "": found.items_total, "done": found.items_done, "skipped": found.items_skipped,
        "failed": found.items_failed, "pending": left,
    }  # fmt: skip
    words = {"": "All", **{outcome.value: outcome.label for outcome in ItemOutcome}}
    address = reverse("job", args=[found.public_id])
    return [
        {
            "words": words[key],
            "url": f"{address}?outcome={key}" if key else address,
            "current": key == chosen,
            "count": number,
        }
        for key, number in numbers.items()
        if number or key in ("", chosen)
    ]


def _without_place(query: QueryDict) -> QueryDict:
    kept = query.copy()
    for key in ("before", "after"):
        kept.pop(key, None)
    return kept


def _url(address: str, query: QueryDict, **changes: object) -> str:
    """The address with changed parts; "" when it would be a page that does not exist."""
    if set(changes) & {"before", "after"} and not any(changes.values()):
        return ""
    changed = query.copy()
    for key, value in changes.items():
        changed.pop(key, None)
        if value is not None:
            changed[key] = str(value)
    return f"{address}?{changed.urlencode()}" if changed else address
