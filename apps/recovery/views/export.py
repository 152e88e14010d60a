"""Export: start it, and fetch its parts."""

from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.activity.models import Activity
from apps.activity.services import record
from apps.core.actor import current_actor
from apps.core.errors import NotFound
from apps.core.permissions import Permission
from apps.jobs.access import job_for
from apps.jobs.enums import JobKind
from apps.jobs.models import Job

from ..access import point_for
from ..choosing import picks_of
from ..exports.files import folder_of, parts_of
from ..exports.links import is_valid, read_link_token, valid_until
from ..exports.ranged import ranged_response
from ..exports.start import export_start
from ..places import place_of
from ..services import selections_of


@member_required(Permission.EXPORT)
def options(request: MemberRequest, run_id: UUID) -> HttpResponse:
    """Say what will be exported; a POST starts the job."""
    point = point_for(run_id, Permission.EXPORT)
    if request.method == "POST":
        return redirect("job", export_start(point=point).public_id)
    picks = picks_of(selections_of(point))
    context = {"picks": picks, "point": point, **place_of(point, "Export")}
    return render(request, "recovery/export.html", context)


@member_required(Permission.EXPORT)
def downloads(request: MemberRequest, job_id: UUID) -> HttpResponse:
    """List the parts of a finished export."""
    job = _export(job_id)
    context = {
        "job": job,
        "parts": parts_of(job) if is_valid(job) else [],
        "until": valid_until(job),
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
    if response.status_code == 200 or (response.status_code == 206 and not _noted(job, number)):
        record(
            "export.downloaded",
            service=job.service,
            task_label=job.task_label,
            item_label=job.entity_label,
            subject_id=job.public_id,
            entity_id=job.entity_id,
            part=number,
            audited=f"{job.entity_label}, part {number}",
        )
    return response


@member_required(Permission.EXPORT)
def link(request: MemberRequest, token: str) -> HttpResponse:
    """Follow the link of the mail: the signature says which export, the session says who asks."""
    return redirect("recovery_downloads", _export(UUID(read_link_token(token))).public_id)


def _noted(job: Job, number: int) -> bool:
    """Tell whether it is written down that this person fetched the part: its further ranges add nothing."""
    rows = Activity.objects.filter(subject_id=job.public_id, code="export.downloaded")
    return rows.filter(actor_id=current_actor().user_id, details__part=number).exists()


def _export(job_id: UUID) -> Job:
    job = job_for(job_id, Permission.EXPORT)
    if job.kind != JobKind.EXPORT:
        raise NotFound("There is no such export.", do="Look for it among the jobs.")
    return job
