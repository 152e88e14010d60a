"""What the account page and the frame show about guests."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from apps.core.banners import Banner

from ..http import MemberRequest
from ..life.access import is_administrator
from ..models import GuestMembership
from .forms import AcceptPartnerForm, GrantForm
from .partners import relation_of
from .support import grants_open


def as_uuid(text: str | None) -> UUID | None:
    """An id from an address, or None when it is none."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def partner_card(request: MemberRequest) -> dict[str, Any]:
    """Who looks after the account."""
    return {
        "relation": relation_of(request.account),
        "may": request.membership.is_owner,
        "form": AcceptPartnerForm(),
    }


def support_card(request: MemberRequest) -> dict[str, Any]:
    """Whether Everkeep's staff may enter."""
    return {"grants": grants_open(), "may": is_administrator(request), "form": GrantForm()}


def guest_banner(request: HttpRequest) -> Banner | None:
    """A guest is told all the time whose account this is."""
    membership = request.membership  # type: ignore[attr-defined]
    if not isinstance(membership, GuestMembership):
        return None
    strong = f"You are in the account of {membership.account}."
    text = f"You came in as {membership.get_role_display()} from {membership.via}."
    return Banner(strong, text, reverse("guest"), "Leave", "user")
