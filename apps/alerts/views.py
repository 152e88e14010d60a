"""Pages of alerts: the list, one alert with what can be done about it, and the settings."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.accounts.sudo import sudo_required
from apps.backups.access import entity_for, task_for
from apps.backups.panels import task_panel
from apps.core.counting import counted_words
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission, allowed

from .access import alert_for
from .acts import acknowledge as acknowledged
from .acts import put_on_hold
from .enums import AlertState, Sensitivity
from .forms import ALL, AcknowledgeForm, AlertFilterForm, AlertSettingsForm
from .listing import Wanted, alert_page, state_counts
from .page import page_of_alert, row_of
from .replayed import DAYS, replayed
from .wishes import wishes, wishes_save

TILES = (
    (AlertState.OPEN.value, "Open", "bell"),
    (AlertState.ACKNOWLEDGED.value, "Acknowledged", "check"),
    (AlertState.CLOSED.value, "Over", "clock"),
    (ALL, "All", "list"),
)


@require_safe
@member_required(Permission.VIEW)
def alert_list(request: MemberRequest) -> HttpResponse:
    """What is open, unless asked for something else; htmx gets the list."""
    context = {**_listed(request.GET, reverse("alerts")), "may_set": allowed(Permission.ACCOUNT_SETTINGS)}
    return render_page_or_part(request, "alerts/list.html", "alerts/_list.html", context)


@require_safe
@member_required(Permission.VIEW)
def of_task(request: MemberRequest, task_id: UUID) -> HttpResponse:
    """The same of one backup task, among its pages."""
    task = task_for(task_id)
    query = request.GET.copy()
    query["task"] = str(task.public_id)
    context = {**task_panel(task, "alerts"), **_listed(query, request.path), "of_task": True}
    return render_page_or_part(request, "alerts/task.html", "alerts/_list.html", context)


@require_safe
@member_required(Permission.VIEW)
def alert(request: MemberRequest, alert_id: UUID) -> HttpResponse:
    """One alert: what happened against what is usual, and what can be done."""
    found = alert_for(alert_id)
    context = {
        "page": page_of_alert(found),
        "form": AcknowledgeForm(),
        "crumbs": [
            {"words": "Alerts", "url": reverse("alerts")},
            {"words": str(found.get_kind_display()), "url": ""},
        ],
    }
    return render(request, "alerts/alert.html", context)


@require_POST
@member_required(Permission.VIEW)
def acknowledge(request: MemberRequest, alert_id: UUID) -> HttpResponse:
    """Note that somebody has looked at it."""
    found = alert_for(alert_id, Permission.MODIFY)
    form = AcknowledgeForm(request.POST)
    form.is_valid()
    said = form.cleaned_data
    acknowledged(found, words=said.get("words", ""), is_normal=said.get("normal", False))
    messages.info(request, "Acknowledged. The others see by whom.")
    return redirect("alert", alert_id)


@require_POST
@member_required(Permission.VIEW)
def hold(request: MemberRequest, alert_id: UUID) -> HttpResponse:
    """Keep every backup of its mailbox until somebody lifts the hold."""
    found = alert_for(alert_id, Permission.ACCOUNT_SETTINGS)
    put_on_hold(found)
    messages.info(request, "Nothing of this mailbox is deleted now, until the legal hold is lifted.")
    return redirect("alert", alert_id)


@require_safe
@member_required(Permission.VIEW)
def replay(request: MemberRequest, entity_id: UUID) -> HttpResponse:
    """What the last 90 days of a mailbox would have raised."""
    entity = entity_for(entity_id)
    asked = request.GET.get("sensitivity", "")
    chosen = asked if asked in Sensitivity.values else wishes().sensitivity
    tabs = [
        {
            "words": f"{str(label).partition(':')[0]} sensitivity",
            "url": f"{request.path}?sensitivity={value}",
            "current": value == chosen,
        }
        for value, label in Sensitivity.choices
    ]
    context = {
        "entity": entity,
        "sentence": f"The last {DAYS} days of {entity.name}, judged anew. Nothing is written, nobody told.",
        "rows": replayed(entity, chosen),
        "tabs": tabs,
        "days": DAYS,
        "crumbs": [
            {"words": "Alerts", "url": reverse("alerts")},
            {"words": f"Replay: {entity.name}", "url": ""},
        ],
    }
    return render(request, "alerts/replay.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.ACCOUNT_SETTINGS)
@sudo_required()
def settings(request: MemberRequest) -> HttpResponse:
    """What raises alerts, and how soon."""
    form = AlertSettingsForm.of(wishes(), request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        wishes_save(**form.fields_to_keep())
        messages.info(request, "Saved.")
        return redirect("alert_settings")
    crumbs = [{"words": "Settings", "url": reverse("settings")}, {"words": "Alerts", "url": ""}]
    return render(request, "alerts/settings.html", {"form": form, "crumbs": crumbs, "area": "settings"})


def _listed(query: QueryDict, address: str) -> dict[str, Any]:
    form = AlertFilterForm(query)
    form.is_valid()
    wanted = form.wanted()
    said = form.cleaned_data
    page = alert_page(wanted, before=said.get("before"), after=said.get("after"))
    kept = query.copy()
    for key in ("before", "after"):
        kept.pop(key, None)
    return {
        "form": form,
        "address": address,
        "rows": [row_of(each) for each in page.items],
        "tiles": _tiles(address, kept, wanted),
        "state": wanted.state or ALL,
        "is_narrowed": bool(wanted.kind or wanted.severity or wanted.text),
        "previous_url": _url(address, kept, before=page.previous) if page.previous else "",
        "next_url": _url(address, kept, after=page.following) if page.following else "",
        "sentence": f"{len(page.items)} shown",
    }


def _tiles(address: str, query: QueryDict, wanted: Wanted) -> list[dict[str, Any]]:
    counts = state_counts(wanted)
    return [
        {
            "words": words,
            "icon": icon,
            "url": _url(address, query, state=state),
            "number": counted_words(counts["" if state == ALL else state]),
            "current": state == (wanted.state or ALL),
        }
        for state, words, icon in TILES
    ]


def _url(address: str, query: QueryDict, **changes: object) -> str:
    changed = query.copy()
    for key, value in changes.items():
        changed[key] = str(value)
    return f"{address}?{changed.urlencode()}"
