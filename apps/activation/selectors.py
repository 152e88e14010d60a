"""Reads of activation: rules of a task, what a rule would do, whom it holds, what it did."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Q
from django.db.models.fields.json import KT
from django.urls import reverse

from apps.backups.entity_facts import Fact
from apps.backups.models import BackupTask, Entity, Tag
from apps.connectors.base import DIRECTORY_PROPERTIES
from apps.core.keyset import KeysetPage, page_of

from .enums import Outcome, RuleKind, RuleState
from .evaluate import read_list
from .models import Rule, RuleEvent, RuleList, RuleMember
from .plan import HOLDS, Plan, Step, hidden_names, plan_of
from .words import rule_words

PAGE_SIZE: Final = 50
SHOWN: Final = 200
QUIET: Final = (
    Outcome.ALREADY,
    Outcome.BY_HAND,
    Outcome.ELSEWHERE,
    Outcome.UNREACHABLE,
    Outcome.EXCLUDED,
    Outcome.ARCHIVED,
    Outcome.DELETING,
    Outcome.DELETED,
)
EVENT_HEADER: Final = ("Date and time", "Rule", "Name", "E-mail address", "What", "Why")
LIST_HEADER: Final = ("Line", "Entry", "Why it was not taken")


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One rule as the list shows it. `look` is a word of the status vocabulary."""

    rule: Rule
    words: str
    holds: int
    look: str


def rules_of(task: BackupTask) -> list[RuleRow]:
    """Every rule of a task, the newest first, with how many it holds: two queries."""
    rules = list(
        Rule.objects.filter(task=task)
        .exclude(state__in=[RuleState.DRAFT, RuleState.REMOVED])
        .select_related("tag")
        .order_by("-pk")[:500]
    )
    groups = RuleMember.objects.filter(rule__in=rules, outcome__in=HOLDS).values_list("rule_id")
    held = dict(groups.annotate(Count("id")).order_by("rule_id"))
    return [RuleRow(rule, rule_words(rule), held.get(rule.pk, 0), look_of(rule)) for rule in rules]


def look_of(rule: Rule) -> str:
    """The status word of a rule."""
    if rule.problem:
        return "failed"
    looks = {RuleState.PAUSED: "paused", RuleState.DONE: "done", RuleState.DRAFT: "not_active"}
    if rule.state in looks:
        return looks[RuleState(rule.state)]
    return "active" if rule.checked_at else "waiting"


def rules_with_tag(tag: Tag) -> list[str]:
    """What uses a tag, for who wants to delete it."""
    names = Rule.objects.filter(tag=tag).exclude(state=RuleState.REMOVED).values_list("name", flat=True)
    return [f"the activation rule {name}" for name in names]


# ---- what a rule would do ----


@dataclass(frozen=True, slots=True)
class Review:
    """What a draft would do, as its page shows it: counts of all, rows of the first."""

    plan: Plan
    counts: Counter[str]
    starting: list[Step]
    hidden: int
    leaving: list[Step]
    others: list[Step]
    unlicensed: int
    problems: list[Sequence[Any]]

    @property
    def starts(self) -> int:
        return self.counts[Outcome.ACTIVATED] + self.counts[Outcome.RESUMED]

    @property
    def figures(self) -> list[tuple[str, int]]:
        """Words and numbers of everything that happens or does not, without what happens to nobody."""
        rows = [(Outcome(value).label, number) for value, number in self.counts.items()]
        rows.append(("Stays as it is: held by this rule already", self.plan.stays))
        return [(words, number) for words, number in sorted(rows) if number]


def review_of(rule: Rule, text: str = "") -> Review:
    """Judge everybody by a draft; `text` narrows the rows that are shown, never the counts."""
    plan = plan_of(rule, read_list(rule, anew=False))
    starting = plan.of(Outcome.ACTIVATED, Outcome.RESUMED)
    wanted = text.strip().casefold()
    fits = [step for step in starting if wanted in f"{step.candidate.name} {step.candidate.address}".casefold()]
    return Review(
        plan=plan,
        counts=plan.counts,
        starting=fits[:SHOWN],
        hidden=len(fits) - len(fits[:SHOWN]),
        leaving=plan.goes[:SHOWN],
        others=plan.of(*QUIET)[:SHOWN],
        unlicensed=sum(step.candidate.licensed is False for step in starting),
        problems=problems_of(rule, plan),
    )


def problems_of(rule: Rule, plan: Plan) -> list[Sequence[Any]]:
    """Every line of a list that starts nobody, in the order of the file: number, what stood there, why."""
    if rule.kind != RuleKind.LIST:
        return []
    listed = RuleList.objects.filter(rule=rule).first()
    if listed is None:
        return []
    lines: dict[str, int] = listed.values
    domains = _domains(rule.task)
    hidden = hidden_names(rule.task)
    rows: list[Sequence[Any]] = [
        tuple(each) for each in listed.problems if hidden.isdisjoint(str(each[1]).casefold().split(", "))
    ]
    rows += [(lines.get(one, 0), one, _unknown(one, domains)) for one in plan.unmatched]
    rows += [
        (lines.get(one, 0), one, step.outcome.label)
        for step in plan.comes
        if step.outcome not in (Outcome.ACTIVATED, Outcome.RESUMED)
        for one in step.candidate.addresses
        if one in lines
    ]
    return list[Sequence[Any]](sorted(dict.fromkeys(map(tuple, rows))))


def _domains(task: BackupTask) -> set[str]:
    addresses = Entity.objects.filter(task=task).exclude(address="").values_list("address", flat=True)
    return {address.rpartition("@")[2].casefold() for address in addresses.iterator(chunk_size=5000)}


def _unknown(address: str, domains: set[str]) -> str:
    if address.rpartition("@")[2] not in domains:
        return "Not in this organisation: nobody here has an address of that domain"
    return "Unknown: nobody on this task's list has this address"


def property_values(task: BackupTask, name: str) -> list[tuple[str, int, int]]:
    """The values of one directory property: value, how many have it, how many of those are not active."""
    if name not in DIRECTORY_PROPERTIES:
        return []
    rows = (
        Entity.objects.filter(task=task)
        .exclude(state="archived")
        .annotate(value=KT(f"properties__{name}"))
        .values_list("value")
        .annotate(every=Count("id"), idle=Count("id", filter=Q(state="not_active")))
        .order_by("value")
    )
    found: dict[str, tuple[str, int, int]] = {}
    for value, every, idle in rows:
        before = found.get((value or "").casefold(), (value or "", 0, 0))
        found[(value or "").casefold()] = (before[0], before[1] + every, before[2] + idle)
    return sorted(found.values(), key=lambda row: (not row[0], row[0].casefold()))


# ---- whom it holds, what it did ----


def member_page(rule: Rule, *, after: UUID | None = None, before: UUID | None = None) -> KeysetPage[RuleMember]:
    """Whom a rule holds or was told to leave out, the latest first."""
    rows = RuleMember.objects.filter(rule=rule).select_related("entity")
    return page_of(rows, keys=("id",), size=PAGE_SIZE, descending=True, after=after, before=before)


def event_page(rule: Rule, *, after: UUID | None = None, before: UUID | None = None) -> KeysetPage[RuleEvent]:
    """What a rule did, the latest first."""
    rows = RuleEvent.objects.filter(rule=rule).select_related("entity")
    return page_of(rows, keys=("at", "id"), size=PAGE_SIZE, descending=True, after=after, before=before)


def event_rows(rule: Rule) -> Iterator[tuple[str, ...]]:
    """All of it, the latest first, as cells of EVENT_HEADER; times are UTC.

    Who may see what is settled here: the rows are read while the file is sent, when nobody acts any more.
    """
    events = RuleEvent.objects.filter(rule=rule).order_by("-at", "-id")
    return (
        (
            event.at.strftime("%Y-%m-%d %H:%M:%S"),
            rule.name,
            event.label,
            event.address,
            event.get_outcome_display(),
            event.why,
        )
        for event in events.iterator(chunk_size=2000)
    )


def events_of_entity(entity: Entity, most: int = 5) -> list[RuleEvent]:
    """What rules did to one mailbox, the latest first, for its page."""
    return list(RuleEvent.objects.filter(entity=entity).select_related("rule").order_by("-id")[:most])


def facts_of_entity(entity: Entity) -> list[Fact]:
    """Which rule did something to it last, for the page of the mailbox."""
    did = [event for event in events_of_entity(entity) if event.outcome not in QUIET][:1]
    return [
        Fact(
            "Activation rule",
            f"{event.get_outcome_display()} by the rule “{event.rule}” on {event.at:%-d %B %Y}",
            event.why,
            ""
            if event.rule.state == RuleState.REMOVED
            else reverse("activation_rule", args=[event.rule.public_id]),
        )
        for event in did
    ]
