"""Enters the account of whoever is signed in, for the whole request and for nobody else."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from apps.core.actor import ANONYMOUS, Actor, acting_as
from apps.core.client_address import client_address
from apps.core.scope import account_scope

from .gates import as_json, first_answer
from .guests.entering import guest_of, has_entered
from .models import ApiToken, Membership
from .saml.session import bound_to
from .sessions import keep_or_close
from .tokens import API, as_token, take_token

Handler = Callable[[HttpRequest], HttpResponse]


class SignInMiddleware:
    """Lets in by an API token (`request.token`), else by a browser's session as long as that is good."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.token = take_token(request)  # type: ignore[attr-defined]
        keep_or_close(request)
        return self.get_response(request)


class AccountScopeMiddleware:
    """Puts `request.account`, `request.membership` and the actor in place; without a membership, no scope."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token: ApiToken | None = getattr(request, "token", None)
        membership = token.membership if token else _membership_of(request)
        if membership is None and bound_to(request):
            logout(request)  # the company that signed this person in does not know them any more
        request.membership = membership  # type: ignore[attr-defined]
        request.account = membership.account if membership else None  # type: ignore[attr-defined]
        with ExitStack() as stack:
            actor = _actor_of(request, membership)
            stack.enter_context(acting_as(as_token(token, actor) if token else actor))
            if membership:
                stack.enter_context(account_scope(membership.account_id))
            return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: object, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        """Let nobody past the gates of the account; runs inside the scope, with the route known."""
        answer = first_answer(request) if request.membership else None  # type: ignore[attr-defined]
        if answer is not None and request.path.startswith(API):
            return as_json(answer)
        return answer


def _membership_of(request: HttpRequest) -> Membership | None:
    if not request.user.is_authenticated:
        return None
    rows = Membership.objects.select_related("account").filter(user=request.user, is_active=True).order_by("id")
    bound = bound_to(request)
    if bound:
        return rows.filter(account__public_id=bound.account).first()
    if has_entered(request):
        return guest_of(request)
    chosen = request.session.get("account")
    return rows.filter(account__public_id=chosen).first() if chosen else rows.first()


def _actor_of(request: HttpRequest, membership: Membership | None) -> Actor:
    address = client_address(request)
    reference = getattr(request, "reference", "")
    if not request.user.is_authenticated:
        return Actor(kind="anonymous", address=address, request_id=reference)
    return Actor(
        kind="user",
        label=f"{request.user} ({membership.via})" if membership and membership.via else str(request.user),
        user_id=request.user.pk,
        permissions=membership.permissions if membership else ANONYMOUS.permissions,
        address=address,
        request_id=reference,
        services=membership.seen_services if membership else ANONYMOUS.services,
    )
