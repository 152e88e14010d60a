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
from apps.core.counting import counted_words
from apps.core.errors import Conflict, PermissionMissing
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission, require
from apps.core.spreadsheet import csv_lines

from .access import job_for, may_see_items
from .enums import ItemOutcome
from .forms import ItemFilterForm, JobFilterForm
from .models import Job, JobItem
from .page import card_of, cards_of
from .registry import panel_of, repeat, right_to_cancel, right_to_repeat
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
    query, counts = _without_place(request.GET), job_counts(wanted)
    page = job_page(wanted, before=data.get("before"), after=data.get("after"), counts=counts)
    context = {
        "form": form,
        "cards": cards_of(page.items),
        "tiles": _tiles(query, counts, wanted.state),
        "filtered": any(query.values()),
        "all_time_url": "" if wanted.days is None else _url(reverse("job_list"), query, period="all"),
        "previous_url": _url(reverse("job_list"), query, before=page.previous),
        "next_url": _url(reverse("job_list"), query, after=page.following),
        "sentence": _sentence(len(page.items), counts.get(wanted.state), form.period_words),
    }
    return render_page_or_part(request, "jobs/list.html", "jobs/_list.html", context)


@require_safe
@member_required(Permission.VIEW)
def job(request: MemberRequest, job_id: UUID) -> HttpResponse:
    """One job: how far it is, and what it did to each item."""
    found = job_for(job_id)
    form = ItemFilterForm(request.GET)
    form.is_valid()
    wanted, query = form.wanted(), _without_place(request.GET)
    context: dict[str, Any] = {
        "card": card_of(found),
        "crumbs": [{"words": "Jobs", "url": reverse("job_list")}, {"words": str(found), "url": ""}],
        "form": form,
        "wanted": wanted,
        "tabs": _tabs(found, query, wanted.outcome),
        "detail": True,
        "panel": panel_of(found),
    }
    if may_see_items(found):
        data = form.cleaned_data
        page = item_page(found, wanted, before=data.get("before"), after=data.get("after"))
        context["log"] = log_of(found)
        context["items"] = page.items
        context["report_url"] = _url(reverse("job_report", args=[found.public_id]), query)
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


@require_POST
@member_required(Permission.VIEW)
def job_retry(request: MemberRequest, job_id: UUID) -> HttpResponse:
    """Do what a job did not get done, and nothing else."""
    return _repeat(job_id, failed_only=True)


@require_POST
@member_required(Permission.VIEW)
def job_rerun(request: MemberRequest, job_id: UUID) -> HttpResponse:
    """Do a job anew with the same choice; where something may be overwritten its plan asks first."""
    return _repeat(job_id, failed_only=False)


def _repeat(job_id: UUID, *, failed_only: bool) -> HttpResponse:
    found = job_for(job_id)
    if right := right_to_repeat(found.kind):
        require(right)
    if found.is_open:
        raise Conflict(f"{found} is not over yet.", do="Wait for its end, or cancel it.")
    if failed_only and not found.items_not_done:
        raise Conflict(f"{found} left nothing undone.", do="Run it again to do all of it anew.")
    return redirect(repeat(found, failed_only=failed_only))


@require_safe
@member_required(Permission.VIEW)
def job_report(request: MemberRequest, job_id: UUID) -> StreamingHttpResponse:
    """What was done with each item that fits the filter, as a CSV file."""
    found = job_for(job_id)
    form = ItemFilterForm(request.GET)
    form.is_valid()
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
        csv_lines(REPORT_HEADER, (_cells(item) for item in items_of(found, form.wanted()))),
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
        number = counted_words(counts[state])
        tiles.append({"words": words, "icon": icon, "url": url, "number": number, "current": state == chosen})
    return tiles


def _sentence(shown: int, among: int | None, period: str) -> str:
    return f"{shown} shown, {period}" if among is None else f"{shown} of {counted_words(among)} {period}"


def _tabs(found: Job, query: QueryDict, chosen: str) -> list[dict[str, Any]]:
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
            "url": _url(address, query, outcome=key or None),
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
