"""Who must come through the company, and what a session that did may not touch."""

from collections.abc import Iterator
from functools import cache
from typing import Final
from urllib.parse import urlencode

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, URLResolver, reverse
from django_htmx.http import HttpResponseClientRedirect

from apps.activity.audit import audit
from apps.core import clock
from apps.core.scope import account_scope

from ..everywhere import has_ways_elsewhere
from ..factors.codes import has_factor
from ..http import MemberRequest
from ..models import GuestMembership, Membership, SamlProvider, User
from ..sudo import Way
from .services import provider_in_use
from .session import Bound, bound_to

# Reached by everybody, whatever their session: out, through the company in, and over to another account.
OPEN: Final = frozenset(
    {
        "account_logout", "account_switch",
        "saml_start", "saml_needed", "saml_acs", "saml_metadata", "saml_finish", "saml_find",
    }
)  # fmt: skip
# Of what is a person's own, all that a session of a company may open: proof that it is still the same person,
# and tokens, which open this one account and nothing else.
_ALSO_BOUND: Final = OPEN | {
    "sudo",
    "saml_confirm",
    "entry",
    "account_login",
    "token_new",
    "token_revoke",
    "sudo_passkey",
}

_SET_UP: Final = "second_factor_setup"
_PROOFS: Final = frozenset({"sudo", "sudo_passkey"})


def company_gate(request: HttpRequest) -> HttpResponseBase | None:
    """Gate 30: a member of an account with company sign-in comes through it, but for the account's owner."""
    if getattr(request, "token", None):
        return None  # made by a member, for this account, seen and ended by its administrators
    name = request.resolver_match.url_name if request.resolver_match else None
    provider, bound = provider_in_use(), bound_to(request)
    if bound:
        return _gate_of_bound(request, name, bound, provider)
    membership: Membership = request.membership  # type: ignore[attr-defined]
    if provider is None or membership.is_owner or name in OPEN or isinstance(membership, GuestMembership):
        return None  # guests belong to another organisation, which this provider does not know
    if name in personal_routes() | _PROOFS and has_ways_elsewhere(membership.user):
        return None  # a session of their own is of use to partners, staff and people of two companies
    return _go(request, reverse("saml_needed", args=[membership.account.public_id]))


def _gate_of_bound(
    request: HttpRequest, name: str | None, bound: Bound, provider: SamlProvider | None
) -> HttpResponseBase | None:
    outlived = bound.until is not None and bound.until < clock.now().timestamp()
    since = provider.activated_at if provider else None
    if outlived or since is None or bound.at < since.timestamp():
        logout(request)
        return _go(request, reverse("account_login"))
    if name not in personal_routes() or (name == _SET_UP and may_set_up_factor(request)):
        return None
    return _not_for_companies(request)


def asked_by_company(request: HttpRequest) -> bool | None:
    """Whether who comes by the company needs Everkeep's second factor too; None for who does not."""
    if bound_to(request) is None and not getattr(request, "token", None):
        return None
    provider = provider_in_use()
    return provider.ask_second_factor if provider else None


def may_set_up_factor(request: HttpRequest) -> bool:
    """Whether the company may have somebody choose a second factor: who has none, and belongs nowhere else.

    For anybody else a provider that lies could choose it in their place, for their other accounts as well. Nor
    who has a factor: one that is chosen anew would stand in for the one that the company cannot give.
    """
    user: User = request.user  # type: ignore[assignment]
    return bool(asked_by_company(request)) and not has_factor(user) and not has_ways_elsewhere(user)


@cache
def personal_routes() -> frozenset[str]:
    """The names of accounts' and allauth's pages that are about the person, not about one account.

    Everything in accounts' urls counts as such unless it stands under /settings/ or /account/ or is open to
    all: a page that is added later is shut for sessions of a company until somebody decides otherwise.
    """
    from .. import urls  # noqa: PLC0415 - the addresses are complete only when the first request comes

    found = {
        str(route.name)
        for route in _routes(urls.urlpatterns)
        if not str(route.pattern).lstrip("^").startswith(("settings/", "account/", "api/"))
    }
    return frozenset(found) - _ALSO_BOUND


def company_only(user: User) -> Membership | None:
    """The membership whose company signs this person in, when a session of their own would have no use."""
    if has_ways_elsewhere(user):
        return None  # gate 30 keeps this account shut to that session
    memberships = list(user.memberships.select_related("account").filter(is_active=True).order_by("id"))
    for membership in memberships:
        with account_scope(membership.account_id):
            if membership.is_owner or provider_in_use() is None:
                return None
    return memberships[0] if memberships else None


def instead_of_password(request: HttpRequest, user: User) -> HttpResponse | None:
    """For allauth's sign-in, when the proof was good: who signs in at the company gets no session by it."""
    membership = company_only(user)
    if membership is None:
        return None
    with account_scope(membership.account_id):
        audit(
            "saml.password_refused",
            description=f"{user.email} tried to sign in without the company",
            user=user.pk,
        )
    return redirect("saml_needed", membership.account.public_id)


def note_way_around(sender: object, request: HttpRequest, user: User, **kwargs: object) -> None:
    """The owner may come in without the company, lest everybody be locked out for good; it is written down."""
    if bound_to(request):
        return
    for membership in user.memberships.filter(is_owner=True):
        with account_scope(membership.account_id):
            if provider_in_use():
                audit("saml.owner_passed", description=f"The owner {user.email} signed in without the company")


def company_way(request: MemberRequest, following: str) -> Way | None:
    """Who was signed in by the company proves themselves there again (`sudo`)."""
    bound = bound_to(request)
    if bound is None:
        return None
    url = f"{reverse('saml_confirm')}?{urlencode({'next': following})}"
    return Way("Confirm at your company's sign-in", url)


def _not_for_companies(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/saml_personal.html", status=403)


def _go(request: HttpRequest, url: str) -> HttpResponse:
    return HttpResponseClientRedirect(url) if getattr(request, "htmx", False) else redirect(url)


def _routes(patterns: list[URLPattern] | list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns)
        else:
            yield pattern
