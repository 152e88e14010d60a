"""What no guest does in a customer's account, whatever the role: leave a key, or change the lock (gate 18)."""

from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from apps.core.errors import PermissionMissing

from ..models import GuestMembership
from ..saml.gate import OPEN

SHUT: Final = ("token_", "saml_")


def guest_gate(request: HttpRequest) -> HttpResponseBase | None:
    """Refuse what would outlive the ground on which the guest is here."""
    name = str(getattr(request.resolver_match, "url_name", "") or "")
    guest = isinstance(request.membership, GuestMembership)  # type: ignore[attr-defined]
    if not guest or not name.startswith(SHUT) or name in OPEN:
        return None
    error = PermissionMissing(
        "A guest does not decide who gets in here.", do="Ask somebody of the account to do it."
    )
    return render(request, "errors/error.html", {"error": error}, status=403)
