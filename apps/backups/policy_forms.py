"""What people type about a policy: its name and tags, and each part or that it says nothing."""

from typing import Any

from django import forms
from django.http import QueryDict

from .exclusion_forms import ExclusionsForm
from .exclusions import Exclusions
from .models import Policy, Tag
from .retention.forms import INHERIT, RetentionForm
from .retention.rules import Rule
from .schedule_forms import ScheduleEditor
from .schedules import DEFAULT, Schedule


class PolicyForm(forms.Form):
    """The policy itself."""

    name = forms.CharField(label="Name", max_length=120)
    tags: "forms.ModelMultipleChoiceField[Tag]" = forms.ModelMultipleChoiceField(
        label="Holds for what has one of these tags",
        queryset=None,  # Rows of an account exist only inside its scope: filled in below.
        to_field_name="public_id",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="A tag belongs to one policy: taken here, it leaves another one.",
    )
    rank = forms.IntegerField(
        label="Rank",
        min_value=1,
        max_value=1000,
        initial=100,
        help_text="Where tags of two policies meet, the lower number holds.",
    )
    says_schedule = forms.BooleanField(label="This policy says when backups start", required=False)
    says_exclusions = forms.BooleanField(label="This policy says what is left out", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tags"].queryset = Tag.objects.order_by("name")  # type: ignore[attr-defined]


class PolicyEditor:
    """All forms of the page together."""

    def __init__(self, policy: Policy | None, posted: QueryDict | None) -> None:
        self.own = PolicyForm(posted, initial=_initial(policy))
        schedule = Schedule.from_json(policy.schedule) if policy else DEFAULT
        self.schedule = ScheduleEditor(schedule, posted)
        kept = policy.retention if policy else None
        keeps = RetentionForm.initial_of(Rule.from_json(kept)) if kept else {"kind": INHERIT}
        self.retention = RetentionForm(
            posted, prefix="keep", initial=keeps, inherited="This policy says nothing about it"
        )
        rule = Exclusions.from_json(policy.exclusions) if policy else Exclusions()
        self.exclusions = ExclusionsForm(posted, prefix="out", initial=ExclusionsForm.initial_of(rule))
        self.adds = self.schedule.adds

    def is_valid(self) -> bool:
        """Check all, so that every error is said at once."""
        valid = [self.own.is_valid(), self.retention.is_valid(), self.exclusions.is_valid()]
        says = self.own.cleaned_data.get("says_schedule")
        return all(valid) and (not says or self.schedule.is_valid())

    @property
    def parts(self) -> dict[str, dict[str, Any] | None]:
        """What was typed, once it is valid."""
        said, rule = self.own.cleaned_data, self.retention.rule()
        return {
            "schedule": self.schedule.schedule.to_json() if said["says_schedule"] else None,
            "retention": rule.to_json() if rule else None,
            "exclusions": self.exclusions.rule.to_json() if said["says_exclusions"] else None,
        }


def _initial(policy: Policy | None) -> dict[str, Any]:
    if policy is None:
        return {"rank": 100, "says_schedule": True}
    rows = list(policy.policy_tags.select_related("tag"))
    return {
        "name": policy.name,
        "tags": [row.tag.public_id for row in rows],
        "rank": rows[0].rank if rows else 100,
        "says_schedule": policy.schedule is not None,
        "says_exclusions": policy.exclusions is not None,
    }
