"""What guests add to the frame. Called by `AccountsConfig.ready()`."""

from typing import Any

from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest

from apps.activity.registry import register_codes
from apps.core import banners

from ..gates import register_gate
from ..life.page import CARDS
from .entering import leave
from .gate import guest_gate
from .pages import guest_banner, partner_card, support_card


def register() -> None:
    """Codes, banner, and that signing out is leaving."""
    register_codes(
        "Guests",
        {
            "account.handed_over": "Account handed over to its owner",
            "partner.added": "Partner looks after the account",
            "partner.ended": "Partner does not look after the account any more",
            "partner.entered": "Partner came in",
            "partner.left": "Partner left",
            "support.granted": "Support may enter",
            "support.revoked": "Support may not enter any more",
            "support.entered": "Support came in",
            "support.left": "Support left",
        },
    )
    register_gate(18, guest_gate)
    banners.register_banner(guest_banner)
    CARDS.append(("accounts/_partner.html", partner_card))
    CARDS.append(("accounts/_support.html", support_card))
    user_logged_out.connect(_signed_out, dispatch_uid="guests leave")


def _signed_out(sender: object, request: HttpRequest | None, **kwargs: Any) -> None:
    if request is not None and hasattr(request, "session") and request.user.is_authenticated:
        leave(request)
