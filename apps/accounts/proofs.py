"""What proves, at a session that is open, that the same person still sits there."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.hashers import check_password

from apps.activity.audit import audit
from apps.activity.models import ActivityStatus

from .everywhere import audit_everywhere
from .factors.codes import TooManyTries, code_check, has_app, has_passkey
from .factors.policy import wants_factor
from .http import MemberRequest
from .limits import Limit, address_of, give_back, take
from .sudo import proved

OF_ONE = Limit("proof.user", 5, timedelta(minutes=1))
FROM_ONE_PLACE = Limit("proof.address", 30, timedelta(seconds=10))


class ProofForm(forms.Form):
    """The password, for who has one, or a code, for who has an app; one of them is enough."""

    password = forms.CharField(
        label="Your password",
        strip=False,
        required=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    code = forms.CharField(
        label="Code from your app",
        required=False,
        max_length=10,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "form-control ek-code"}
        ),
    )

    def __init__(self, data: Any = None, *, request: MemberRequest) -> None:
        super().__init__(data)
        user = request.user
        self.takes_passkey = has_passkey(user)
        if not has_app(user):
            del self.fields["code"]
        # Where a second factor is demanded, a session that has not given it cannot do with less; but who has
        # none yet proves themselves as they can, and gate 40 has them choose one.
        factor = "code" in self.fields or self.takes_passkey
        self.wants_factor = factor and wants_factor(request)
        if not user.has_usable_password() or self.wants_factor:
            del self.fields["password"]

    @property
    def can_be_asked(self) -> bool:
        """Whether there is anything that this person can type."""
        return bool(self.fields)


def prove(request: MemberRequest, form: ProofForm) -> bool:
    """Judge what was typed: True is kept in the session, False is written down and stands in the form."""
    code, password = form.cleaned_data.get("code"), form.cleaned_data.get("password")
    try:
        if code:
            return _prove_by_code(request, form, code)
    except TooManyTries as error:
        form.add_error(None, str(error))
        return False
    return _prove_by_password(request, form, password or "")


def _prove_by_code(request: MemberRequest, form: ProofForm, code: str) -> bool:
    if not code_check(request, request.user, code, recovery=False):
        form.add_error("code", "This code is not right, or it was used before. Try the next one.")
        return False
    proved(request, "mfa")
    return True


def _refused(request: MemberRequest) -> None:
    """In the account in force; who is in none has it in those that they belong to, or in the server's log."""
    if request.is_outside:
        audit_everywhere("proof.refused", user=request.user, status=ActivityStatus.FAILED)
    else:
        audit("proof.refused", status=ActivityStatus.FAILED)


def _prove_by_password(request: MemberRequest, form: ProofForm, password: str) -> bool:
    limits = ((OF_ONE, (request.user.pk,)), (FROM_ONE_PLACE, (address_of(request),)))
    if not all(take(limit, *who) for limit, who in limits):
        form.add_error(None, "Too many tries. Wait a minute, then try again.")
        return False
    # Not user.check_password: bringing an old hash up to date here would end this very session.
    if "password" not in form.fields or not check_password(password, request.user.password):
        _refused(request)
        name = "password" if "password" in form.fields else None
        form.add_error(name, "This is not your password." if name else "Type the code that your app shows.")
        return False
    for limit, who in limits:
        give_back(limit, *who)
    proved(request, "password")
    return True
