"""The pages of the system activity and of the security audit, and their files."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.core import clock
from apps.core.actor import current_actor
from apps.core.guard import guarded
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission, allowed, may_name_contents
from apps.core.scope import current_account_id
from apps.core.spreadsheet import csv_lines

from .audit import audit
from .forms import ActivityFilterForm, AuditFilterForm
from .heads import reader_set
from .page import AUDIT_HEADER, HEADER, audit_cells_of, cells_of, line_of
from .selectors import SECURITY_AUDIT, SYSTEM_ACTIVITY, Log, Row, chain_state, log_export, log_page
from .services import check_order

TABS = (("activity_list", "System activity"), ("audit_list", "Security audit"))
WORDS = {
    "activity_list": {
        "heading": "System activity",
        "purpose": "What Everkeep and its people did: backups, restores, exports, changes.",
        "searched": "Task, item or person",
        "promised": "Backups, restores, exports and changes are listed here as they happen.",
    },
    "audit_list": {
        "heading": "Security audit",
        "purpose": "What people did, and what was refused. Entries cannot be changed or removed.",
        "searched": "Person, task, address or words",
        "promised": "Sign-ins, changes, and what people looked at are listed here as they happen.",
    },
}


@require_safe
@guarded(Permission.ACTIVITY)
def activity_list(request: HttpRequest) -> HttpResponse:
    """What Everkeep did, newest first (features ACT-01)."""
    form = ActivityFilterForm(request.GET)
    context = _log(request, SYSTEM_ACTIVITY, form, "activity_list", "activity_export")
    return render_page_or_part(request, "activity/list.html", "activity/_list.html", context)


@require_safe
@guarded(Permission.ACTIVITY)
def audit_list(request: HttpRequest) -> HttpResponse:
    """What people did, saw and were refused, newest first (features ACT-03, ACT-04)."""
    form = AuditFilterForm(request.GET)
    context = _log(request, SECURITY_AUDIT, form, "audit_list", "audit_export") | _chain()
    return render_page_or_part(request, "activity/audit.html", "activity/_list.html", context)


@require_safe
@guarded(Permission.ACTIVITY)
def activity_file(request: HttpRequest) -> StreamingHttpResponse:
    """The same rows as a CSV file, however many."""
    form = ActivityFilterForm(request.GET)
    form.is_valid()
    audit("activity.exported", description="System activity")
    names, rows = may_name_contents(), log_export(SYSTEM_ACTIVITY, form.wanted())
    return _file("activity", HEADER, (cells_of(row, names=names) for row in rows))


@require_safe
@guarded(Permission.ACTIVITY)
def audit_file(request: HttpRequest) -> StreamingHttpResponse:
    """The entries of the audit as a CSV file, with their seals."""
    form = AuditFilterForm(request.GET)
    form.is_valid()
    audit("activity.exported", description="Security audit")
    entries = log_export(SECURITY_AUDIT, form.wanted())
    return _file("audit", AUDIT_HEADER, (audit_cells_of(row) for row in entries))


@require_safe
@guarded(Permission.ACTIVITY)
def audit_chain(request: HttpRequest) -> HttpResponse:
    """The state of the chain alone: asked for while it is being checked."""
    return render(request, "activity/_chain.html", _chain())


@require_POST
@guarded(Permission.ACTIVITY)
def audit_check(request: HttpRequest) -> HttpResponse:
    """Read the whole chain now, in the background."""
    check_order()
    return redirect("audit_list")


@require_POST
@guarded(Permission.ACCOUNT_SETTINGS)
def audit_mail(request: HttpRequest) -> HttpResponse:
    """Get the daily seal by mail, or no longer."""
    wanted = request.POST.get("wanted") == "yes"
    user_id = current_actor().user_id
    assert user_id is not None, "only people read mail"
    reader_set(user_id=user_id, account_id=current_account_id(), wanted=wanted)
    said = "You get the seal of the audit by mail, once a day." if wanted else "You get no more mails of it."
    messages.info(request, said)
    return redirect("audit_list")


def _chain() -> dict[str, Any]:
    return {
        "chain": chain_state(current_actor().user_id),
        "may_have_mail": allowed(Permission.ACCOUNT_SETTINGS),
    }


def _log(
    request: HttpRequest, log: Log[Row], form: ActivityFilterForm, url_name: str, export_name: str
) -> dict[str, Any]:
    form.is_valid()
    data = form.cleaned_data
    page = log_page(log, form.wanted(), before=data.get("before"), after=data.get("after"))
    query, address, names = _filters(request.GET), reverse(url_name), may_name_contents()
    return {
        **WORDS[url_name],
        "form": form,
        "lines": [line_of(row, names=names) for row in page.items],
        "previous_url": _page_url(address, query, "before", page.previous),
        "next_url": _page_url(address, query, "after", page.following),
        "sentence": f"{len(page.items)} shown, newest first",
        "filtered": any(query.values()),
        "subject": data.get("subject"),
        "list_url": address,
        "export_url": f"{reverse(export_name)}?{query.urlencode()}",
        "table": f"activity/_{url_name}.html",
        "tabs": [{"words": words, "url": reverse(name), "current": name == url_name} for name, words in TABS],
    }


def _file(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    name = f"everkeep-{name}-{clock.now():%Y-%m-%d}.csv"
    return StreamingHttpResponse(
        csv_lines(header, rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _filters(query: QueryDict) -> QueryDict:
    """The address's filters without its place in the pages."""
    kept = query.copy()
    for key in ("before", "after"):
        kept.pop(key, None)
    return kept


def _page_url(address: str, query: QueryDict, key: str, row: object) -> str:
    if row is None:
        return ""
    place = query.copy()
    place[key] = str(row)
    return f"{address}?{place.urlencode()}"
