"""The filters of the activity pages, read from their addresses."""

from typing import Any

from django import forms

from .models import ActivityStatus, AuditStream, StreamFormat, StreamKind
from .registry import categories, services
from .selectors import ActivityFilter


class ActivityFilterForm(forms.Form):
    """All fields optional; one that makes no sense is left out of the filter and said."""

    q = forms.CharField(required=False, max_length=200, label="Task, item or person")
    activity = forms.ChoiceField(required=False, label="Activity")
    service = forms.ChoiceField(required=False, label="Service")
    status = forms.ChoiceField(
        required=False, label="Status", choices=[("", "Any status"), *ActivityStatus.choices]
    )
    first = forms.DateField(required=False, label="From", widget=forms.DateInput({"type": "date"}))
    last = forms.DateField(required=False, label="To", widget=forms.DateInput({"type": "date"}))
    subject = forms.UUIDField(required=False, widget=forms.HiddenInput)
    before = forms.UUIDField(required=False, widget=forms.HiddenInput)
    after = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["activity"].choices = [("", "Any activity"), *((name, name) for name in categories())]  # type: ignore[attr-defined]
        self.fields["service"].choices = [("", "Any service"), *services().items()]  # type: ignore[attr-defined]
        for name in ("activity", "service", "status"):
            self.fields[name].widget.attrs.update(
                {"class": "form-select", "aria-label": self.fields[name].label}
            )

    def wanted(self) -> ActivityFilter:
        """The filter; call after is_valid()."""
        data = self.cleaned_data
        return ActivityFilter(
            text=data.get("q", ""),
            category=data.get("activity", ""),
            service=data.get("service", ""),
            status=data.get("status", ""),
            first_day=data.get("first"),
            last_day=data.get("last"),
            who=data.get("who", ""),
            subject=data.get("subject"),
        )


class AuditFilterForm(ActivityFilterForm):
    """The same, and whether a person or Everkeep itself acted."""

    who = forms.ChoiceField(
        required=False,
        label="Performed by",
        choices=[("", "By anybody"), ("people", "By people"), ("system", "By Everkeep itself")],
        widget=forms.Select({"class": "form-select", "aria-label": "Performed by"}),
    )


class StreamForm(forms.Form):
    """Where the audit is sent on to."""

    kind = forms.ChoiceField(label="How", choices=StreamKind, widget=forms.RadioSelect)
    address = forms.CharField(
        label="Address",
        max_length=500,
        help_text="https://siem.example.com/everkeep for a webhook, siem.example.com:6514 for syslog.",
    )
    format = forms.ChoiceField(label="Format", choices=StreamFormat, widget=forms.RadioSelect)
    from_start = forms.BooleanField(
        label="Send everything from the first entry",
        help_text="Else it begins with what happens next, or goes on where it is.",
        required=False,
    )
    new_secret = forms.BooleanField(
        label="Make a new secret for the webhook", help_text="The one before stops at once.", required=False
    )

    def __init__(self, data: Any = None, *, instance: AuditStream | None = None) -> None:
        first = {"kind": StreamKind.WEBHOOK, "format": StreamFormat.JSON}
        known = (
            {"kind": instance.kind, "format": instance.format, "address": instance.address} if instance else {}
        )
        super().__init__(data, initial={**first, **known})
