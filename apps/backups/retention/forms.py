"""The fields in which people say how long backups are kept; the page of policies includes them as they are."""

from typing import Any, Final

from django import forms

from .rules import LONGEST, KeepAll, KeepFor, KeepSteps, Kind, Rule, Unit

INHERIT: Final = "inherit"
STEPS: Final = ("latest", "daily", "weekly", "monthly", "yearly")
_KINDS: Final = (
    (Kind.ALL.value, "Keep every backup"),
    (Kind.AGE.value, "Keep backups up to an age"),
    (Kind.STEPS.value, "Keep fewer the older they are"),
)
_UNITS: Final = tuple((unit.value, unit.value.capitalize()) for unit in Unit)


class RetentionForm(forms.Form):
    """A rule as fields; `rule()` after `is_valid()`. `prefix` keeps them apart from others of the same page.

    With `inherited` one choice more: no rule of one's own, in these words.
    """

    kind = forms.ChoiceField(label="What stays", choices=_KINDS)
    count = forms.IntegerField(label="For", min_value=1, max_value=LONGEST, required=False)
    unit = forms.ChoiceField(label="Unit", choices=_UNITS, required=False)
    latest = forms.IntegerField(label="The last backups", min_value=0, max_value=LONGEST, required=False)
    daily = forms.IntegerField(label="Last of each day, days", min_value=0, max_value=LONGEST, required=False)
    weekly = forms.IntegerField(
        label="Last of each week, weeks", min_value=0, max_value=LONGEST, required=False
    )
    monthly = forms.IntegerField(
        label="Last of each month, months", min_value=0, max_value=LONGEST, required=False
    )
    yearly = forms.IntegerField(
        label="Last of each year, years", min_value=0, max_value=LONGEST, required=False
    )
    archived_days = forms.IntegerField(
        label="Delete archived ones after (days)",
        min_value=1,
        max_value=LONGEST,
        required=False,
        help_text="Of what is archived because it left the organisation. Empty: it stays for ever.",
    )

    def __init__(self, *args: Any, inherited: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if inherited:
            self.fields["kind"].choices = [(INHERIT, inherited), *_KINDS]  # type: ignore[attr-defined]

    @staticmethod
    def initial_of(rule: Rule) -> dict[str, Any]:
        """Return what the fields show for a rule."""
        said: dict[str, Any] = dict(rule.to_json()["keep"])
        return {"unit": Unit.DAYS.value, **said, "archived_days": rule.archived_days}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("kind") == Kind.AGE and not data.get("count") and "count" not in self.errors:
            self.add_error("count", "Say how long backups are kept.")
        if data.get("kind") == Kind.STEPS and not any(data.get(name) for name in (*STEPS,)):
            self.add_error("latest", "Say of at least one step how many backups stay.")
        return data

    def rule(self) -> Rule | None:
        """Return the rule that was typed; None where there shall be none of one's own."""
        said = self.cleaned_data
        match said["kind"]:
            case "inherit":
                return None
            case Kind.AGE:
                return Rule(KeepFor(said["count"], Unit(said["unit"] or Unit.DAYS)), said["archived_days"])
            case Kind.STEPS:
                return Rule(KeepSteps(**{name: said[name] or 0 for name in STEPS}), said["archived_days"])
        return Rule(KeepAll(), said["archived_days"])
