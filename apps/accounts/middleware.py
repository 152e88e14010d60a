"""Enters the account of whoever is signed in, for the whole request and for nobody else."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from apps.core import clock
from apps.core.actor import Actor, acting_as
from apps.core.client_address import client_address
from apps.core.scope import account_scope

from .gates import as_json, first_answer
from .guests.entering import guest_of, has_entered
from .models import ApiToken, Membership
from .saml.session import bound_to
from .selectors import actor_of
from .sessions import keep_or_close
from .tokens import API, as_token, take_token

SIGN_OUT = "/sign-out/"
SEEN_AGAIN = timedelta(minutes=5)
READING = ("GET", "HEAD", "OPTIONS")
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
        if getattr(request, "choice_is_gone", False) and request.method not in READING:
            return _to_home(request)
        if membership is None and bound_to(request):
            logout(request)  # the company that signed this person in does not know them any more
        request.membership = membership  # type: ignore[attr-defined]
        request.is_outside = False  # type: ignore[attr-defined]
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
    """The membership in force, of all that the person has: the one last chosen, else the oldest."""
    if not request.user.is_authenticated:
        return None
    rows = Membership.objects.select_related("account", "user").filter(user=request.user, is_active=True)
    if bound := bound_to(request):
        rows = rows.filter(account__public_id=bound.account)
    request.memberships = found = list(rows.order_by("id"))  # type: ignore[attr-defined]
    if not bound and has_entered(request):
        return guest_of(request)
    chosen = request.session.get("account")
    member = next((each for each in found if str(each.account.public_id) == chosen), None)
    if member is None:
        member = found[0] if found else None
        if chosen is not None and not bound and request.path != SIGN_OUT:
            _drop_choice(request)
        elif len(found) > 1:
            # What is open now is of this account, also when somebody takes it away.
            request.session["account"] = str(found[0].account.public_id)
    if member is not None:
        _note_seen(member)
    return member


def _drop_choice(request: HttpRequest) -> None:
    """The account in force is not theirs any more: what was typed there must not act in another one."""
    del request.session["account"]
    rotate_token(request)
    request.choice_is_gone = True  # type: ignore[attr-defined]


def _to_home(request: HttpRequest) -> HttpResponse:
    messages.warning(request, "You do not belong to that account any more. Nothing was done.")
    is_part = request.headers.get("HX-Request") == "true"
    return HttpResponseClientRedirect(reverse("home")) if is_part else redirect("home")


def _note_seen(member: Membership) -> None:
    now = clock.now()
    if member.last_seen_at is None or now - member.last_seen_at > SEEN_AGAIN:
        Membership.objects.filter(pk=member.pk).update(last_seen_at=now)


def _actor_of(request: HttpRequest, membership: Membership | None) -> Actor:
    address = client_address(request)
    reference = getattr(request, "reference", "")
    if not request.user.is_authenticated:
        return Actor(kind="anonymous", address=address, request_id=reference)
    if membership is None:
        return Actor(kind="user", label=str(request.user), user_id=request.user.pk, address=address)
    return actor_of(membership, address=address, request_id=reference)
