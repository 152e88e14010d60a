"""Export: start it, and fetch its parts."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core.errors import NotFound
from apps.core.permissions import Permission, allowed
from apps.jobs.access import job_for
from apps.jobs.enums import JobKind
from apps.jobs.models import Job

from ..access import point_for
from ..choosing import picks_of
from ..exports.downloads import download_note, downloads_revoke, fetchers_of
from ..exports.files import folder_of, parts_of
from ..exports.forms import ExportForm
from ..exports.links import is_valid, read_link_token, valid_until
from ..exports.ranged import begins_at_start, ranged_response
from ..exports.start import export_start
from ..formats.registry import format_of
from ..models import Destination
from ..places import place_of
from ..services import selections_of


@member_required(Permission.EXPORT)
def options(request: MemberRequest, run_id: UUID) -> HttpResponse:
    """Say what will be exported, how and where to; a POST starts the job."""
    point = point_for(run_id, Permission.EXPORT)
    places = list(Destination.objects.order_by("name", "pk"))
    form = ExportForm(request.POST or None, places=places)
    if request.method == "POST" and form.is_valid():
        job = export_start(point=point, options=form.options, destination=form.destination)
        return redirect("job", job.public_id)
    picks = picks_of(selections_of(point))
    formats = [(pick.kind, format_of(pick.snapshot.sub_service)) for pick in picks]
    may_add = allowed(Permission.ACCOUNT_SETTINGS)
    context = {"picks": picks, "point": point, "form": form, "formats": formats, "may_add": may_add}
    return render(request, "recovery/export.html", context | place_of(point, "Export"))


@member_required(Permission.EXPORT)
def downloads(request: MemberRequest, job_id: UUID) -> HttpResponse:
    """List the parts of a finished export."""
    job = _export(job_id)
    context = {
        "job": job,
        "parts": parts_of(job) if is_valid(job) else [],
        "until": valid_until(job),
        "fetchers": fetchers_of(job),
        "revoked": job.result.get("revoked"),
        "sent": [part for part in parts_of(job) if part.sent],
        "area": "jobs",
        "crumbs": [
            {"words": "Jobs", "url": reverse("job_list")},
            {"words": str(job), "url": reverse("job", args=[job.public_id])},
            {"words": "Download", "url": ""},
        ],
    }
    return render(request, "recovery/downloads.html", context)


@member_required(Permission.EXPORT)
def download(request: MemberRequest, job_id: UUID, number: int) -> HttpResponseBase:
    """Hand out one part, whole or the range that is asked for."""
    job = _export(job_id)
    part = next((part for part in parts_of(job) if part.number == number), None) if is_valid(job) else None
    path = folder_of(job) / part.name if part else None
    if part is None or path is None or not path.is_file():
        raise NotFound("This part can no longer be downloaded.", do="Start the export again.")
    response = ranged_response(request, path, part.name)
    if response.status_code in (200, 206):
        download_note(job, number, from_start=begins_at_start(response))
    return response


@require_POST
@member_required(Permission.EXPORT)
def revoke(request: MemberRequest, job_id: UUID) -> HttpResponse:
    """End all downloads of an export."""
    job = _export(job_id)
    downloads_revoke(job)
    messages.success(request, "Nobody can download this export any more. Its files are removed.")
    return redirect("recovery_downloads", job.public_id)


@member_required(Permission.EXPORT)
def link(request: MemberRequest, token: str) -> HttpResponse:
    """Follow the link of the mail: the signature says which export, the session says who asks."""
    return redirect("recovery_downloads", _export(UUID(read_link_token(token))).public_id)


def _export(job_id: UUID) -> Job:
    job = job_for(job_id, Permission.EXPORT)
    if job.kind != JobKind.EXPORT:
        raise NotFound("There is no such export.", do="Look for it among the jobs.")
    return job
