"""A fresh sign-in at a provider as the proof that `accounts.sudo` asks for."""

import time
from typing import Any, Final
from urllib.parse import urlencode

from allauth.account.internal.flows.login import record_authentication
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from apps.core.errors import InvalidRequest, PermissionMissing

from ..http import MemberRequest
from ..saml.session import bound_to
from ..sudo import FRESH, Way
from .configured import KNOWN
from .identity import Identity

# Google cannot be told to ask for the password again, so it proves nothing here.
_ASK_ANEW: Final = ("microsoft", "okta")


def way(request: MemberRequest, following: str) -> Way | None:
    """Offer the provider to who signs in with one that asks anew when it is told to.

    Not in a session of a company: what is linked is the person's own, and shut there.
    """
    if bound_to(request):
        return None
    usable = [key for key in _ASK_ANEW if key in settings.SIGN_IN_PROVIDERS]
    row = SocialAccount.objects.filter(user=request.user, provider__in=usable).order_by("-last_login").first()
    if row is None:
        return None
    url = f"{reverse('provider_prove', args=[row.provider])}?{urlencode({'next': following})}"
    return Way(f"Prove it at {KNOWN[row.provider][0]}", url)


def accept(request: HttpRequest, identity: Identity, claims: dict[str, Any]) -> None:
    """Take the answer as a proof. Raises when it is somebody else's, or the provider did not ask anew.

    The request to ask anew travels through the browser, whose user could take it away: only the time of the
    sign-in in the signed token proves that it was heeded.
    """
    mine = SocialAccount.objects.filter(user=request.user.pk, provider=identity.provider, uid=identity.key)
    if not mine.exists():
        raise PermissionMissing(
            "This is not an identity that you sign in with.", do="Choose the one that is linked."
        )
    asked_at = claims.get("auth_time")
    if not isinstance(asked_at, int) or abs(time.time() - asked_at) > FRESH.total_seconds():
        raise InvalidRequest(
            "The provider did not ask you anew, so this proves nothing.",
            do="Sign out here and in again instead.",
        )
    record_authentication(
        request,
        request.user,
        "socialaccount",
        provider=identity.provider,
        uid=identity.key,
        reauthenticated=True,
    )
