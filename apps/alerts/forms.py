"""What people fill in about alerts."""

from typing import Any

from django import forms

from apps.backups.models import BackupTask

from .enums import AlertKind, AlertState, Sensitivity, Severity
from .listing import Wanted
from .models import AlertSettings

GB = 1_000_000_000
ALL = "all"
SELECT = {"class": "form-select"}


class AlertFilterForm(forms.Form):
    """The filters of the list; without any it shows what is open. What makes no sense is said."""

    q = forms.CharField(label="Mailbox, task or connection", required=False, max_length=100)
    state = forms.ChoiceField(required=False, choices=[(ALL, ALL), *AlertState.choices])
    kind = forms.ChoiceField(
        required=False,
        choices=[("", "Any kind"), *AlertKind.choices],
        widget=forms.Select({**SELECT, "aria-label": "Kind"}),
    )
    severity = forms.ChoiceField(
        required=False,
        choices=[("", "Any severity"), *Severity.choices],
        widget=forms.Select({**SELECT, "aria-label": "Severity"}),
    )
    task = forms.ChoiceField(
        label="Backup task", required=False, widget=forms.Select({**SELECT, "aria-label": "Backup task"})
    )
    before = forms.UUIDField(required=False)
    after = forms.UUIDField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tasks = BackupTask.objects.order_by("name", "pk")
        choices = [("", "Any task"), *((str(task.public_id), task.name) for task in tasks)]
        self.fields["task"].choices = choices  # type: ignore[attr-defined]

    def wanted(self) -> Wanted:
        """What the list is narrowed to; a filter that is none counts as not given."""
        said = self.cleaned_data
        state = said.get("state") or AlertState.OPEN.value
        return Wanted(
            state="" if state == ALL else state,
            kind=said.get("kind", ""),
            severity=said.get("severity", ""),
            task=said.get("task", ""),
            text=said.get("q", ""),
        )


class AcknowledgeForm(forms.Form):
    """That somebody has looked at an alert, with a word for the others."""

    words = forms.CharField(
        label="A word for the others", required=False, max_length=500, help_text="Such as who did it, and why."
    )
    normal = forms.BooleanField(
        label="This is normal here",
        required=False,
        help_text="What is usual is learnt from this backup, too: the like of it raises no alert again.",
    )


class AlertSettingsForm(forms.Form):
    """What raises alerts in this account, and how soon."""

    kinds = forms.MultipleChoiceField(
        label="Alert of", required=False, choices=AlertKind.choices, widget=forms.CheckboxSelectMultiple
    )
    sensitivity = forms.ChoiceField(label="Sensitivity", choices=Sensitivity.choices)
    failures_in_a_row = forms.IntegerField(label="Failed backups in a row", min_value=1, max_value=20)
    hold_by_itself = forms.BooleanField(
        label="Severe alerts put expiry on hold by themselves",
        required=False,
        help_text="Of the mailbox, at mass deletion and what looks like encryption. Lifting it is up to you.",
    )
    planned_gb = forms.IntegerField(
        label="Storage that you planned, in GB",
        required=False,
        min_value=1,
        max_value=100_000_000,
        help_text="We warn at 80, 90 and 100 %. Stores do not tell us their limits. Empty: no warning.",
    )

    @classmethod
    def of(cls, kept: AlertSettings, data: Any = None) -> "AlertSettingsForm":
        """The form as the settings stand."""
        initial = {
            "kinds": [each for each in AlertKind.values if each not in kept.quiet_kinds],
            "sensitivity": kept.sensitivity,
            "failures_in_a_row": kept.failures_in_a_row,
            "hold_by_itself": kept.hold_by_itself,
            "planned_gb": kept.planned_bytes // GB if kept.planned_bytes else None,
        }
        return cls(data, initial=initial)

    def fields_to_keep(self) -> dict[str, Any]:
        """What `wishes_save` takes."""
        said = self.cleaned_data
        planned = said["planned_gb"]
        return {
            "quiet_kinds": sorted(set(AlertKind.values) - set(said["kinds"])),
            "sensitivity": said["sensitivity"],
            "failures_in_a_row": said["failures_in_a_row"],
            "hold_by_itself": said["hold_by_itself"],
            "planned_bytes": planned * GB if planned else None,
        }
