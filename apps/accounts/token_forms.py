"""The form of a new API token."""

from typing import Any

from django import forms

from apps.activity.registry import services
from apps.core.permissions import Permission

from .models import Membership
from .tokens import LONGEST

DAYS = 90


class TokenForm(forms.Form):
    """What of one's own rights a token gets, where, and for how long."""

    name = forms.CharField(label="Name", max_length=100, help_text="What uses it, such as: Nightly report")
    days = forms.IntegerField(
        label="Days until it ends",
        min_value=1,
        max_value=LONGEST,
        initial=DAYS,
        help_text=f"At most {LONGEST}.",
        widget=forms.NumberInput({"class": "form-control ek-w-num"}),
    )
    permissions = forms.MultipleChoiceField(
        label="It may",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )
    services = forms.MultipleChoiceField(
        label="Only in these services",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: all that you see, also later ones.",
    )

    def __init__(self, *args: Any, membership: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own, seen = membership.permissions, membership.seen_services
        self.fields["permissions"].choices = [  # type: ignore[attr-defined]
            (value, words) for value, words in Permission.choices if value in own
        ]
        self.fields["services"].choices = [  # type: ignore[attr-defined]
            (value, words) for value, words in services().items() if seen is None or value in seen
        ]
