"""The page of the system activity, and its file."""

from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.core import clock
from apps.core.guard import guarded
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission
from apps.core.spreadsheet import csv_lines

from .forms import ActivityFilterForm
from .page import HEADER, cells_of, line_of
from .selectors import activity_export, activity_page


@require_safe
@guarded(Permission.ACTIVITY)
def activity_list(request: HttpRequest) -> HttpResponse:
    """What Everkeep did, newest first (features ACT-01)."""
    form = ActivityFilterForm(request.GET)
    form.is_valid()
    data = form.cleaned_data
    page = activity_page(form.wanted(), before=data.get("before"), after=data.get("after"))
    query = _filters(request.GET)
    context: dict[str, Any] = {
        "form": form,
        "lines": [line_of(row) for row in page.items],
        "previous_url": _page_url(query, "before", page.previous),
        "next_url": _page_url(query, "after", page.following),
        "sentence": f"{len(page.items)} shown, newest first",
        "filtered": any(query.values()),
        "subject": data.get("subject"),
        "export_url": f"{reverse('activity_export')}?{query.urlencode()}",
    }
    return render_page_or_part(request, "activity/list.html", "activity/_list.html", context)


@require_safe
@guarded(Permission.ACTIVITY)
def activity_file(request: HttpRequest) -> StreamingHttpResponse:
    """The same rows as a CSV file, however many."""
    form = ActivityFilterForm(request.GET)
    form.is_valid()
    rows = (cells_of(row) for row in activity_export(form.wanted()))
    name = f"everkeep-activity-{clock.now():%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        csv_lines(HEADER, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _filters(query: QueryDict) -> QueryDict:
    """The address's filters without its place in the pages."""
    kept = query.copy()
    for key in ("before", "after"):
        kept.pop(key, None)
    return kept


def _page_url(query: QueryDict, key: str, row: object) -> str:
    if row is None:
        return ""
    place = query.copy()
    place[key] = str(row)
    return f"{reverse('activity_list')}?{place.urlencode()}"
