"""What we still have to ask somebody who comes from a provider."""

from typing import Any

from allauth.account import forms as allauth
from django import forms
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse

from apps.core.errors import Conflict

from ..forms import OpeningFields
from ..models import User
from .identity import Identity
from .services import account_open_by_identity, is_taken


class ProviderSignUpForm(OpeningFields, allauth.BaseSignupForm):  # type: ignore[misc]
    """Opens an account without a password. The address is asked for unless the provider proved it."""

    account_already_exists: bool
    field_order = ("account_name", "name", "email", "location")

    def __init__(self, *args: Any, identity: Identity, **kwargs: Any) -> None:
        kwargs["initial"] = {"name": identity.name, "email": identity.email}
        super().__init__(*args, **kwargs)
        self.identity = identity
        if identity.verified:
            del self.fields["email"]
        else:
            email = self.fields["email"]
            email.label, email.help_text = "Work email", "We send a link there that activates the account."
            email.widget = forms.EmailInput(attrs={"autocomplete": "email"})

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Open the account. Who typed an address that is taken gets the answer of one that is free.

        Raises Conflict when the identity got an account in the meantime, in another tab.
        """
        if not self.account_already_exists:
            try:
                with transaction.atomic():
                    return self._open(), None
            except IntegrityError:
                if self.identity.verified or not is_taken(self.cleaned_data["email"]):
                    raise Conflict("You have an account here by now.", do="Sign in.") from None
                self.account_already_exists = True
        return super().try_save(request)  # type: ignore[no-any-return]

    def _open(self) -> User:
        data = self.cleaned_data
        return account_open_by_identity(
            self.identity,
            account_name=data["account_name"],
            location=data["location"],
            name=data["name"],
            email=self.identity.email if self.identity.verified else data["email"],
        )
