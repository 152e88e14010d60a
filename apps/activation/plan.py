"""Who would come and who would go: judged from rows and what the provider told, before anything is written."""

from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from apps.backups.enums import EntityState
from apps.backups.models import BackupTask, Entity
from apps.backups.selectors.elsewhere import elsewhere_of
from apps.backups.services.leaving import in_grace_of_rules, on_hold
from apps.core.sight import sees_everything, whole_sight

from .conditions import FIELDS, conditions_of
from .enums import Leaving, Outcome, RuleKind, RuleState
from .models import Rule, RuleMember

HOLDS = (Outcome.ACTIVATED, Outcome.RESUMED, Outcome.ALREADY, Outcome.BY_HAND)
"""Outcomes after which a rule holds somebody: it acts again only when they leave."""
COMES = (Outcome.ACTIVATED, Outcome.RESUMED)
FEW = 5
"""So many who leave, or a tenth of all, a rule may delete within one grace without asking: never everybody."""
_SETTLED = {
    EntityState.ARCHIVED.value: Outcome.ARCHIVED,
    EntityState.DELETING.value: Outcome.DELETING,
    EntityState.ACTIVE.value: Outcome.ALREADY,
}
_DECIDED = {EntityState.PAUSED.value: Outcome.BY_HAND, EntityState.NOT_ACTIVE.value: Outcome.DELETED}
"""By the state that a person set."""
_AWAY = (EntityState.ARCHIVED, EntityState.DELETING)
"""Who may be back: whether they leave is judged then."""
_MET = "met "  # no address has a space
COLUMNS = (
    "pk",
    "public_id",
    "remote_id",
    "name",
    "address",
    "state",
    "by_hand",
    "reachable",
    "licensed",
    "properties",
)


def met_key(remote_id: str) -> str:
    """Stands in a rule's list, beside addresses, for a mailbox that it met: who is renamed is no other one."""
    return f"{_MET}{remote_id}"


class Candidate(NamedTuple):
    """One mailbox of the task, as far as rules look at it."""

    pk: int
    public_id: UUID
    remote_id: str
    name: str
    address: str
    state: str
    by_hand: bool
    reachable: bool
    licensed: bool | None
    properties: dict[str, Any]

    @property
    def said(self) -> dict[str, str]:
        """What conditions compare."""
        texts = {key: value for key, value in self.properties.items() if isinstance(value, str)}
        return {**texts, "name": self.name, "address": self.address}

    @property
    def addresses(self) -> tuple[str, ...]:
        """What a list that is handed in may call it by, in lower case."""
        return self.address.casefold(), str(self.properties.get("userPrincipalName") or "").casefold()

    @property
    def listed_as(self) -> tuple[str, ...]:
        """What may stand for it in the list of a rule."""
        return (*self.addresses, met_key(self.remote_id))


class Step(NamedTuple):
    """What happens to one mailbox, and why."""

    candidate: Candidate
    outcome: Outcome
    why: str


@dataclass(slots=True)
class Plan:
    """`comes`: who fits and was not held; `goes`: who was held and no longer fits; `stays`: how many are held.

    `present`: those of them who are neither archived nor being deleted. `kept`: their remote ids.
    `deleting`: how many who left it earlier are in the grace of their deletion.
    `unmatched`: what a list or a group names that is neither on the task's list nor hidden from the actor.
    """

    comes: list[Step] = field(default_factory=list)
    goes: list[Step] = field(default_factory=list)
    stays: int = 0
    present: int = 0
    kept: list[str] = field(default_factory=list)
    deleting: int = 0
    unmatched: list[str] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        return Counter(step.outcome.value for step in (*self.comes, *self.goes))

    @property
    def too_many(self) -> int:
        """How many would be deleted, when those are more than a rule may delete by itself; else 0.

        With those whose grace runs: who empties a group in small steps is asked, too. Where nobody stays, any
        number is too many: a group that was emptied, or answered empty by a fault, looks like that.
        """
        going = len(self.of(Outcome.LEFT_DELETED))
        everybody = self.stays + len(self.goes) + self.deleting
        most = max(FEW, everybody // 10)
        return going if going and (going + self.deleting > most or not self.present) else 0

    def of(self, *outcomes: Outcome) -> list[Step]:
        return [step for step in (*self.comes, *self.goes) if step.outcome in outcomes]


def plan_of(rule: Rule, listed: Iterable[str] = ()) -> Plan:
    """Judge every mailbox of the task that the actor in force sees, in seven queries whatever their number.

    `listed` are the addresses of a list, or the ids of a group's members. A draft that replaces a rule is
    judged against those whom that rule holds.
    """
    wanted, plan = set(listed), Plan()
    judge = _judge(rule, wanted)
    held = _members(rule.replaces or rule)
    held |= {pk: Outcome.EXCLUDED for pk, out in _members(rule).items() if out == Outcome.EXCLUDED}
    elsewhere = elsewhere_of(rule.task)
    others, free = _held_by_others(rule), in_grace_of_rules(rule.task)
    kept = on_hold([pk for pk, outcome in held.items() if outcome in HOLDS]) if _deletes(rule) else {}
    met: set[str] = set()
    for each in _candidates(rule.task):
        why = judge(each)
        if why and rule.kind == RuleKind.LIST:
            met.update(each.listed_as)
        elif why and rule.kind == RuleKind.GROUP:
            met.add(each.remote_id)
        known = held.get(each.pk)
        if why and known in HOLDS:
            plan.stays += 1
            plan.kept.append(each.remote_id)
            plan.present += each.state not in _AWAY
        elif why:
            plan.comes.append(Step(each, _coming(each, known, elsewhere, free), why))
        elif known in HOLDS and each.state not in _AWAY:
            plan.goes.append(Step(each, _going(rule, each, others, kept), _why_gone(rule, each)))
        elif known == Outcome.LEFT_DELETED and each.state == EntityState.DELETING:
            plan.deleting += 1
    if wanted:
        unmatched = wanted - met - hidden_names(rule.task)
        plan.unmatched = sorted(one for one in unmatched if not one.startswith(_MET))
    return plan


def hidden_names(task: BackupTask) -> set[str]:
    """What lists and groups may call mailboxes of the task by that the actor in force does not see.

    Whoever reads what became of a list must not learn from it who is hidden: show nothing of this.
    """
    if sees_everything():
        return set()
    seen = {each.pk for each in _candidates(task)}
    with whole_sight("what is hidden is told neither as found nor as missing"):
        hidden = [each for each in _candidates(task) if each.pk not in seen]
    return {name for each in hidden for name in (*each.addresses, each.remote_id)} - {""}


def _candidates(task: BackupTask) -> Iterator[Candidate]:
    rows = Entity.objects.filter(task=task).order_by("name", "pk").values_list(*COLUMNS)
    return (Candidate(*row) for row in rows.iterator(chunk_size=5000))


def _judge(rule: Rule, wanted: set[str]) -> Any:
    """Return a function that says why a mailbox fits, "" when it does not."""
    if rule.kind == RuleKind.EVERYONE:
        return lambda each: "Everyone on the list"
    if rule.kind == RuleKind.GROUP:
        names = group_names(rule)
        return lambda each: f"Member of {names}" if each.remote_id in wanted else ""
    if rule.kind == RuleKind.LIST:
        return lambda each: "On the list" if any(one in wanted for one in each.listed_as) else ""
    conditions = conditions_of(rule.conditions)

    def judge(each: Candidate) -> str:
        said = each.said
        return conditions.why(said) if conditions.fits(said) else ""

    return judge


def _coming(each: Candidate, known: str | None, elsewhere: set[str], free: Container[int]) -> Outcome:
    if known == Outcome.EXCLUDED:
        return Outcome.EXCLUDED
    if each.state in _SETTLED:
        mine = known == Outcome.LEFT_DELETED and each.pk in free
        return Outcome.PUT_BACK if mine else _SETTLED[each.state]
    if each.by_hand and each.state in _DECIDED:
        return _DECIDED[each.state]
    if each.remote_id in elsewhere:
        return Outcome.ELSEWHERE
    if not each.reachable:
        return Outcome.UNREACHABLE
    return Outcome.RESUMED if each.state == EntityState.PAUSED else Outcome.ACTIVATED


def _going(rule: Rule, each: Candidate, others: set[int], kept: Container[int]) -> Outcome:
    if rule.leaving == Leaving.KEEP or each.state != EntityState.ACTIVE:
        return Outcome.LEFT_KEPT
    if each.pk in others:
        return Outcome.LEFT_HELD
    if each.by_hand:
        return Outcome.LEFT_BY_HAND
    if not _deletes(rule):
        return Outcome.LEFT_PAUSED
    return Outcome.LEFT_ON_HOLD if each.pk in kept else Outcome.LEFT_DELETED


def _deletes(rule: Rule) -> bool:
    return rule.leaving == Leaving.DELETE


def _why_gone(rule: Rule, each: Candidate) -> str:
    if rule.kind == RuleKind.GROUP:
        return f"No longer a member of {group_names(rule)}"
    if rule.kind == RuleKind.LIST:
        return "Not on the list"
    said, fields = each.said, {clause.field: None for clause in conditions_of(rule.conditions).clauses}
    return ", ".join(f"{FIELDS[field]} is now {said.get(field) or '(nothing)'}" for field in fields)


def group_names(rule: Rule) -> str:
    return " or ".join(group["name"] for group in rule.conditions.get("groups", ()))


def _members(rule: Rule) -> dict[int, str]:
    return dict(RuleMember.objects.filter(rule=rule).values_list("entity_id", "outcome"))


def _held_by_others(rule: Rule) -> set[int]:
    """Those whom another rule in force holds: one that leaves this rule is not paused from under that one."""
    if rule.leaving == Leaving.KEEP:
        return set()
    others = Rule.objects.filter(task_id=rule.task_id, state=RuleState.ACTIVE)
    others = others.exclude(pk__in=[pk for pk in (rule.pk, rule.replaces_id) if pk])
    rows = RuleMember.objects.filter(rule__in=others, outcome__in=HOLDS)
    return set(rows.values_list("entity_id", flat=True))
