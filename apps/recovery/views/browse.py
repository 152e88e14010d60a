"""One backup opened: folders, messages, and what is selected of them."""

import re
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.backups.access import entity_for
from apps.backups.models import Snapshot
from apps.backups.selectors.browse import as_of
from apps.backups.selectors.tree import folder_tree
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission, allowed, may_name_contents

from ..access import snapshot_for
from ..choosing import chosen
from ..pages import bar_of, browse_page
from ..services import selection_change, selection_clear, selection_everything, selection_of

_KEY = re.compile(r"[0-9a-f]{32}")


@member_required(Permission.VIEW)
def page(request: MemberRequest, snapshot_id: UUID) -> HttpResponse:
    """Show one folder of a backup; htmx gets the list, or only its next rows."""
    snapshot = snapshot_for(snapshot_id)
    shown = browse_page(snapshot, request.GET.dict())
    context = {"page": shown, **rights(), **place(snapshot)}
    part = (
        "recovery/_rows.html"
        if request.GET.get("after") and request.GET.get("shown")
        else "recovery/_panes.html"
    )
    return render_page_or_part(request, "recovery/browse.html", part, context)


@member_required(Permission.VIEW)
def latest(request: MemberRequest, entity_id: UUID) -> HttpResponse:
    """Open the last backup of a mailbox."""
    entity = entity_for(entity_id)
    snapshot = Snapshot.objects.filter(entity=entity).order_by("-taken_at", "-id").first()
    if snapshot is None:
        return redirect("recovery_entity", entity.public_id)
    return redirect("recovery_browse", snapshot.public_id)


@require_POST
@member_required(Permission.VIEW)
def select(request: MemberRequest, snapshot_id: UUID) -> HttpResponse:
    """Keep what is ticked, and answer with the bar."""
    snapshot = snapshot_for(snapshot_id)
    posted = request.POST
    if "clear" in posted:
        selection_clear(snapshot=snapshot)
    else:
        selection_change(
            snapshot=snapshot,
            shown=_keys(posted.getlist("shown")),
            items=_keys(posted.getlist("item")),
            folders_on=_keys(posted.getlist("folder_on")),
            folders_off=_keys(posted.getlist("folder_off")),
        )
    back = posted.get("back", "")
    if (
        not getattr(request, "htmx", False)
        or "clear" in posted
        or "folder_on" in posted
        or "folder_off" in posted
    ):
        return _back(request, snapshot, back)
    state = as_of(snapshot)
    bar = bar_of(snapshot, state, folder_tree(snapshot, state))
    return render(request, "recovery/_bar.html", {"bar": bar, **rights()})


@member_required(Permission.VIEW)
def show_selection(request: MemberRequest, snapshot_id: UUID) -> HttpResponse:
    """List what is selected, with a way to take single things out again."""
    snapshot = snapshot_for(snapshot_id)
    state = as_of(snapshot)
    found = chosen(selection_of(snapshot), state, folder_tree(snapshot, state))
    context = {"snapshot": snapshot, "found": found, "first": found.items[:200], **rights(), **place(snapshot)}
    return render(request, "recovery/selection.html", context)


@require_POST
@member_required(Permission.VIEW)
def select_everything(request: MemberRequest, snapshot_id: UUID) -> HttpResponse:
    """Choose the whole mailbox and go on to restore or export it."""
    snapshot = snapshot_for(snapshot_id)
    selection_everything(snapshot=snapshot)
    what = "recovery_export" if request.POST.get("then") == "export" else "recovery_restore"
    return redirect(what, snapshot.public_id)


def rights() -> dict[str, bool]:
    """Return what the actor may do, for showing or hiding controls."""
    return {
        "may_browse": may_name_contents(),
        "may_preview": allowed(Permission.PREVIEW),
        "may_restore": allowed(Permission.RESTORE),
        "may_export": allowed(Permission.EXPORT),
    }


def place(snapshot: Snapshot, last: str = "") -> dict[str, Any]:
    """Return where a page of this backup stands."""
    taken = timezone.localtime(snapshot.taken_at)
    entity = snapshot.entity
    day = f"{reverse('recovery_entity', args=[entity.public_id])}?day={taken:%Y-%m-%d}"
    crumbs = [
        {"words": "Recovery", "url": reverse("recovery")},
        {"words": entity.name, "url": day},
        {
            "words": f"{taken.day} {taken:%B, %H:%M}",
            "url": reverse("recovery_browse", args=[snapshot.public_id]),
        },
    ]
    if last:
        crumbs.append({"words": last, "url": ""})
    return {"crumbs": crumbs, "area": "recovery", "day_url": day, "entity": entity}


def _keys(values: list[str]) -> list[str]:
    return _KEY.findall(" ".join(values))


def _back(request: MemberRequest, snapshot: Snapshot, back: str) -> HttpResponse:
    address = reverse("recovery_browse", args=[snapshot.public_id])
    safe = back if back.startswith(address) else address
    if getattr(request, "htmx", False):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = safe
        return response
    return redirect(safe)
