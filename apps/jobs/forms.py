"""The filters of the jobs page and of a job's items, read from their addresses."""

from typing import Any

from django import forms

from apps.activity.registry import services

from .enums import ItemOutcome, JobKind, JobState
from .selectors import IN_PROGRESS, ItemFilter, JobFilter, initiators

# What runs and what waits is in progress, as in the tiles.
STATES = [
    ("", "Any status"),
    (IN_PROGRESS, "In progress"),
    *((state.value, state.label) for state in JobState if state != JobState.RUNNING),
]
DAYS = {"": 7, "30": 30, "all": None}
PERIODS = {"": "in the last 7 days", "30": "in the last 30 days", "all": "in all time"}


class JobFilterForm(forms.Form):
    """All fields optional; one that makes no sense is left out of the filter and said."""

    task = forms.CharField(required=False, max_length=200)
    item = forms.CharField(label="Mailbox", required=False, max_length=200)
    kind = forms.ChoiceField(required=False, choices=[("", "All kinds"), *JobKind.choices])
    service = forms.ChoiceField(required=False)
    state = forms.ChoiceField(required=False, choices=STATES)
    initiator = forms.CharField(label="Started by", required=False, max_length=200)
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
            ("kind", "Activity"), ("service", "Service"), ("state", "Status"), ("period", "Period"),
            ("order", "Order"),
        ):  # fmt: skip
            self.fields[name].widget.attrs.update({"class": "form-select", "aria-label": label})

    def wanted(self) -> JobFilter:
        """The filter; call after is_valid()."""
        data = self.cleaned_data
        names = ("task", "item", "kind", "service", "state", "initiator")
        return JobFilter(
            days=DAYS[data.get("period", "")],
            newest_first=data.get("order", "") != "oldest",
            **{name: data.get(name, "") for name in names},
        )

    def initiators(self) -> list[str]:
        """Who can be chosen."""
        return initiators(self.wanted())

    @property
    def period_words(self) -> str:
        """Say the period in a sentence."""
        return PERIODS[self.cleaned_data.get("period", "")]


class ItemFilterForm(forms.Form):
    """Which items of one job."""

    outcome = forms.ChoiceField(required=False, choices=[("", "All"), *ItemOutcome.choices])
    q = forms.CharField(required=False, max_length=200)
    before = forms.UUIDField(required=False)
    after = forms.UUIDField(required=False)

    def wanted(self) -> ItemFilter:
        """The filter; call after is_valid()."""
        return ItemFilter(self.cleaned_data.get("outcome", ""), self.cleaned_data.get("q", ""))
