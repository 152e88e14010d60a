"""Settings → Reports, the tables behind their links, and who gets a report of one task or mailbox."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.accounts.sudo import sudo_required
from apps.activity.audit import audit
from apps.core import clock
from apps.core.errors import InvalidRequest
from apps.core.permissions import Permission, allowed, require
from apps.notifications.letters import written

from ..access import entity_for, report_for, task_for
from ..enums import ReportFormat
from ..models import BackupTask, Entity, Report, ReportSettings
from ..reports import services
from ..reports.forms import AddressesForm, ReportForm
from ..reports.letters import letter_of, read_link
from ..reports.paper import preview_rows, table_name, table_of
from ..reports.timing import PERIODS, rhythm_words


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.NOTIFICATIONS)
@sudo_required()
def page(request: MemberRequest) -> HttpResponse:
    """How reports look and when they come; each format can be looked at, as it would be sent now."""
    settings = services.settings_now()
    form = ReportForm(request.POST or None, settings=settings)
    if request.method == "POST" and form.is_valid():
        changed = services.report_settings_save(**form.cleaned_data)
        messages.info(request, "Reports saved." if changed else "Nothing was changed.")
        return redirect("reports")
    context = {
        "form": form,
        "settings": settings,
        "rhythm": rhythm_words(settings),
        "last": services.last_report(),
        "formats": ReportFormat.choices,
        "may_preview": allowed(Permission.VIEW),
        **_preview(settings, request.GET.get("preview", "")),
        "area": "settings",
        "crumbs": [{"words": "Settings", "url": reverse("settings")}, {"words": "Reports", "url": ""}],
    }
    is_part = request.headers.get("HX-Target") == "preview"
    return render(request, "backups/_report_preview.html" if is_part else "backups/reports.html", context)


@require_safe
@member_required(Permission.NOTIFICATIONS)
def sample(request: MemberRequest, form: str) -> StreamingHttpResponse:
    """The table of a format as it would be sent now, as far as who looks sees it."""
    require(Permission.VIEW)
    if form not in ReportFormat.values:
        raise InvalidRequest("There is no such report.", do="Choose one of those on the page.")
    return _file(_now(services.settings_now(), form))


@require_safe
@member_required(Permission.VIEW)
def file(request: MemberRequest, token: str) -> StreamingHttpResponse:
    """The table of a report that was mailed: made now, of what this person may see now."""
    return _file(report_for(UUID(read_link(token))))


@require_POST
@member_required(Permission.NOTIFICATIONS)
@sudo_required()
def of_task(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """Who gets a report of this task alone."""
    _save_copy(request, task_for(task_id))
    return redirect(reverse("task_settings", args=[task_id]) + "#reports")


@require_POST
@member_required(Permission.NOTIFICATIONS)
@sudo_required()
def of_entity(request: MemberRequest, entity_id: UUID) -> HttpResponse:
    """Who gets a report of this mailbox alone."""
    entity = entity_for(entity_id)
    _save_copy(request, entity.task, entity)
    return redirect(reverse("entity", args=[entity_id]) + "#reports")


def _save_copy(request: MemberRequest, task: BackupTask, entity: Entity | None = None) -> None:
    form = AddressesForm(request.POST)
    if not form.is_valid():
        raise InvalidRequest(
            " ".join(map(str, form.errors["addresses"])), do="Go back and correct the addresses."
        )
    saved = services.report_copy_save(task=task, entity=entity, addresses=form.cleaned_data["addresses"])
    messages.info(request, "Recipients of the report saved." if saved else "Nothing was changed.")


def _now(settings: ReportSettings, form: str) -> Report:
    """A report of right now, which is not kept."""
    now = clock.now()
    return Report(
        account_id=settings.account_id,
        since=now - PERIODS[settings.every],
        until=now,
        format=form,
        way=settings.way,
        zone=settings.zone,
    )


def _preview(settings: ReportSettings, form: str) -> dict[str, Any]:
    if form not in ReportFormat.values or not allowed(Permission.VIEW):
        return {"letter": None}
    report = _now(settings, form)
    letter = letter_of(report)
    header, *rows = preview_rows(report)
    return {"letter": written(letter) if letter else None, "previewed": form, "header": header, "rows": rows}


def _file(report: Report) -> StreamingHttpResponse:
    name = table_name(report.until, report.format)
    audit("backup_report.downloaded", description=name, subject_id=report.public_id if report.pk else None)
    return StreamingHttpResponse(
        table_of(report),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
