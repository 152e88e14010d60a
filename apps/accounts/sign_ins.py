"""Signing in and out, and what changes how somebody signs in, in the audit of every account concerned.

Every way to sign in ends in allauth's signal, with its records of what was proved: password, provider, code.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from allauth.account import signals
from allauth.account.authentication import get_authentication_records
from django.contrib.auth.signals import user_logged_out, user_login_failed
from django.http import HttpRequest

from apps.activity.models import ActivityStatus
from apps.core.actor import acting_as, current_actor
from apps.core.afterwards import after_response

from .browsers import browser_words
from .everywhere import audit_everywhere
from .models import User

logger = logging.getLogger("everkeep.accounts")

CODES = {
    "email.changed": "Mail address changed",
    "password.changed": "Password changed",
    "password.reset": "Password set anew by mail",
    "sign_in.done": "Signed in",
    "sign_in.failed": "Sign-in failed",
    "sign_out.done": "Signed out",
}
_METHODS = {
    "password": "password",
    "password_reset": "link of a password mail",
    "code": "code by mail",
    "saml": "company sign-in (SAML)",
    "totp": "code of an app",
    "recovery_codes": "recovery code",
    "recovery_code": "recovery code",
    "webauthn": "passkey",
    "passkey": "passkey",
    "microsoft": "Microsoft",
    "google": "Google",
    "okta": "Okta",
}


def method_words(records: Iterable[Mapping[str, Any]]) -> str:
    """ "Password and code of an app", from allauth's records of this sign-in."""
    keys = [
        str(record.get("provider") or record.get("type") or record.get("method"))
        for record in records
        if not record.get("reauthenticated")
    ]
    words = [_METHODS.get(key) or _METHODS.get(key.partition(":")[0]) or key.replace("_", " ") for key in keys]
    said = " and ".join(dict.fromkeys(words)) or "unknown method"
    return said[:1].upper() + said[1:]


def _signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    method = method_words(get_authentication_records(request, user))
    _write("sign_in.done", user, request, method, method=method)


def _signed_out(request: HttpRequest | None, user: User | None, **_: Any) -> None:
    if user is not None:
        _write("sign_out.done", user, request, "")


def _not_let_in(credentials: Mapping[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Whether there is such a person is looked up when the answer is out: its time must not tell."""
    email = str(credentials.get("email") or credentials.get("username") or "").lower()
    actor = current_actor()

    def write() -> None:
        user = User.objects.filter(email=email).first()
        if user is None:
            logger.info("sign-in failed for an unknown address, from %s", actor.address or "nowhere")
            return
        with acting_as(actor):
            _write("sign_in.failed", user, request, "Wrong password", is_proved=False, method="password")

    _later(request, write)


def _password_changed(request: HttpRequest, user: User, **_: Any) -> None:
    _write("password.changed", user, request, "")


def _password_reset(request: HttpRequest, user: User, **_: Any) -> None:
    _write("password.reset", user, request, "")


def _email_changed(
    request: HttpRequest, user: User, from_email_address: Any, to_email_address: Any, **_: Any
) -> None:
    was = f"From {from_email_address.email} to " if from_email_address else ""
    _write("email.changed", user, request, was + to_email_address.email)


def _write(
    code: str, user: User, request: HttpRequest | None, said: str, *, is_proved: bool = True, **details: str
) -> None:
    agent = request.META.get("HTTP_USER_AGENT", "") if request else ""
    browser = browser_words(agent) if request else ""
    failed = code == "sign_in.failed"
    audit_everywhere(
        code,
        user=user,
        is_proved=is_proved,
        status=ActivityStatus.FAILED if failed else ActivityStatus.DONE,
        description=", ".join(filter(None, (said, browser, current_actor().address))),
        subject_id=user.public_id,
        browser=browser,
        **details,
    )


def _later(request: HttpRequest | None, write: Any) -> None:
    if request is None:
        write()
    else:
        after_response(write)


def listen() -> None:
    """Connect the signals. Called in `AppConfig.ready()`."""
    for signal, handler in (
        (signals.user_logged_in, _signed_in),
        (user_logged_out, _signed_out),
        (user_login_failed, _not_let_in),
        (signals.password_changed, _password_changed),
        (signals.password_set, _password_changed),
        (signals.password_reset, _password_reset),
        (signals.email_changed, _email_changed),
    ):
        signal.connect(handler, dispatch_uid=f"everkeep.sign_ins.{handler.__name__}")
