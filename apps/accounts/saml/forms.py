"""Forms of company sign-in."""

from typing import Any

from django import forms

from apps.core.errors import EverkeepError

from ..enums import Role
from ..models import SamlProvider
from .metadata import MOST_BYTES, Config, config_from


class SetUpForm(forms.Form):
    """The provider's metadata, or the address of it; and, for who starts at the provider, the embed link."""

    source = forms.CharField(
        label="Metadata of your provider",
        max_length=MOST_BYTES,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="Its address (https://…), or the XML. From an address, new certificates are fetched daily.",
    )
    embed_link = forms.CharField(
        label="App embed link",
        required=False,
        max_length=2000,
        help_text="Only if people may also begin at your provider, as in Okta's dashboard.",
    )
    config: Config

    def clean(self) -> dict[str, Any] | None:
        data = super().clean() or {}
        if not self.errors:
            try:
                self.config = config_from(data["source"], embed_link=data["embed_link"].strip())
            except EverkeepError as error:
                self.add_error(
                    "embed_link" if "embed link" in error.what else "source", f"{error.what} {error.do}"
                )
        return data


class RulesForm(forms.Form):
    """What an assertion is worth."""

    ask_second_factor = forms.BooleanField(
        label="Ask for Everkeep's second factor too",
        required=False,
        help_text="Without it, your company's own sign-in counts as proof enough.",
    )
    create_people = forms.BooleanField(
        label="Make users automatically",
        required=False,
        help_text="For people whom your provider sends, with an address of a domain below.",
    )
    default_role = forms.ChoiceField(
        label="Their role",
        choices=[choice for choice in Role.choices if choice[0] not in (Role.ADMINISTRATOR, Role.CUSTOM)],
    )

    @classmethod
    def of(cls, provider: SamlProvider) -> "RulesForm":
        names = ("ask_second_factor", "create_people", "default_role")
        return cls(initial={name: getattr(provider, name) for name in names})


class DomainForm(forms.Form):
    """A mail domain of the company."""

    domain = forms.CharField(label="Mail domain", max_length=253)


class FindForm(forms.Form):
    """Who are you? The answer is the same for everybody."""

    email = forms.EmailField(
        label="Work email", widget=forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})
    )
