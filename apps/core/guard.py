"""The door of every page that is not public. Accounts' middleware has put membership and actor in place."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from .permissions import Permission, require

P = ParamSpec("P")
Page = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
Proof = Callable[[HttpRequest], HttpResponse | None]
_proofs: list[Proof] = []


def register_proof(ask_again: Proof) -> None:
    """Set how a fresh proof is asked for: the answer that asks, None when there is one. Called in `ready()`."""
    _proofs[:] = [ask_again]


def guarded(permission: Permission | None = None, *, proof: bool = False) -> Callable[[Page[P]], Page[P]]:
    """Let members of the account in force in, and of those only who has `permission`.

    Anonymous: to the sign-in page and back. No account: a calm page. Right missing: 403. What comes out
    belongs to one person, so no cache may keep it. Apps from accounts upwards use
    `accounts.access.member_required`, which is the same with a typed request. `proof`: who changes something
    proves first that they are still the same person (the apps above: `accounts.sudo`).
    """

    def guard(page: Page[P]) -> Page[P]:
        @wraps(page)
        def door(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            if getattr(request, "membership", None) is None:
                return render(request, "accounts/no_account.html", status=403)
            if permission is not None:
                require(permission)
            if proof and request.method not in ("GET", "HEAD", "OPTIONS") and (asked := _proofs[0](request)):
                return asked
            response = page(request, *args, **kwargs)
            if not response.has_header("Cache-Control"):
                response["Cache-Control"] = "private, no-store"
            return response

        return door

    return guard


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if getattr(request, "htmx", False):
        # A part of a page must not be replaced by the sign-in page: the whole page goes there.
        return HttpResponseClientRedirect(reverse("account_login"))
    return redirect_to_login(request.get_full_path())
