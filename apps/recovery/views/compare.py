"""Two days of one mailbox compared, and the life of one item."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.backups.access import entity_for
from apps.backups.selectors.browse import as_of, node_by_key
from apps.core.errors import NotFound
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission, require_contents

from ..access import point_for, snapshot_at, snapshot_for
from ..comparing import NEWER, OLDER, Side, compare_url, comparison, sides_of
from ..kinds import kind_of
from ..lives import life_page
from ..pages import bar_of
from ..places import place_of_entity, place_of_item
from ..services import selection_change, selection_only
from .browse import keys_of, rights


@member_required(Permission.VIEW)
def page(request: MemberRequest, entity_id: UUID) -> HttpResponse:
    """Show what differs between two days; htmx gets the list."""
    entity = entity_for(entity_id)
    require_contents()
    query = request.GET.dict()
    sides = sides_of(entity, query)
    context = {
        "page": comparison(entity, sides, query) if sides else None,
        **rights(),
        **place_of_entity(entity, "Compare two days"),
    }
    return render_page_or_part(request, "recovery/compare.html", "recovery/_compare.html", context)


@require_POST
@member_required(Permission.VIEW)
def select(request: MemberRequest, entity_id: UUID) -> HttpResponse:
    """Keep what is ticked, each item on its own day, and answer with the bars."""
    entity = entity_for(entity_id)
    require_contents()
    posted = request.POST
    sides = sides_of(entity, {"from": posted.get("from", ""), "to": posted.get("to", "")})
    if sides is None:
        raise NotFound("These two backups are not there.", do="Choose the days again.")
    shown, items = (_sorted(posted.getlist(name)) for name in ("shown", "item"))
    for side in sides:
        for snapshot in side.point.snapshots:
            named = (side.name, snapshot.sub_service)
            if named in shown:
                selection_change(snapshot=snapshot, shown=shown[named], items=items.get(named, ()))
    runs = [str(side.point.run.public_id) for side in sides]
    back = compare_url(entity, **{"from": runs[0], "to": runs[1]})
    if getattr(request, "htmx", False):
        after = [Side(side.name, side.point, bar_of(side.point)) for side in sides]
        return render(request, "recovery/_compare_bars.html", {"sides": after, "back": back, **rights()})
    return redirect(back)


@member_required(Permission.VIEW)
def life(request: MemberRequest, snapshot_id: UUID, key: str) -> HttpResponse:
    """Show the versions of one item, each to look at and to bring back."""
    snapshot = snapshot_for(snapshot_id)
    state = as_of(snapshot)
    node = node_by_key(state, key)
    if node.is_folder:
        raise NotFound("This is a folder.", do="Open it from the list of folders.")
    kind = kind_of(snapshot.sub_service)
    name = node.name or kind.unnamed
    context = {"life": life_page(state, snapshot, node), "node": node, "kind": kind, "name": name}
    context |= {"snapshot": snapshot, **rights(), **place_of_item(snapshot, name)}
    return render(request, "recovery/life.html", context)


@require_POST
@member_required(Permission.VIEW)
def take(request: MemberRequest, run_id: UUID) -> HttpResponse:
    """Select one item and nothing else, and go on to restore or export it."""
    point = point_for(run_id)
    snapshot = snapshot_at(point, request.POST.get("kind", ""))
    selection_only(point=point, snapshot=snapshot, items=keys_of(request.POST.getlist("item")))
    what = "recovery_export" if request.POST.get("then") == "export" else "recovery_restore"
    return redirect(what, point.run.public_id)


def _sorted(values: list[str]) -> dict[tuple[str, str], list[str]]:
    """Sort `side:kind:key` by side and kind; what has another form is left out."""
    found: dict[tuple[str, str], list[str]] = {}
    for value in " ".join(values).split():
        side, _, rest = value.partition(":")
        kind, _, key = rest.partition(":")
        if side in (OLDER, NEWER) and keys_of([key]) == [key]:
            found.setdefault((side, kind), []).append(key)
    return found
