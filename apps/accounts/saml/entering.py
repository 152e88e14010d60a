"""The two ends of a company sign-in in one browser: the question it takes away, the answer it brings back."""

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from apps.activity.audit import audit
from apps.core import clock
from apps.core.actor import acting_as, current_actor
from apps.core.permissions import Permission, allowed

from ..models import Account, Membership, SamlArrival, User
from ..sudo import proved
from . import session
from .arrivals import arrival_of, finish
from .checks import SKEW, SamlRefused
from .metadata import Config
from .people import person_of
from .provider import request_url
from .services import draft_tested, provider_in_use


def ask(
    request: HttpRequest,
    account: Account,
    stored: dict[str, Any] | None,
    purpose: session.Purpose,
    following: str,
) -> str:
    """Keep in the session that this browser asks, and return the provider's address to send it to."""
    assert stored is not None
    anew = purpose == "confirm"
    url, request_id = request_url(account.public_id, Config.of(stored), anew=anew)
    question = session.Question(str(account.public_id), purpose, following, clock.now().timestamp())
    session.remember_question(request, request_id, question)
    return url


def claim(request: HttpRequest, account: Account, token: str) -> tuple[SamlArrival, session.Question | None]:
    """What waits under the token, and the question of this browser that it answers. Raises SamlRefused.

    An answer to a question is good for the browser that asked, alone. None: nobody asked (embed link), and the
    person must agree to it before it counts, or a page could sign its visitors in as somebody else.
    """
    arrival = arrival_of(token)
    if not arrival.in_response_to:
        return arrival, None
    question = session.question_of(request, arrival.in_response_to)
    if question is None or question.account != str(account.public_id):
        raise SamlRefused("other_browser", arrival.address)
    return arrival, question


def use(request: HttpRequest, account: Account, arrival: SamlArrival, question: session.Question | None) -> str:
    """Do what the answer was asked for, once, and return where to go on. Raises SamlRefused."""
    purpose = question.purpose if question else "sign_in"
    if not (arrival.draft_digest if purpose == "test" else arrival.by_live):
        raise SamlRefused("wrong_issuer", arrival.address)
    if purpose == "test":
        return _test(request, account, arrival)
    if question and purpose == "confirm":
        return _confirm(request, account, arrival, question)
    return _sign_in(request, account, arrival, question)


def _test(request: HttpRequest, account: Account, arrival: SamlArrival) -> str:
    membership: Membership | None = getattr(request, "membership", None)
    if membership is None or membership.account_id != account.pk or not allowed(Permission.ACCOUNT_SETTINGS):
        raise SamlRefused("wrong_person", arrival.address)
    if membership.user.email != arrival.address:
        raise SamlRefused("wrong_person", arrival.address)
    with transaction.atomic():
        finish(arrival)
        draft_tested(membership.user_id, arrival.draft_digest)
    return f"{reverse('security')}?tested=saml#saml"


def _confirm(request: HttpRequest, account: Account, arrival: SamlArrival, question: session.Question) -> str:
    bound = session.bound_to(request)
    if bound is None or bound.account != question.account or request.user.email != arrival.address:  # type: ignore[union-attr]
        raise SamlRefused("wrong_person", arrival.address)
    if arrival.authenticated_at.timestamp() < question.at - SKEW.total_seconds():
        raise SamlRefused("not_asked_anew", arrival.address)
    with transaction.atomic():
        finish(arrival)
        audit("saml.confirmed", description=f"{arrival.address} proved themselves at the company once more")
    proved(request, "saml")  # type: ignore[arg-type]
    return question.following


def _sign_in(
    request: HttpRequest, account: Account, arrival: SamlArrival, question: session.Question | None
) -> str:
    with transaction.atomic():
        provider = provider_in_use()
        if provider is None:
            raise SamlRefused("not_in_use", arrival.address)
        finish(arrival)
        user = person_of(provider, arrival)
        with acting_as(_as(user)):
            how = "" if question else ", beginning at the provider"
            audit("saml.signed_in", description=f"Signed in at the company{how}", subject_id=user.public_id)
    session.sign_in(
        request, user, account, authenticated_at=arrival.authenticated_at, until=arrival.session_until
    )
    return question.following if question else reverse("home")


def _as(user: User) -> Any:
    return replace(current_actor(), kind="user", label=str(user), user_id=user.pk)
