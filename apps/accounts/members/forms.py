"""Forms of the user editor and of the page that an invitation leads to."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password

from apps.activity.registry import services as service_names
from apps.core.actor import current_actor
from apps.core.permissions import Permission

from ..enums import Role
from ..forms import NOT_A_LINK
from ..models import User
from .rights import CHECK_LISTS, CHOOSABLE, ROLE_SENTENCES, Grant, grantable_roles

ALL, SOME = "all", "some"


class RightsForm(forms.Form):
    """Role, rights one by one for the role Custom, services, limited access."""

    role = forms.ChoiceField(choices=Role.choices, widget=forms.RadioSelect)
    permissions = forms.MultipleChoiceField(
        choices=[(value, Permission(value).label) for value in CHOOSABLE], required=False
    )
    reach = forms.ChoiceField(choices=((ALL, "All, also future ones"), (SOME, "Only these")))
    services = forms.MultipleChoiceField(required=False)
    limited = forms.BooleanField(required=False)

    def __init__(self, data: Any = None, *, before: Grant | None = None) -> None:
        super().__init__(data, initial=_initial(before or Grant(Role.CUSTOM)))
        self.fields["services"].choices = list(service_names().items())  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("role") != Role.ADMINISTRATOR:
            if data.get("reach") == SOME and not data.get("services"):
                self.add_error("services", "Choose at least one service, or all.")
            if data.get("role") == Role.CUSTOM and not data.get("permissions"):
                self.add_error("permissions", "Choose at least one permission, or a role.")
        return data

    @property
    def grant(self) -> Grant:
        """What was chosen; the form is valid."""
        data = self.cleaned_data
        services = None if data["reach"] == ALL else data["services"]
        return Grant.chosen(
            data["role"], permissions=data["permissions"], services=services, limited=data["limited"]
        )

    @property
    def roles(self) -> list[dict[str, Any]]:
        """The cards of the roles; what the actor cannot give cannot be chosen."""
        free = grantable_roles()
        return [
            {
                "value": role.value,
                "label": role.label,
                "sentence": ROLE_SENTENCES[role],
                "checked": self["role"].value() == role.value,
                "disabled": role.value not in free,
            }
            for role in Role
        ]

    @property
    def lists(self) -> list[dict[str, Any]]:
        """The check lists of rights."""
        chosen, held = set(self["permissions"].value() or ()), current_actor().permissions
        return [
            {
                "key": key,
                "title": title,
                "sentence": sentence,
                "rows": [
                    {
                        "value": right.value,
                        "words": right.label,
                        "hint": hint,
                        "checked": right.value in chosen,
                        "disabled": right.value not in held,
                    }
                    for right, hint in rows
                ],
            }
            for key, title, sentence, rows in CHECK_LISTS
        ]

    @property
    def service_rows(self) -> list[dict[str, Any]]:
        """The check list of services."""
        chosen, held = set(self["services"].value() or ()), current_actor().services
        return [
            {
                "value": value,
                "words": words,
                "checked": value in chosen,
                "disabled": held is not None and value not in held,
            }
            for value, words in service_names().items()
        ]

    @property
    def may_give_all_services(self) -> bool:
        return current_actor().services is None

    @property
    def may_give_limited(self) -> bool:
        return Permission.LIMITED_ACCESS in current_actor().permissions


class InviteForm(RightsForm):
    """The same for somebody new, with the address that the link goes to."""

    email = forms.EmailField(
        label="Email", widget=forms.EmailInput(attrs={"autocomplete": "off", "class": "form-control"})
    )
    field_order = ("email",)


class JoinForm(forms.Form):
    """Name and password of somebody who has no login yet."""

    name = forms.CharField(
        label="Your name",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        validators=[NOT_A_LINK],
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="12 characters or more; three random words do well.",
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email = email

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if password := data.get("password"):
            try:
                validate_password(password, User(email=self._email, name=data.get("name", "")))
            except forms.ValidationError as error:
                self.add_error("password", error)
        return data


def _initial(grant: Grant) -> dict[str, Any]:
    return {
        "role": grant.role,
        "permissions": sorted(grant.permissions & set(CHOOSABLE)),
        "reach": ALL if grant.services is None else SOME,
        "services": sorted(grant.services or ()),
        "limited": Permission.LIMITED_ACCESS.value in grant.permissions,
    }
