"""Cards: added at the payment processor's own page, so that no number of a card ever reaches us."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core.permissions import Permission

from ..access import card_for
from ..gateway.hosted import card_page_url
from ..pages.frame import charged, leave
from ..services.cards import card_activate, card_delete


@require_POST
@member_required(Permission.BILLING)
@charged
def add(request: MemberRequest) -> HttpResponse:
    """Open the hosted page and lead there; its end leads back to the payment details."""
    plan = "?plan=month" if request.POST.get("plan") == "month" else ""
    back = f"{settings.PORTAL_URL}{reverse('billing_details')}{plan}"
    return leave(request, "billing_details", card_page_url(request.account, back))


@require_POST
@member_required(Permission.BILLING)
@charged
def activate(request: MemberRequest, card_id: UUID) -> HttpResponse:
    """Charge this card from now on."""
    card = card_activate(card_for(card_id))
    messages.success(request, f"Payments are charged to the card ending in {card.last4}.")
    return redirect("billing_details")


@require_POST
@member_required(Permission.BILLING)
@charged
def delete(request: MemberRequest, card_id: UUID) -> HttpResponse:
    """Forget a card, here and at the payment processor."""
    card = card_for(card_id)
    card_delete(card)
    messages.success(request, f"The card ending in {card.last4} is deleted.")
    return redirect("billing_details")
