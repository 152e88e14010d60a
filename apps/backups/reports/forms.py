"""What people set about reports."""

import re
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from apps.core.zones import zone_choices

from ..enums import ReportFormat, ReportRhythm, ReportWay
from ..models import ReportSettings

MOST: Final = 20
_WEEKDAYS: Final = list(
    enumerate(["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"])
)
_APART: Final = re.compile(r"[;,\s]+")


class ReportForm(forms.Form):
    """The summary report and the rhythm of all reports."""

    is_on = forms.BooleanField(label="Send a summary report", required=False)
    format = forms.ChoiceField(label="What it holds", choices=ReportFormat)
    way = forms.ChoiceField(label="The table (CSV) comes", choices=ReportWay)
    only_failures = forms.BooleanField(label="Send it only in case of backup failure", required=False)
    every = forms.ChoiceField(label="How often", choices=ReportRhythm)
    at = forms.TimeField(label="At", widget=forms.TimeInput({"type": "time"}, "%H:%M"))
    zone = forms.ChoiceField(label="Time zone")
    weekday = forms.TypedChoiceField(
        label="Weekday", choices=_WEEKDAYS, coerce=int, required=False, help_text="Once a week."
    )
    day = forms.IntegerField(
        label="Day of the month",
        min_value=1,
        max_value=31,
        required=False,
        help_text="Once a month; a shorter one: its last day.",
    )

    def __init__(self, data: Any, *, settings: ReportSettings) -> None:
        super().__init__(data, initial={name: getattr(settings, name) for name in self.base_fields})
        self.fields["zone"].choices = zone_choices()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cleaned_data
        found["day"] = found.get("day") or 1
        found["weekday"] = found.get("weekday") or 0
        return found


class AddressesForm(forms.Form):
    """Several addresses in one line, as people paste them."""

    addresses = forms.CharField(
        label="E-mail addresses",
        required=False,
        max_length=4000,
        help_text="Several are separated by a semicolon or a comma.",
    )

    def clean_addresses(self) -> list[str]:
        found = [each.lower() for each in _APART.split(self.cleaned_data["addresses"]) if each]
        for each in found:
            try:
                validate_email(each)
            except ValidationError:
                raise ValidationError(f"“{each}” is no e-mail address.") from None
        if len(found) > MOST:
            raise ValidationError(f"These are {len(found)} addresses; {MOST} are the most.")
        return list(dict.fromkeys(found))
