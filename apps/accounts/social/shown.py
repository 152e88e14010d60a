"""What pages show of sign-in providers."""

from dataclasses import dataclass
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings

from ..http import MemberRequest
from .configured import KNOWN


@dataclass(frozen=True, slots=True)
class Offer:
    """A button of the sign-in page."""

    key: str
    name: str
    icon: str


def offers() -> list[Offer]:
    """The providers that the operator has configured, in the order of their buttons."""
    return [Offer(key, *words) for key, words in KNOWN.items() if key in settings.SIGN_IN_PROVIDERS]


def linked_identities(request: MemberRequest) -> dict[str, Any]:
    """The card of one's own identities (features ACC-16)."""
    rows = SocialAccount.objects.filter(user=request.user, provider__in=KNOWN).order_by("date_joined")
    identities = [
        {
            "id": row.pk,
            "provider": KNOWN[row.provider][0],
            "icon": KNOWN[row.provider][1],
            "email": row.extra_data.get("email", ""),
            "linked_at": row.date_joined,
            "used_at": row.last_login,
            "is_offered": row.provider in settings.SIGN_IN_PROVIDERS,
        }
        for row in rows
    ]
    return {
        "identities": identities,
        "offers": offers(),
        "has_password": request.user.has_usable_password(),
        "is_last": not request.user.has_usable_password()
        and sum(1 for one in identities if one["is_offered"]) <= 1,
    }
