"""What was sent to whom, and what became of it."""

from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core.htmx import render_page_or_part
from apps.core.permissions import Permission

from ..access import delivery_for
from ..enums import DeliveryState
from ..forms import DeliveryFilterForm
from ..models import Delivery
from ..recipients import delivery_retry
from ..registry import kind_of
from ..selectors import delivery_page


@require_safe
@member_required(Permission.NOTIFICATIONS)
def deliveries(request: MemberRequest) -> HttpResponse:
    """Letters, newest first."""
    form = DeliveryFilterForm(request.GET)
    form.is_valid()
    data = form.cleaned_data
    state, kind = data.get("state", ""), data.get("kind", "")
    page = delivery_page(state=state, kind=kind, before=data.get("before"), after=data.get("after"))
    here = reverse("notification_deliveries")
    kept = {key: value for key, value in (("state", state), ("kind", kind)) if value}

    def beside(name: str, public_id: UUID | None) -> str:
        return f"{here}?{urlencode({**kept, name: str(public_id)})}" if public_id else ""

    context = {
        "form": form,
        "rows": [(row, kind_of(row.kind).label, _may_retry(row)) for row in page.items],
        "filtered": bool(kept),
        "previous_url": beside("before", page.previous),
        "next_url": beside("after", page.following),
        "sentence": f"{len(page.items)} shown",
        "target": "deliveries",
        "area": "settings",
        "crumbs": [
            {"words": "Settings", "url": reverse("settings")},
            {"words": "Notifications", "url": reverse("notifications")},
            {"words": "Deliveries", "url": ""},
        ],
    }
    return render_page_or_part(
        request, "notifications/deliveries.html", "notifications/_deliveries.html", context
    )


@require_POST
@member_required(Permission.NOTIFICATIONS)
def retry(request: MemberRequest, delivery_id: UUID) -> HttpResponse:
    """Send one that was given up once more."""
    delivery_retry(delivery_for(delivery_id))
    messages.info(request, "It is sent once more.")
    return redirect("notification_deliveries")


def _may_retry(row: Delivery) -> bool:
    return row.state == DeliveryState.FAILED and row.digest_id is None
