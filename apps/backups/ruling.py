"""Which rule holds for an entity, and why: its tags' policies, then its task's policy, then its task's own.

Each part (schedule, retention, exclusions) is decided by itself: a policy that says nothing about a part
leaves it to the next one.
"""

from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import Exists, OuterRef, QuerySet

from .models import BackupTask, Entity, EntityTag, Policy, PolicyTag

Part = Literal["schedule", "retention", "exclusions"]
PARTS: tuple[Part, ...] = ("schedule", "retention", "exclusions")


@dataclass(frozen=True, slots=True)
class Ruling:
    """What holds for one part. `value` is None where the account's rule holds; no `policy`: the task's own."""

    value: dict[str, Any] | None
    policy: Policy | None = None
    tag: str = ""

    @property
    def why(self) -> str:
        """Say where the rule comes from; "" for the task's own or the account's."""
        if self.policy is None:
            return ""
        return f"Policy “{self.policy}”, by the tag “{self.tag}”" if self.tag else f"Policy “{self.policy}”"


def ruling_of_task(task: BackupTask, part: Part) -> Ruling:
    """What holds for the task's entities that no tag rules."""
    policy = task.policy
    if policy is not None and getattr(policy, part) is not None:
        return Ruling(getattr(policy, part), policy)
    return Ruling(getattr(task, part))


def rules_of(entity: Entity) -> dict[Part, Ruling]:
    """What holds for this entity, by part."""
    found = {part: ruling_of_task(entity.task, part) for part in PARTS}
    by_tag = _by_rank().filter(tag__entity_tags__entity=entity)
    for row in reversed(by_tag):
        found |= {part: _by_tag(row, part) for part in PARTS if getattr(row.policy, part) is not None}
    return found


def groups_of(task: BackupTask, part: Part) -> list[tuple[Ruling, QuerySet[Entity]]]:
    """All entities of a task in groups that one rule holds for: few, however many entities there are."""
    found, rest = list[tuple[Ruling, QuerySet[Entity]]](), Entity.objects.filter(task=task)
    for row in _by_rank().exclude(**{f"policy__{part}__isnull": True}):
        has_tag = EntityTag.objects.filter(account_id=task.account_id, entity=OuterRef("pk"), tag=row.tag_id)
        tagged = Exists(has_tag)
        found.append((_by_tag(row, part), rest.filter(tagged)))
        rest = rest.filter(~tagged)
    return [*found, (ruling_of_task(task, part), rest)]


def _by_rank() -> QuerySet[PolicyTag]:
    return PolicyTag.objects.select_related("policy", "tag").order_by("rank", "pk")


def _by_tag(row: PolicyTag, part: Part) -> Ruling:
    return Ruling(getattr(row.policy, part), row.policy, row.tag.name)
