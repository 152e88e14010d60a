"""The door of every page that is not public, for apps that know accounts."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from uuid import UUID

from allauth.socialaccount.models import SocialAccount
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from apps.core.errors import NotFound, PermissionMissing
from apps.core.guard import guarded
from apps.core.permissions import Permission, allowed, require

from .everywhere import works_outside
from .factors.policy import factor_gate
from .http import MemberRequest
from .models import AllowedAddress, ApiToken, Membership
from .saml.session import bound_to
from .social.configured import KNOWN

P = ParamSpec("P")
MemberPage = Callable[Concatenate[MemberRequest, P], HttpResponseBase]
Page = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def member_required(permission: Permission | None = None) -> Callable[[MemberPage[P]], Page[P]]:
    """`core.guard.guarded`, whose page may rely on `request.account` and `request.membership`."""

    def guard(page: MemberPage[P]) -> Page[P]:
        return guarded(permission)(cast(Page[P], page))

    return guard


def person_required(page: MemberPage[P]) -> Page[P]:
    """`member_required` for what is a person's own, which people of partners and staff have without an account.

    For them `request.is_outside` is true, and `request.account` and `request.membership` are None.
    """
    members_page = member_required()(page)

    @wraps(page)
    def door(request: MemberRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        signed_in = request.user.is_authenticated and request.membership is None
        if not signed_in or not works_outside(request.user):
            return members_page(request, *args, **kwargs)
        request.is_outside = True
        response = factor_gate(request) or page(request, *args, **kwargs)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        return response

    return door  # type: ignore[return-value]


def owner_required(page: MemberPage[P]) -> Page[P]:
    """`member_required` for what is the owner's alone; other members, and sessions of a company, get a 403."""

    @wraps(page)
    def owners_page(request: MemberRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.membership.is_owner:
            raise PermissionMissing("Only the owner of the account may do this.", do="Ask the owner.")
        if bound_to(request):
            raise PermissionMissing(
                "Your company signed you in, and this is the owner's alone.",
                do="Sign out, then sign in with your own password.",
            )
        return page(request, *args, **kwargs)

    return member_required()(owners_page)


def allowed_address_for(public_id: UUID) -> AllowedAddress:
    """One entry of the account's list of allowed addresses. Foreign and missing are NotFound."""
    entry = AllowedAddress.objects.filter(public_id=public_id).first()
    if entry is None:
        raise NotFound("This entry does not exist, or it was removed.")
    require(Permission.ACCOUNT_SETTINGS)
    return entry


def linked_identity(request: MemberRequest, identity_id: int) -> SocialAccount:
    """An identity that this person signs in with. Raises NotFound for another person's."""
    row = SocialAccount.objects.filter(pk=identity_id, user=request.user, provider__in=KNOWN).first()
    if row is None:
        raise NotFound("You sign in with no such identity.")
    return row


def token_for(public_id: UUID, membership: Membership) -> ApiToken:
    """A token of the account that this member may revoke: their own, or with the right to manage users any."""
    token = ApiToken.objects.select_related("membership__user").filter(
        public_id=public_id, membership__account_id=membership.account_id
    )
    found = token.first()
    if found is None or (found.membership_id != membership.pk and not allowed(Permission.USERS)):
        raise NotFound("This token does not exist, or it was revoked.")
    return found
