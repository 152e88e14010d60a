"""The filter of the jobs page, read from its address."""

from typing import Any

from django import forms

from apps.activity.registry import services

from .enums import JobKind, JobState
from .selectors import IN_PROGRESS, JobFilter, initiators

STATES = [(IN_PROGRESS, "In progress"), *((s.value, s.label) for s in JobState)]
DAYS = {"": 7, "30": 30, "all": None}


class JobFilterForm(forms.Form):
    """All fields optional; one that makes no sense is left out of the filter."""

    q = forms.CharField(required=False, max_length=200)
    kind = forms.ChoiceField(required=False, choices=[("", "All kinds"), *JobKind.choices])
    service = forms.ChoiceField(required=False)
    initiator = forms.CharField(required=False, max_length=200)
    state = forms.ChoiceField(required=False, choices=STATES)
    period = forms.ChoiceField(
        required=False, choices=[("", "Last 7 days"), ("30", "Last 30 days"), ("all", "All time")]
    )
    order = forms.ChoiceField(required=False, choices=[("", "Latest first"), ("oldest", "Oldest first")])
    before = forms.UUIDField(required=False)
    after = forms.UUIDField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["service"].choices = [("", "Any service"), *services().items()]  # type: ignore[attr-defined]
        for name, label in (
            ("kind", "Activity"), ("service", "Service"), ("period", "Period"), ("order", "Order")
        ):  # fmt: skip
            self.fields[name].widget.attrs.update({"class": "form-select", "aria-label": label})

    def wanted(self) -> JobFilter:
        """The filter; call after is_valid()."""
        data = self.cleaned_data
        return JobFilter(
            text=data.get("q", ""),
            kind=data.get("kind", ""),
            service=data.get("service", ""),
            initiator=data.get("initiator", ""),
            state=data.get("state", ""),
            days=DAYS[data.get("period", "")],
            newest_first=data.get("order", "") != "oldest",
        )

    def initiators(self) -> list[str]:
        """Who can be chosen."""
        return initiators(self.wanted())


class ItemFilterForm(forms.Form):
    """Which items of one job."""

    outcome = forms.CharField(required=False, max_length=10)
    before = forms.UUIDField(required=False)
    after = forms.UUIDField(required=False)
