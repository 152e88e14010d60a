"""Forms about guests."""

from django import forms
from django.conf import settings

from ..enums import Location, PartnerRole, Role
from .partners import ROLES

HOURS = [(1, "1 hour"), (4, "4 hours"), (24, "24 hours"), (72, "3 days")]
_ROLES = [(role.value, role.label) for role in ROLES]


class GrantForm(forms.Form):
    """For how long, as what and why the staff may enter."""

    hours = forms.TypedChoiceField(label="For", choices=HOURS, coerce=int, initial=4)
    role = forms.ChoiceField(label="As", choices=_ROLES, initial=Role.AUDITOR)
    reason = forms.CharField(label="Why", max_length=300)


class AcceptPartnerForm(forms.Form):
    """Which partner, as what."""

    number = forms.CharField(label="Partner's number", max_length=40)
    role = forms.ChoiceField(label="Enters as", choices=_ROLES, initial=Role.BACKUP_OPERATOR)


class CustomerForm(forms.Form):
    """A new customer of a partner."""

    name = forms.CharField(label="Organisation", max_length=200)
    location = forms.ChoiceField(label="Where backups are kept", choices=Location.choices)
    role = forms.ChoiceField(label="You enter as", choices=_ROLES, initial=Role.ADMINISTRATOR)
    email = forms.EmailField(
        label="Owner's address", required=False, help_text="Empty: you hold the account until you hand it over."
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        offered = [one for one in Location.choices if not settings.REGIONS or one[0] in settings.REGIONS]
        self.fields["location"].choices = offered  # type: ignore[attr-defined]


class PartnerRulesForm(forms.Form):
    """What a partner asks of its people."""

    second_factor = forms.BooleanField(
        label="Everybody needs a second factor",
        required=False,
        help_text="Who has none sets one up before their next step on your pages or in a customer's account.",
    )


class OwnerForm(forms.Form):
    """Whom an account is handed over to."""

    email = forms.EmailField(label="Owner's address")


class PersonForm(forms.Form):
    """Who works for the partner, and as what."""

    email = forms.EmailField(label="Address")
    role = forms.ChoiceField(label="Role", choices=PartnerRole.choices, initial=PartnerRole.TECHNICIAN)
