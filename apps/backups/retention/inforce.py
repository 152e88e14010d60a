"""Which rule holds for an entity: its tags' and its task's policy, the task's own, else that of the account."""

from dataclasses import dataclass

from apps.core.errors import InvalidRequest
from apps.core.sight import whole_sight

from ..models import AccountRetention, BackupTask, Entity
from ..selectors.policies import Ruling, rules_of, ruling_of_task
from .rules import EVERYTHING, Rule


@dataclass(frozen=True, slots=True)
class InForce:
    """A rule and where it comes from, in words."""

    rule: Rule
    why: str


def account_rule() -> Rule:
    """Return the rule of the account in force: what holds where nothing else says anything."""
    row = AccountRetention.objects.first()
    return rule_from(row.rule) if row else EVERYTHING


@whole_sight("a rule holds also for who does not see where it comes from")
def of_entity(entity: Entity) -> InForce:
    """Return what holds for this entity."""
    return of_ruling(rules_of(entity)["retention"])


def of_task(task: BackupTask) -> InForce:
    """Return what holds for those entities of the task that no tag rules."""
    return of_ruling(ruling_of_task(task, "retention"))


def of_ruling(ruling: Ruling) -> InForce:
    if ruling.value is None:
        return InForce(account_rule(), "The account's rule")
    return InForce(rule_from(ruling.value), ruling.why or "The task's own rule")


def rule_from(data: object) -> Rule:
    """Read a stored rule. One that cannot be read keeps everything: what is in doubt is not deleted."""
    try:
        return Rule.from_json(data)
    except InvalidRequest:
        return EVERYTHING
