"""What no guest does in a customer's account, whatever the role: leave a key behind (gate 18)."""

from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

from apps.core.errors import PermissionMissing

from ..models import GuestMembership

SHUT: Final = ("token_",)


def guest_gate(request: HttpRequest) -> HttpResponseBase | None:
    """Refuse what would outlive the ground on which the guest is here."""
    name = str(getattr(request.resolver_match, "url_name", "") or "")
    if not isinstance(request.membership, GuestMembership) or not name.startswith(SHUT):  # type: ignore[attr-defined]
        return None
    error = PermissionMissing("A guest makes no tokens here.", do="Ask somebody of the account to do it.")
    return render(request, "errors/error.html", {"error": error}, status=403)
