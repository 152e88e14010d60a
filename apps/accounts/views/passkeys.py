"""Passkeys: signing in with one, and the list of one's own."""

import json

from allauth.account.models import Login
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from ..access import person_required
from ..factors.forms import NewPasskeyForm, PasskeyForm, PasskeyNameForm
from ..factors.passkeys import (
    options_for_a_new_one,
    options_to_sign_in,
    passkey_add,
    passkey_check,
    passkey_remove,
    passkey_rename,
)
from ..http import MemberRequest
from ..sudo import proved, safe_next, sudo_required


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """With a passkey instead of the password. GET: what the browser is to sign."""
    if request.user.is_authenticated:
        return redirect("home")
    if request.method != "POST":
        return JsonResponse(options_to_sign_in(None, "sign in"))
    form = PasskeyForm(request.POST)
    valid = form.is_valid()
    key = passkey_check(request, None, form.cleaned_data["credential"], "sign in") if valid else None
    if key is None:
        messages.error(request, "We do not know this passkey. Sign in with your password.")
        return redirect("account_login")
    login = Login(user=key.user, redirect_url=safe_next(request))
    return perform_passwordless_login(request, key, login)  # type: ignore[no-any-return]


@require_POST
@person_required
def prove(request: MemberRequest) -> HttpResponse:
    """A passkey as the fresh proof before a dangerous act."""
    form = PasskeyForm(request.POST)
    valid = form.is_valid()
    key = passkey_check(request, request.user, form.cleaned_data["credential"], "proof") if valid else None
    if key is None:
        messages.error(request, "This passkey is not one of yours.")
        return redirect("sudo")
    key.record_usage()
    proved(request, "mfa")
    return redirect(safe_next(request))


@require_http_methods(["GET", "HEAD", "POST"])
@person_required
@sudo_required(reading=True)
def add(request: MemberRequest) -> HttpResponse:
    """A new passkey, with a name."""
    form = NewPasskeyForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        passkey_add(request.user, form.cleaned_data["name"], form.cleaned_data["credential"])
        proved(request, "mfa")
        messages.info(request, "The passkey was added.")
        return redirect(safe_next(request) if "next" in request.POST else "my_security")
    context = {"form": form, "options": json.dumps(options_for_a_new_one(request.user))}
    return render(request, "accounts/passkey_add.html", context)


@require_POST
@person_required
def rename(request: MemberRequest, passkey_id: int) -> HttpResponse:
    """Another name, so that one knows later which is which."""
    form = PasskeyNameForm(request.POST)
    if form.is_valid():
        passkey_rename(request.user, passkey_id, form.cleaned_data["name"])
    return redirect("my_security")


@require_POST
@person_required
@sudo_required()
def remove(request: MemberRequest, passkey_id: int) -> HttpResponse:
    """It opens nothing any more."""
    passkey_remove(request.user, passkey_id)
    messages.info(request, "The passkey was removed.")
    return redirect("my_security")
