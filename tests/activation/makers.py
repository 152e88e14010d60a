"""Short ways to rules, for tests that say only what matters to them."""

from typing import Any

from apps.activation import evaluate
from apps.activation.conditions import FIELDS
from apps.activation.models import Rule, RuleEvent, RuleMember
from apps.activation.plan import Plan
from apps.backups.models import BackupTask, Entity


def clause(field: str, *values: str, how: str = "is") -> dict[str, Any]:
    assert field in FIELDS
    return {"field": field, "how": how, "values": list(values)}


def make_rule(task: BackupTask, *clauses: dict[str, Any], **fields: Any) -> Rule:
    """A draft that chooses Kitchen, unless the test says otherwise."""
    conditions = {"clauses": list(clauses) or [clause("department", "Kitchen")], "every": True}
    defaults = {"name": "Kitchen", "kind": "pattern", "conditions": conditions}
    return Rule.objects.create(account_id=task.account_id, task=task, **{**defaults, **fields})


def in_force(task: BackupTask, *clauses: dict[str, Any], **fields: Any) -> Rule:
    """A rule that is followed daily."""
    return make_rule(task, *clauses, **{"mode": "daily", "state": "active", **fields})


def follow(rule: Rule) -> Plan:
    plan = evaluate.follow(rule.pk)
    rule.refresh_from_db()
    assert plan is not None, rule.problem
    return plan


def states(*entities: Entity) -> list[str]:
    for entity in entities:
        entity.refresh_from_db()
    return [entity.state for entity in entities]


def held(rule: Rule) -> dict[str, str]:
    """Outcome by name of whom the rule met."""
    return dict(RuleMember.objects.filter(rule=rule).values_list("entity__name", "outcome"))


def told(rule: Rule) -> list[tuple[str, str]]:
    """The history of a rule, oldest first."""
    return list(RuleEvent.objects.filter(rule=rule).order_by("id").values_list("label", "outcome"))


def move(entity: Entity, department: str) -> None:
    Entity.objects.filter(pk=entity.pk).update(properties={"department": department})
