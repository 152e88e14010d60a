"""What people type about when backups start. Without script: a button adds a row, a tick takes one away."""

from typing import Any, Final

from django import forms
from django.http import QueryDict

from apps.accounts.selectors import account_zone
from apps.core import clock
from apps.core.zones import zone_choices

from .enums import RoundOutcome
from .models import BackupTask
from .schedules import Every, Rule, Schedule
from .schedules.schedule import MOST_RULES

WEEKDAYS: Final = list(enumerate(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]))
RHYTHMS: Final = [
    (Every.DAILY, "Daily"),
    (Every.WEEKLY, "Weekly"),
    (Every.EVERY_3_DAYS, "Every 3 days"),
    (Every.THREE_PER_DAY, "3 times a day"),
    (Every.HOURS, "Every few hours"),
    (Every.MONTHLY, "Monthly"),
    (Every.YEARLY, "Yearly"),
]
MONTHS: Final = list(
    enumerate(
        [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
        1,
    )
)
FARTHEST_YEARS: Final = 10  # no calendar goes on after the year 9999
DELAYS: Final = [(0, "At once"), (15, "After 15 minutes"), (30, "After half an hour"), (60, "After an hour")]


class RuleForm(forms.Form):
    """One rhythm."""

    every = forms.ChoiceField(label="How often", choices=RHYTHMS, initial=Every.DAILY)
    at = forms.TimeField(label="Starts at", initial="02:00", widget=forms.TimeInput({"type": "time"}, "%H:%M"))
    zone = forms.ChoiceField(label="Time zone", initial=account_zone)
    until = forms.TimeField(
        label="Stop an unfinished run at",
        required=False,
        widget=forms.TimeInput({"type": "time"}, "%H:%M"),
        help_text="What was stored stays; the rest follows next time. Empty: it takes as long as it takes.",
    )
    weekdays = forms.TypedMultipleChoiceField(
        label="On these days",
        required=False,
        coerce=int,
        choices=WEEKDAYS,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: any day.",
    )
    hours = forms.IntegerField(
        label="Hours between",
        min_value=1,
        max_value=23,
        initial=4,
        required=False,
    )
    day = forms.IntegerField(
        label="Day of the month", min_value=1, max_value=31, initial=1, required=False,
        help_text="A shorter month: its last day.",
    )  # fmt: skip
    month = forms.TypedChoiceField(label="Month", choices=MONTHS, coerce=int, required=False)
    first_day = forms.DateField(
        label="Not before", required=False, widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    remove = forms.BooleanField(label="Take this schedule away", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["zone"].choices = zone_choices()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cleaned_data
        every = found.get("every")
        if every == Every.HOURS and not found.get("hours"):
            self.add_error("hours", "Say how many hours lie between two backups.")
        if every in {Every.MONTHLY, Every.YEARLY} and not found.get("day"):
            self.add_error("day", "Say on which day of the month.")
        if found.get("until") and found["until"] == found.get("at"):
            self.add_error("until", "It would be stopped as it starts. Choose another hour, or none.")
        if found.get("first_day") and found["first_day"].year > clock.now().year + FARTHEST_YEARS:
            self.add_error("first_day", "A day within the next ten years, please.")
        return found

    @property
    def rule(self) -> Rule:
        """What was typed, once it is valid."""
        found = self.cleaned_data
        return Rule(
            every=Every(found["every"]),
            at=found["at"],
            zone=found["zone"],
            until=found["until"],
            weekdays=frozenset(found["weekdays"]),
            hours=found["hours"] or 4,
            day=found["day"] or 1,
            month=found["month"] or 1,
            first_day=found["first_day"],
        )


class ScheduleEditor:
    """All rows of one schedule. `prefix` keeps its names apart from the page's other fields."""

    def __init__(self, schedule: Schedule, posted: QueryDict | None = None, prefix: str = "rule") -> None:
        self.prefix, self.posted = prefix, posted
        kept = [_initial(rule) for rule in schedule.rules]
        rows = len(kept) if posted is None else min(_number(posted.get(f"{prefix}s", "")), MOST_RULES)
        self.adds = posted is not None and "more" in posted
        forms_ = [
            RuleForm(posted, prefix=f"{prefix}-{place}", initial=kept[place] if place < len(kept) else None)
            for place in range(rows)
        ]
        if (self.adds or (posted is None and not kept)) and rows < MOST_RULES:
            forms_.append(RuleForm(prefix=f"{prefix}-{rows}"))
        self.forms = forms_
        self.on_demand = posted.get(f"{prefix}-none") == "on" if posted is not None else not schedule.rules

    @property
    def may_add(self) -> bool:
        return len(self.forms) < MOST_RULES

    @property
    def none_name(self) -> str:
        return f"{self.prefix}-none"

    def is_valid(self) -> bool:
        """Check the rows that stay, and that one does: without any, nothing would start, and nobody said so."""
        if self.on_demand:
            return True
        if not all(form.is_valid() or form.cleaned_data.get("remove", False) for form in self.forms):
            return False
        if self.schedule.rules:
            return True
        for form in self.forms[-1:]:
            form.add_error("remove", "Keep one, or choose “Only when somebody asks for it”.")
        return False

    @property
    def schedule(self) -> Schedule:
        """What was typed, once it is valid."""
        if self.on_demand:
            return Schedule()
        return Schedule(tuple(form.rule for form in self.forms if not form.cleaned_data["remove"]))


class ChainForm(forms.Form):
    """After which other task this one runs."""

    after_task: "forms.ModelChoiceField[BackupTask]" = forms.ModelChoiceField(
        label="When this task is through",
        queryset=None,  # Rows of an account exist only inside its scope: filled in below.
        to_field_name="public_id",
        required=False,
        empty_label="No other task",
    )
    after_outcomes = forms.MultipleChoiceField(
        label="And it ended so",
        required=False,
        choices=RoundOutcome.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    after_minutes = forms.TypedChoiceField(label="Starts", choices=DELAYS, coerce=int, required=False)

    def __init__(self, task: BackupTask, posted: QueryDict | None) -> None:
        leader = task.after_task
        initial = {
            "after_task": leader.public_id if leader else None,
            "after_outcomes": task.after_outcomes or [RoundOutcome.GOOD],
            "after_minutes": task.after_minutes,
        }
        super().__init__(posted, initial=initial)
        self._task = task
        others = BackupTask.objects.exclude(pk=task.pk).order_by("name")
        self.fields["after_task"].queryset = others  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cleaned_data
        leader = found.get("after_task")
        found["after_minutes"] = found.get("after_minutes") or 0
        if leader is None:
            return found | {"after_outcomes": [], "after_minutes": 0}
        if not found.get("after_outcomes"):
            self.add_error("after_outcomes", "Choose at least one: else it would never start.")
        seen = {self._task.pk}
        while leader is not None:
            if leader.pk in seen:
                self.add_error("after_task", "These tasks would wait for each other. Choose another one.")
                break
            seen.add(leader.pk)
            leader = leader.after_task
        return found


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 3 else 0


def _initial(rule: Rule) -> dict[str, Any]:
    names = ("every", "at", "zone", "until", "hours", "day", "month", "first_day")
    return {name: getattr(rule, name) for name in names} | {"weekdays": sorted(rule.weekdays)}
