"""Codes: asked at the sign-in, set up, renewed and switched off."""

import json

from allauth.account.internal.flows.login import record_authentication
from allauth.account.stages import LoginStageController
from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from ..access import person_required
from ..factors.codes import (
    TooManyTries,
    app_begin,
    app_confirm,
    app_drawing,
    app_key,
    app_off,
    app_waiting,
    code_check,
    codes_renew,
    has_app,
    has_passkey,
)
from ..factors.forms import CodeForm, PasskeyForm, SecondStepForm
from ..factors.passkeys import options_to_sign_in, passkey_check, passkey_used
from ..factors.policy import is_required
from ..factors.stage import SecondFactorStage
from ..http import MemberRequest
from ..models import User
from ..sudo import safe_next, sudo_required


@sensitive_post_parameters("code", "credential")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def second_factor(request: MemberRequest) -> HttpResponseBase:
    """The second step of signing in: a code of the app, a recovery code, or a passkey."""
    if request.user.is_authenticated:
        return redirect("home")
    stage = LoginStageController.enter(request, SecondFactorStage.key)
    if stage is None:
        return redirect("account_login")
    form = SecondStepForm(request.POST if "code" in request.POST else None)
    if request.method == "POST" and _is_given(request, stage.login.user, form):
        return stage.exit()
    person = stage.login.user
    context = {
        "form": form,
        "asks_code": has_app(person),
        "passkey": json.dumps(options_to_sign_in(person, "second factor")) if has_passkey(person) else "",
    }
    return render(request, "accounts/second_factor.html", context)


def _is_given(request: MemberRequest, user: User, form: SecondStepForm) -> bool:
    """Judge what was sent; a refusal stands in the form."""
    try:
        if "credential" in request.POST:
            answer = PasskeyForm(request.POST)
            sent = answer.cleaned_data["credential"] if answer.is_valid() else None
            key = passkey_check(request, user, sent, "second factor") if sent else None
            if key is not None:
                passkey_used(request, key)
            else:
                messages.error(request, "This passkey does not belong to the person who signs in.")
            return key is not None
        how = form.is_valid() and code_check(request, user, form.cleaned_data["code"])
    except TooManyTries as error:
        messages.error(request, str(error))
        return False
    if how:
        record_authentication(request, user, method="mfa", type=how)
    elif form.is_bound and not form.errors:
        form.add_error("code", "This code is not right, or it was used before. Try the next one.")
    return bool(how)


@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
@person_required
@sudo_required(reading=True)
def setup(request: MemberRequest) -> HttpResponse:
    """The key to scan, the first code; then the recovery codes, once (SEC-01). Looking makes no key."""
    if has_app(request.user):
        return redirect("my_security")
    begins = "begin" in request.POST
    form = CodeForm(request.POST if request.method == "POST" and not begins else None)
    if form.is_bound and form.is_valid():
        codes = _first_code(request, form)
        if codes:
            record_authentication(request, request.user, method="mfa", type="totp")
            return _codes_shown(request, codes)
    device = app_begin(request.user) if begins else app_waiting(request.user)
    context = {
        "form": form,
        "key": app_key(device) if device else "",
        "drawing": app_drawing(device) if device else "",
        "next": safe_next(request),
        "is_demanded": is_required(request),
    }
    return render(request, "accounts/second_factor_setup.html", context)


def _first_code(request: MemberRequest, form: CodeForm) -> list[str] | None:
    try:
        codes = app_confirm(request, request.user, form.cleaned_data["code"])
    except TooManyTries as error:
        form.add_error(None, str(error))
        return None
    if codes is None:
        form.add_error("code", "This code is not right. Is the clock of your phone right? Try the next one.")
    return codes


@require_POST
@person_required
@sudo_required()
def off(request: MemberRequest) -> HttpResponse:
    """Codes are asked no longer."""
    app_off(request.user)
    messages.info(request, "Codes from an app are no longer asked at your sign-in.")
    return redirect("my_security")


@require_POST
@person_required
@sudo_required()
def recovery_codes(request: MemberRequest) -> HttpResponse:
    """New recovery codes, in the answer to this request alone."""
    return _codes_shown(request, codes_renew(request.user))


def _codes_shown(request: MemberRequest, codes: list[str]) -> HttpResponse:
    context = {"codes": codes, "next": safe_next(request)}
    return render(request, "accounts/recovery_codes.html", context)
