"""Erasures: what waits, what was erased, and the certificate of each."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core.keyset import page_of
from apps.core.permissions import Permission, allowed, may_name_contents

from .. import selectors
from ..access import erasure_for
from ..enums import ErasureState
from ..models import Erasure
from ..services.erasures import (
    certificate_file,
    certificate_of,
    erasure_cancel,
    holds_on,
    left_of,
    look_at,
    may_name_holds,
    reason_of,
)


@require_safe
@member_required(Permission.VIEW)
def page(request: MemberRequest) -> HttpResponse:
    """All erasures, newest first."""
    before, after = selectors.uuid_of(request.GET.get("before")), selectors.uuid_of(request.GET.get("after"))
    rows = Erasure.objects.all()
    found = page_of(rows, keys=("ordered_at", "pk"), size=30, descending=True, before=before, after=after)
    context = {
        "erasures": [(row, reason_of(row)) for row in found.items],
        "may": allowed(Permission.ERASE),
        "previous_url": f"?before={found.previous}" if found.previous else "",
        "next_url": f"?after={found.following}" if found.following else "",
        "area": "home",
        "crumbs": [{"words": "Home", "url": reverse("home")}, {"words": "Erasures", "url": ""}],
    }
    return render(request, "backups/erasures.html", context)


@require_safe
@member_required(Permission.VIEW)
def certificate(request: MemberRequest, erasure_id: UUID) -> HttpResponse:
    """What one erasure came to. Who may name contents sees during the grace what is hidden."""
    erasure = erasure_for(erasure_id)
    named = []
    if erasure.state == ErasureState.WAITING and erasure.entity is not None and may_name_contents():
        keys: dict[str, list[str]] = {}
        for kind, key in erasure.items.values_list("sub_service", "key"):
            keys.setdefault(kind, []).append(key)
        what = look_at(erasure.entity, keys)
        named = [*what.goes, *what.held]
    context = {
        "erasure": erasure,
        "reason": reason_of(erasure),
        "holds": _holds(erasure) if may_name_holds() else [],
        "left": left_of(erasure),
        "kinds": certificate_of(erasure)["what"],
        "named": named,
        "may": allowed(Permission.ERASE),
        "area": "home",
        "crumbs": [
            {"words": "Home", "url": reverse("home")},
            {"words": "Erasures", "url": reverse("erasures")},
            {"words": "Certificate", "url": ""},
        ],
    }
    return render(request, "backups/erasure.html", context)


def _holds(erasure: Erasure) -> list[str]:
    open_states = (ErasureState.WAITING, ErasureState.ERASING)
    if erasure.entity is None or erasure.state not in open_states:
        return []
    return holds_on(erasure, erasure.entity)


@require_safe
@member_required(Permission.VIEW)
def download(request: MemberRequest, erasure_id: UUID) -> HttpResponse:
    """The signed certificate as a file."""
    text = certificate_file(erasure_for(erasure_id))
    response = HttpResponse(text, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="erasure-{erasure_id}.json"'
    return response


@require_POST
@member_required(Permission.ERASE)
def cancel(request: MemberRequest, erasure_id: UUID) -> HttpResponse:
    """Take an order back; this needs no second person and no proof."""
    erasure_cancel(public_id=erasure_for(erasure_id, Permission.ERASE).public_id)
    messages.success(request, "Taken back. The items are shown again.")
    return redirect("erasures")
