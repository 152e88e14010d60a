"""What people choose by, one form for each kind of rule; each gives a `Wanted`."""

from typing import Any

from django import forms

from apps.backups.models import BackupTask, Tag
from apps.connectors.base import DIRECTORY_PROPERTIES
from apps.core.errors import EverkeepError, InvalidRequest
from apps.core.permissions import Permission, allowed

from .address_list import COLUMN, MOST_BYTES, AddressList, read_list
from .conditions import FIELDS, MOST_CLAUSES, How, conditions_of
from .directory import GroupChoice, find_groups
from .enums import Leaving, Mode, RuleKind
from .models import Rule
from .selectors import property_values
from .services import Wanted

MODES = [
    (Mode.ONCE, "Once, now. Who fits later is not activated."),
    (Mode.DAILY, "By a rule, every day. Who fits later is activated the same day."),
]
LEAVING = [
    (Leaving.KEEP, "Keep backing up. Nothing changes."),
    (Leaving.PAUSE, "Pause. What is kept stays; no new backups. Who was activated by hand goes on."),
    (
        Leaving.DELETE,
        "Delete what is kept, after seven days in which it can be taken back. Who was activated by hand or is "
        "on legal hold goes on.",
    ),
]
_RIGHTS = {Leaving.PAUSE: Permission.PAUSE, Leaving.DELETE: Permission.DELETE}
PATTERN_ROWS = 3
MOST_GROUPS = 50


class RuleForm(forms.Form):
    """What every kind asks. `edited` is the rule that is changed: it stays one that is followed daily."""

    kind: RuleKind
    mode = forms.ChoiceField(label="When", choices=MODES, initial=Mode.ONCE, widget=forms.RadioSelect)
    leaving = forms.ChoiceField(
        label="When somebody no longer fits", choices=LEAVING, initial=Leaving.KEEP, widget=forms.RadioSelect
    )
    tag: "forms.ModelChoiceField[Tag]" = forms.ModelChoiceField(
        queryset=None,  # Rows of an account exist only inside its scope: filled in below.
        to_field_name="public_id",
        required=False,
        empty_label="No tag",
        label="Tag",
        help_text="Put on whom the rule holds, taken off who leaves. A tag may carry a policy.",
    )
    name = forms.CharField(
        label="Name",
        max_length=200,
        required=False,
        help_text="Left empty, the rule is called by what it chooses.",
    )

    def __init__(self, *args: Any, task: BackupTask, edited: Rule | None = None, **kwargs: Any) -> None:
        self.task, self.edited = task, edited
        if edited is not None:
            kwargs["initial"] = self.initial_of(edited) | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        self.fields["tag"].queryset = Tag.objects.order_by("key")  # type: ignore[attr-defined]
        if not allowed(Permission.MODIFY) or not Tag.objects.exists():
            del self.fields["tag"]
        may = [(key, words) for key, words in LEAVING if key not in _RIGHTS or allowed(_RIGHTS[key])]
        self.fields["leaving"].choices = may  # type: ignore[attr-defined]
        if edited is not None:
            self.fields["mode"].choices = MODES[1:]  # type: ignore[attr-defined]

    def initial_of(self, rule: Rule) -> dict[str, Any]:
        """What the form begins with when a rule is changed."""
        tag = rule.tag.public_id if rule.tag else None
        return {"mode": rule.mode, "leaving": rule.leaving, "name": rule.name, "tag": tag}

    def wanted(self) -> Wanted:
        """What was chosen, once the form is valid."""
        data = self.cleaned_data
        return Wanted(
            kind=self.kind,
            mode=data["mode"],
            leaving=data["leaving"],
            conditions=self.conditions(),
            name=data["name"],
            tag=data.get("tag"),
            listed=data.get("listed"),
        )

    def conditions(self) -> dict[str, Any]:
        return {}


class EveryoneForm(RuleForm):
    kind = RuleKind.EVERYONE


class PropertyForm(RuleForm):
    """One property of the directory, and any of its values. The page's address says which property."""

    kind = RuleKind.PROPERTY

    def __init__(self, *args: Any, task: BackupTask, prop: str = "", **kwargs: Any) -> None:
        super().__init__(*args, task=task, **kwargs)
        stored = self.edited.conditions["clauses"][0] if self.edited else {}
        chosen = prop or stored.get("field", "")
        self.prop = chosen if chosen in DIRECTORY_PROPERTIES else "department"
        self.values = property_values(task, self.prop)
        kept = stored["values"] if stored.get("field") == self.prop else []
        shown = {value.casefold(): value for value, _, _ in self.values}
        # What nobody has today is part of the rule, too: not shown, it would be lost by saving.
        self.values += [(value, 0, 0) for value in kept if value.casefold() not in shown]
        self.chosen = {shown.get(value.casefold(), value) for value in kept}

    @property
    def label(self) -> str:
        return DIRECTORY_PROPERTIES[self.prop]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self.chosen = set(self.data.getlist("value"))  # type: ignore[attr-defined]
        known = {value for value, _, _ in self.values}
        cleaned["values"] = [value for value, _, _ in self.values if value in self.chosen & known]
        if not cleaned["values"]:
            raise forms.ValidationError("Choose at least one value.")
        return cleaned

    def conditions(self) -> dict[str, Any]:
        clause = {"field": self.prop, "how": How.IS.value, "values": self.cleaned_data["values"]}
        return conditions_of({"clauses": [clause]}).to_json()


class GroupForm(RuleForm):
    """One group or several. Offered are those of the rule that is changed, and what a search finds."""

    kind = RuleKind.GROUP

    def __init__(self, *args: Any, task: BackupTask, text: str = "", **kwargs: Any) -> None:
        super().__init__(*args, task=task, **kwargs)
        self.text, self.problem, self.choice = text, "", GroupChoice([], 0)
        self.chosen = {each["id"] for each in self.edited.conditions["groups"]} if self.edited else set()
        try:
            self.choice = find_groups(task.connection, text, also=self.chosen)
        except EverkeepError as problem:
            self.problem = str(problem)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self.chosen = set(self.data.getlist("group"))  # type: ignore[attr-defined]
        try:
            every = find_groups(self.task.connection, most=None).groups
        except EverkeepError as problem:
            raise forms.ValidationError(str(problem)) from problem
        cleaned["groups"] = [
            {"id": group.remote_id, "name": group.name} for group in every if group.remote_id in self.chosen
        ]
        if not cleaned["groups"]:
            raise forms.ValidationError("Choose at least one group.")
        if len(cleaned["groups"]) > MOST_GROUPS:
            raise forms.ValidationError(
                f"A rule has {MOST_GROUPS} groups at most. Make another one for the rest."
            )
        return cleaned

    def conditions(self) -> dict[str, Any]:
        return {"groups": self.cleaned_data["groups"]}


class ListForm(RuleForm):
    """A list of addresses as a file."""

    kind = RuleKind.LIST
    file = forms.FileField(
        label="List of addresses (CSV)",
        help_text=f"One column; its first line is “{COLUMN}”. Up to 100,000 lines.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "file" in cleaned:
            try:
                cleaned["listed"] = read_list(cleaned["file"].read(MOST_BYTES + 1))
            except InvalidRequest as problem:
                raise forms.ValidationError(str(problem)) from problem
        return cleaned

    def conditions(self) -> dict[str, Any]:
        listed: AddressList = self.cleaned_data["listed"]
        return {"addresses": len(listed.addresses)}


class PatternForm(RuleForm):
    """Up to three comparisons of names and addresses, of which all or any must fit."""

    kind = RuleKind.PATTERN
    every = forms.ChoiceField(
        label="Which must fit",
        choices=[("yes", "All of these"), ("no", "Any of these")],
        initial="yes",
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields = [(key, FIELDS[key]) for key in FIELDS]
        hows = [(how.value, how.words) for how in How]
        for row in range(1, PATTERN_ROWS + 1):
            self.fields[f"field{row}"] = forms.ChoiceField(
                label=f"Condition {row}", choices=fields, required=False
            )
            self.fields[f"how{row}"] = forms.ChoiceField(
                label=f"Comparison {row}", choices=hows, required=False, initial=How.CONTAINS.value
            )
            self.fields[f"text{row}"] = forms.CharField(label=f"Text {row}", max_length=300, required=False)

    @property
    def rows(self) -> list[tuple[Any, Any, Any]]:
        """The three fields of each comparison, for the page."""
        numbers = range(1, PATTERN_ROWS + 1)
        return [(self[f"field{row}"], self[f"how{row}"], self[f"text{row}"]) for row in numbers]

    def initial_of(self, rule: Rule) -> dict[str, Any]:
        begun = super().initial_of(rule) | {"every": "yes" if rule.conditions.get("every") else "no"}
        for row, clause in enumerate(rule.conditions["clauses"][:MOST_CLAUSES], start=1):
            begun |= {
                f"field{row}": clause["field"],
                f"how{row}": clause["how"],
                f"text{row}": clause["values"][0],
            }
        return begun

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        clauses = [
            {
                "field": cleaned.get(f"field{row}"),
                "how": cleaned.get(f"how{row}"),
                "values": [cleaned[f"text{row}"]],
            }
            for row in range(1, PATTERN_ROWS + 1)
            if cleaned.get(f"text{row}", "").strip()
        ]
        try:
            found = conditions_of({"every": cleaned.get("every") == "yes", "clauses": clauses})
        except InvalidRequest as problem:
            raise forms.ValidationError(str(problem)) from problem
        cleaned["conditions"] = found.to_json()
        return cleaned

    def conditions(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cleaned_data["conditions"]
        return found


FORMS: dict[str, type[RuleForm]] = {
    form.kind: form for form in (PropertyForm, GroupForm, ListForm, PatternForm, EveryoneForm)
}
