"""Forms of the account page."""

from typing import Any

from django import forms

from ..models import Account, User


class AccountForm(forms.ModelForm[Account]):
    """What of the account its administrators may change."""

    class Meta:
        model = Account
        fields = ("name",)
        labels = {"name": "Account name"}  # noqa: RUF012 - Django reads it so


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
