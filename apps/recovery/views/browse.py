"""One backup opened: folders, messages, and what is selected of them."""

import re
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.backups.access import entity_for
from apps.backups.selectors.points import Point, last_run
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission, allowed, may_name_contents

from ..access import point_for, snapshot_at
from ..pages import bar_of, browse_page, review_page
from ..places import place_of
from ..services import (
    selection_change,
    selection_clear,
    selection_everything,
    selections_clear,
    selections_everything,
)

# What changes more of the page than the bar.
_WHOLE = frozenset({"clear", "all", "none", "folder_on", "folder_off"})
_KEY = re.compile(r"[0-9a-f]{32}")


@member_required(Permission.VIEW)
def page(request: MemberRequest, run_id: UUID) -> HttpResponse:
    """Show one folder of a backup; htmx gets the list, or only its next rows."""
    point = point_for(run_id)
    shown = browse_page(point, request.GET.dict())
    context = {"page": shown, **rights(), **place_of(point)}
    part = "recovery/_panes.html"
    if request.GET.get("after") and request.GET.get("shown"):
        part = "recovery/_table_rows.html" if shown.kind.columns else "recovery/_rows.html"
    return render_page_or_part(request, "recovery/browse.html", part, context)


@member_required(Permission.VIEW)
def latest(request: MemberRequest, entity_id: UUID) -> HttpResponse:
    """Open the last backup of a mailbox."""
    entity = entity_for(entity_id)
    run = last_run(entity)
    return redirect("recovery_browse", run.public_id) if run else redirect("recovery_entity", entity.public_id)


@require_POST
@member_required(Permission.VIEW)
def select(request: MemberRequest, run_id: UUID) -> HttpResponse:
    """Keep what is ticked, and answer with the bar."""
    point = point_for(run_id)
    posted = request.POST
    if "clear" in posted:
        selections_clear(point=point)
    elif "all" in posted:
        selection_everything(snapshot=snapshot_at(point, posted.get("kind", "")))
    elif "none" in posted:
        selection_clear(snapshot=snapshot_at(point, posted.get("kind", "")))
    else:
        selection_change(
            snapshot=snapshot_at(point, posted.get("kind", "")),
            shown=keys_of(posted.getlist("shown")),
            items=keys_of(posted.getlist("item")),
            folders_on=keys_of(posted.getlist("folder_on")),
            folders_off=keys_of(posted.getlist("folder_off")),
        )
    if getattr(request, "htmx", False) and not _WHOLE & set(posted):
        return render(request, "recovery/_bar.html", {"bar": bar_of(point), **rights()})
    return _back(request, point, posted.get("back", ""))


@member_required(Permission.VIEW)
def show_selection(request: MemberRequest, run_id: UUID) -> HttpResponse:
    """List what is selected, with a way to take single things out again."""
    point = point_for(run_id)
    context = {"page": review_page(point), "point": point, **rights(), **place_of(point, "Selected")}
    return render(request, "recovery/selection.html", context)


@require_POST
@member_required(Permission.VIEW)
def select_everything(request: MemberRequest, run_id: UUID) -> HttpResponse:
    """Choose whole kinds of data, all when none is named, and go on to restore or export them."""
    point = point_for(run_id)
    selections_everything(point=point, kinds=request.POST.getlist("kind"))
    what = "recovery_export" if request.POST.get("then") == "export" else "recovery_restore"
    return redirect(what, point.run.public_id)


def rights() -> dict[str, bool]:
    """Return what the actor may do, for showing or hiding controls."""
    return {
        "may_browse": may_name_contents(),
        "may_preview": allowed(Permission.PREVIEW),
        "may_restore": allowed(Permission.RESTORE),
        "may_export": allowed(Permission.EXPORT),
        "may_erase": allowed(Permission.ERASE),
        "may_hold": allowed(Permission.ACCOUNT_SETTINGS),
    }


def keys_of(values: list[str]) -> list[str]:
    """Return the keys among what a form has sent."""
    return _KEY.findall(" ".join(values))


def _back(request: MemberRequest, point: Point, back: str) -> HttpResponse:
    address = reverse("recovery_browse", args=[point.run.public_id])
    compare = reverse("recovery_compare", args=[point.run.entity.public_id])
    safe = back if back.startswith((address, compare)) else address
    if getattr(request, "htmx", False):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = safe
        return response
    return redirect(safe)
