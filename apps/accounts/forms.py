"""Forms of the signed-out pages: allauth's logic, our words."""

import re
from typing import Any

from allauth.account import forms as allauth
from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from .enums import Location
from .models import User
from .services import account_open
from .unproved import void_if_unproved

# The name stands in the mail to an address that nobody has confirmed yet: it must not carry an advertisement.
NOT_A_LINK = RegexValidator(
    r"[/:<>@]|www\.", "A name has no web address in it.", flags=re.IGNORECASE, inverse_match=True
)


class SignInForm(allauth.LoginForm):  # type: ignore[misc]
    """Address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, login="Email", password="Password")  # noqa: S106 - labels
        self.fields["login"].widget.attrs["autocomplete"] = "username"


class OpeningFields(forms.Form):
    """What a new account needs beside an address: its name, who opens it, and where its backups are kept."""

    account_name = forms.CharField(
        label="Organisation",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
    name = forms.CharField(
        label="Your name",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        validators=[NOT_A_LINK],
    )
    location = forms.ChoiceField(
        label="Where your backups are kept",
        choices=[("", "Choose a country"), *Location.choices],
        help_text="They never leave this place. Only support can move them later.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Only where the operator has a store (features ACC-03); without regions one store serves all.
        offered = [
            choice for choice in Location.choices if not settings.REGIONS or choice[0] in settings.REGIONS
        ]
        self.fields["location"].choices = [("", "Choose a country"), *offered]  # type: ignore[attr-defined]


class SignUpForm(OpeningFields, allauth.SignupForm):  # type: ignore[misc]
    """Opens an account and its first administrator."""

    account_already_exists: bool
    field_order = ("account_name", "name", "email", "password1", "location")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, email="Work email", password1="Password")
        self.fields["email"].widget.attrs["autocomplete"] = "username"
        self.fields["password1"].help_text = "12 characters or more; three random words do well."

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Open the account. For an address that is taken, look the same and cost the same."""
        if not self.account_already_exists:
            try:
                with transaction.atomic():
                    return self.save(request), None
            except IntegrityError:
                # The same person, or somebody else with this address, was quicker by a moment.
                self.account_already_exists = True
        else:
            User().set_password(self.cleaned_data["password1"])
        return super().try_save(request)  # type: ignore[no-any-return]

    def save(self, request: HttpRequest) -> User:
        data = self.cleaned_data
        return account_open(
            account_name=data["account_name"],
            location=data["location"],
            name=data["name"],
            email=data["email"],
            password=data["password1"],
        )


class ForgottenPasswordForm(allauth.ResetPasswordForm):  # type: ignore[misc]
    """The address that the link goes to."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, email="Email")
        self.fields["email"].widget.attrs["autocomplete"] = "username"


class NewPasswordForm(allauth.ResetPasswordKeyForm):  # type: ignore[misc]
    """A new password, typed twice (features ACC-09)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, password1="New password", password2="The same again")
        self.fields["password1"].help_text = "12 characters or more; three random words do well."

    def save(self) -> None:
        """Nothing that was set for an address before anybody confirmed it stays: it may be a stranger's."""
        with transaction.atomic():
            void_if_unproved(self.user)
            super().save()


def _plain(form: forms.Form, **labels: str) -> None:
    """Take allauth's placeholders and help away: the label says it, and stays while one types."""
    for name, label in labels.items():
        field = form.fields[name]
        field.label, field.help_text = label, ""
        field.widget.attrs.pop("placeholder", None)
