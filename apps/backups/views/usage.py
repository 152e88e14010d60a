"""The usage report: taken as a file now, or ordered by mail."""

from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.activity.audit import audit
from apps.core import clock
from apps.core.permissions import Permission
from apps.core.spreadsheet import csv_lines
from apps.core.streams import as_now
from apps.jobs.access import job_for

from ..usage.job import file_of, usage_order
from ..usage.rows import HEADER, usage_rows


@require_safe
@member_required(Permission.VIEW)
def page(request: MemberRequest) -> HttpResponse:
    """What the report holds, and both ways to get it."""
    crumbs = [{"words": "Home", "url": reverse("home")}, {"words": "Usage report", "url": ""}]
    return render(request, "backups/usage.html", {"columns": HEADER, "area": "home", "crumbs": crumbs})


@require_safe
@member_required(Permission.VIEW)
def csv_file(request: MemberRequest) -> StreamingHttpResponse:
    """Every entity of every task that the actor sees, made while it is sent."""
    audit("usage.downloaded", description="All backup tasks")
    return StreamingHttpResponse(
        csv_lines(HEADER, usage_rows(as_now())),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{_name()}"'},
    )


@require_POST
@member_required(Permission.VIEW)
def order(request: MemberRequest) -> HttpResponse:
    """Let a worker make it and send the link by mail."""
    job = usage_order()
    messages.info(request, f"The report is being made. Its link comes to {request.user.email}.")
    return redirect("job", job.public_id)


@require_safe
@member_required(Permission.VIEW)
def made_file(request: MemberRequest, job_id: UUID) -> FileResponse:
    """The file of an ordered report, for who ordered it and for three days."""
    path = file_of(job_for(job_id))
    audit("usage.downloaded", description="All backup tasks, ordered by mail", subject_id=job_id)
    return FileResponse(path.open("rb"), as_attachment=True, filename=_name(), content_type="text/csv")


def _name() -> str:
    return f"usage-{clock.now():%Y-%m-%d}.csv"
