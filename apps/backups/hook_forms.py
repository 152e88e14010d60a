"""What people type about hooks."""

from typing import Any

from django import forms

from .enums import HookMoment, Otherwise
from .hooks.services import Wanted
from .models import Hook

LONGEST_WAIT = 60


class HookForm(forms.Form):
    """One hook. What is about waiting counts for one before a round only."""

    moment = forms.ChoiceField(label="When", choices=HookMoment, initial=HookMoment.AFTER)
    url = forms.CharField(
        label="Address",
        max_length=500,
        widget=forms.URLInput(attrs={"placeholder": "https://"}),
        help_text="Gets a signed POST with JSON. Any server that the internet can reach by HTTPS.",
    )
    waits = forms.BooleanField(
        label="Before a round: wait for its yes",
        required=False,
        help_text="200 to 299 is a yes. 408, 425, 429, 500 and above, or no answer: it is asked again until "
        "the time is over. Anything else is a no.",
    )
    wait_minutes = forms.IntegerField(
        label="Wait at most (minutes)", min_value=1, max_value=LONGEST_WAIT, initial=1, required=False
    )
    otherwise = forms.ChoiceField(
        label="Without a yes", choices=Otherwise, initial=Otherwise.GO, required=False
    )
    active = forms.BooleanField(label="In force", required=False, initial=True)
    new_secret = forms.BooleanField(
        label="Make a new secret",
        required=False,
        help_text="Shown once. The one before counts no longer.",
    )

    def __init__(self, *args: Any, hook: Hook | None = None, **kwargs: Any) -> None:
        if hook is not None:
            kwargs["initial"] = {
                "moment": hook.moment,
                "url": hook.url,
                "waits": hook.waits,
                "wait_minutes": max(1, hook.wait_seconds // 60),
                "otherwise": hook.otherwise,
                "active": hook.active,
            }
        super().__init__(*args, **kwargs)
        if hook is None:
            del self.fields["active"], self.fields["new_secret"]

    def wanted(self) -> Wanted:
        """What was chosen, once the form is valid."""
        data = self.cleaned_data
        return Wanted(
            moment=data["moment"],
            url=data["url"].strip(),
            waits=data["waits"],
            wait_seconds=60 * (data["wait_minutes"] or 1),
            otherwise=data["otherwise"] or Otherwise.GO,
            active=data.get("active", True),
        )
