"""What people type about what is left out."""

from typing import Any

from django import forms

from apps.connectors.enums import SubService

from .exclusions import LARGEST_LIMIT, MOST_PATTERNS, Exclusions, pattern_problem


class PatternsField(forms.CharField):
    """One pattern on each line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.Textarea({"rows": 3}), max_length=6000, **kwargs)

    def to_python(self, value: Any) -> tuple[str, ...]:  # type: ignore[override]
        lines = (" ".join(line.split()) for line in (super().to_python(value) or "").splitlines())
        return tuple(dict.fromkeys(filter(None, lines)))

    def validate(self, value: Any) -> None:
        if len(value) > MOST_PATTERNS:
            raise forms.ValidationError(f"{MOST_PATTERNS} lines at most.")
        for problem in filter(None, map(pattern_problem, value)):
            raise forms.ValidationError(problem)

    def run_validators(self, value: Any) -> None:
        """The lines were looked at one by one."""


class ExclusionsForm(forms.Form):
    """A rule as fields; `rule` after `is_valid()`."""

    kinds = forms.MultipleChoiceField(
        label="Kinds of data", required=False, choices=SubService.choices, widget=forms.CheckboxSelectMultiple
    )
    folders = PatternsField(
        label="Folders",
        help_text="One a line, by name or path: Junk*, Inbox/Newsletters. With what is below.",
    )
    names = PatternsField(label="Items", help_text="One a line, by subject or name: *.tmp, Out of office*")
    larger_than = forms.IntegerField(
        label="Items larger than (MB)",
        required=False,
        min_value=1,
        max_value=LARGEST_LIMIT,
        help_text="With their files. Empty: any size. Microsoft does not say how large an item is, so a larger "
        "one is read once, and again when it changes, but not kept.",
        error_messages={
            "invalid": "A whole number of MB, such as 25.",
            "min_value": "1 MB or more. Leave it empty to back up items of any size.",
        },
    )

    @staticmethod
    def initial_of(rule: Exclusions) -> dict[str, Any]:
        return {
            "kinds": sorted(rule.kinds),
            "folders": "\n".join(rule.folders),
            "names": "\n".join(rule.names),
            "larger_than": rule.larger_than,
        }

    def clean_kinds(self) -> list[str]:
        kinds: list[str] = self.cleaned_data["kinds"]
        if "mail" in kinds and len(kinds) == len(SubService.choices):
            raise forms.ValidationError("Something must be left to back up.")
        return kinds

    @property
    def rule(self) -> Exclusions:
        said = self.cleaned_data
        return Exclusions(frozenset(said["kinds"]), said["folders"], said["names"], said["larger_than"])

    def json(self) -> dict[str, Any] | None:
        """Return the rule as it is stored; None for one that leaves nothing out."""
        return self.rule.to_json() if self.rule else None
