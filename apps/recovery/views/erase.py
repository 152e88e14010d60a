"""Erasing items of one mailbox: the question with all that would go."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.accounts.sudo import sudo_required
from apps.backups.access import entity_for
from apps.backups.models import Entity, Erasure
from apps.backups.selectors import uuid_of
from apps.backups.services.erasures import GRACE, Keys, What, erase_wish, look_at, may_name_holds
from apps.backups.services.holds import hold_items
from apps.core.errors import InvalidRequest, NotFound
from apps.core.permissions import Permission, require_contents

from ..access import point_for
from ..places import place_of_entity
from ..services import selections_of

_SHOWN = 200


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.ERASE)
@sudo_required(reading=True)
def page(request: MemberRequest, entity_id: UUID) -> HttpResponse:
    """Ask; act once the words were typed.

    What it is about is named by `item=mail:<key>` any number of times, or by `point=<run>`, too: what the
    person has selected in that backup.
    """
    entity = entity_for(entity_id, Permission.ERASE)
    require_contents()
    asked = request.POST if request.method == "POST" else request.GET
    keys, folders = _keys(entity, asked.getlist("item"), asked.getlist("point"))
    what, error = look_at(entity, keys), ""
    if request.method == "POST" and "typed" in asked:
        try:
            proposed = erase_wish(entity, keys, typed=asked["typed"], reason=asked.get("reason", ""))
        except InvalidRequest as problem:
            error = str(problem)
        else:
            said = f"Hidden. Nothing is erased for {GRACE.days} days; until then it can be taken back."
            messages.info(request, said if proposed.done else proposed.said)
            if not proposed.done:
                return redirect("approvals")
            return redirect("erasure", Erasure.objects.filter(entity=entity).latest("pk").public_id)
    return render(request, "recovery/erase.html", _context(request, what, folders=folders) | {"error": error})


def _context(request: MemberRequest, what: What, *, folders: bool) -> dict[str, Any]:
    return {
        "what": what,
        "may_name_holds": may_name_holds(),
        "shown": what.goes[:_SHOWN],
        "more": max(0, len(what.goes) - _SHOWN),
        "folders": folders,
        "items": [f"{one.sub_service}:{one.key}" for one in (*what.goes, *what.held)],
        "days": GRACE.days,
        "reason": request.POST.get("reason", ""),
        "two_person": request.account.two_person,
        **place_of_entity(what.entity, "Erase"),
    }


@require_POST
@member_required(Permission.ACCOUNT_SETTINGS)
def hold(request: MemberRequest, entity_id: UUID) -> HttpResponse:
    """Put what is named, as `page` has it, on legal hold."""
    entity = entity_for(entity_id, Permission.ACCOUNT_SETTINGS)
    require_contents()
    keys, _ = _keys(entity, request.POST.getlist("item"), request.POST.getlist("point"))
    placed = hold_items(entity, keys, name=request.POST.get("name", ""), reason=request.POST.get("reason", ""))
    messages.success(request, f"{placed.name} is on hold.")
    return redirect("holds")


def _keys(entity: Entity, items: list[str], points: list[str]) -> tuple[Keys, bool]:
    """Return what is named, by kind, and whether folders were among it: those are not taken as a whole."""
    found: dict[str, set[str]] = {}
    folders = False
    for item in items:
        kind, _, key = item.partition(":")
        found.setdefault(kind, set()).add(key)
    for point in points:
        run_id = uuid_of(point)
        chosen = point_for(run_id) if run_id else None
        if chosen is None or chosen.run.entity_id != entity.pk:
            raise NotFound("There is no such backup.", do="Choose a day from the calendar of its mailbox.")
        for choice in selections_of(chosen):
            folders |= bool(choice.folders or choice.everything)
            found.setdefault(choice.snapshot.sub_service, set()).update(choice.items)
    return found, folders
