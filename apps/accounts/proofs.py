"""What proves, at a session that is open, that the same person still sits there."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.hashers import check_password

from apps.activity.audit import audit
from apps.activity.models import ActivityStatus

from .http import MemberRequest
from .limits import Limit, address_of, give_back, take
from .models import User
from .sudo import proved

OF_ONE = Limit("proof.user", 5, timedelta(minutes=1))
FROM_ONE_PLACE = Limit("proof.address", 30, timedelta(seconds=10))


class ProofForm(forms.Form):
    """The password, for who has one."""

    password = forms.CharField(
        label="Your password",
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data)
        if not user.has_usable_password():
            del self.fields["password"]

    @property
    def can_be_asked(self) -> bool:
        """Whether there is anything that this person can type."""
        return bool(self.fields)


def prove(request: MemberRequest, form: ProofForm) -> bool:
    """Judge what was typed: True is kept in the session, False is written down and stands in the form."""
    limits = ((OF_ONE, (request.user.pk,)), (FROM_ONE_PLACE, (address_of(request),)))
    if not all(take(limit, *who) for limit, who in limits):
        form.add_error(None, "Too many tries. Wait a minute, then try again.")
        return False
    method = _judge(request.user, form)
    if not method:
        audit("proof.refused", status=ActivityStatus.FAILED)
        return False
    for limit, who in limits:
        give_back(limit, *who)
    proved(request, method)
    return True


def _judge(user: User, form: ProofForm) -> str:
    """How the person proved it, or "" with the error in the form."""
    # Not user.check_password: bringing an old hash up to date here would end this very session.
    if "password" in form.fields and check_password(form.cleaned_data["password"], user.password):
        return "password"
    form.add_error("password" if "password" in form.fields else None, "This is not your password.")
    return ""
