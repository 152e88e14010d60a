"""Forms of the account page."""

from typing import Any

from django import forms

from apps.core.zones import zone_choices

from ..models import User


class AccountForm(forms.Form):
    """What of the account its administrators may change."""

    name = forms.CharField(label="Account name", max_length=200)
    time_zone = forms.ChoiceField(
        label="Time zone",
        choices=zone_choices,
        required=False,
        help_text="New schedules begin with it. Retention counts days, weeks, months and years in it.",
    )


class AddressForm(forms.Form):
    """The address that somebody wants to sign in with."""

    email = forms.EmailField(
        label="New address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if email == self._user.email:
            raise forms.ValidationError("This is your address already.")
        return email


class ConsentForm(forms.Form):
    """Whoever closes an account says that they know what it means."""

    consent = forms.BooleanField(
        label="I agree that all data of this account is removed from Everkeep.",
        error_messages={"required": "Without your consent nothing is removed."},
    )
    sure = forms.BooleanField(required=False, widget=forms.HiddenInput)
