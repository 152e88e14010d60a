"""Forms of codes, passkeys, passwords and what an account demands."""

from typing import Any

from django import forms
from django.contrib.auth.hashers import check_password

from ..models import Account, User
from ..passwords import password_problems

CODE = {"autocomplete": "one-time-code", "inputmode": "numeric", "class": "form-control ek-code"}


class CodeForm(forms.Form):
    """Six digits of the app."""

    code = forms.CharField(label="Code", max_length=10, widget=forms.TextInput(attrs=CODE))


class SecondStepForm(forms.Form):
    """Six digits of the app, or a recovery code."""

    code = forms.CharField(
        label="Code", max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "spellcheck": "false"}),
    )  # fmt: skip


class PasskeyForm(forms.Form):
    """What the browser says in the ceremony."""

    credential = forms.JSONField(widget=forms.HiddenInput)


class NewPasskeyForm(PasskeyForm):
    """A key that was just made, with the name that its person gives it."""

    name = forms.CharField(label="Name", max_length=60, initial="My passkey")


class PasskeyNameForm(forms.Form):
    """Another name for a passkey."""

    name = forms.CharField(label="Name", max_length=60)


class PasswordChangeForm(forms.Form):
    """Current, new, and the new one again (features ACC-10)."""

    current = forms.CharField(label="Current password", strip=False, max_length=4096)
    new = forms.CharField(
        label="New password", strip=False, max_length=4096,
        help_text="12 characters or more; three random words do well.",
    )  # fmt: skip
    again = forms.CharField(label="The same again", strip=False, max_length=4096)

    def __init__(self, data: Any = None, *, user: User) -> None:
        super().__init__(data)
        self._user = user
        for name, field in self.fields.items():
            known = "current-password" if name == "current" else "new-password"
            field.widget = forms.PasswordInput(attrs={"autocomplete": known})
            field.widget.is_required = True

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        # Not user.check_password: bringing an old hash up to date here would end this very session.
        if "current" in data and not check_password(data["current"], self._user.password):
            self.add_error("current", "This is not your password.")
        elif "new" in data:
            for problem in password_problems(data["new"], self._user):
                self.add_error("new", problem)
        if "new" in data and "again" in data and data["new"] != data["again"]:
            self.add_error("again", "This is not the same as the new password.")
        return data


class PolicyForm(forms.Form):
    """What holds for everybody in the account."""

    second_factor = forms.BooleanField(label="Required for all users", required=False)
    password_days = forms.IntegerField(
        label="Days", required=False, min_value=1, max_value=3650,
        help_text="Empty: they never end. Frequent changes make people choose weaker passwords.",
    )  # fmt: skip

    @classmethod
    def of(cls, account: Account) -> "PolicyForm":
        """The form as the account stands."""
        now = {"second_factor": account.second_factor_required, "password_days": account.password_days}
        return cls(initial=now)
