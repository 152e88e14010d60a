"""Which rule holds for an entity, and why: its tags' policies, then its task's policy, then its task's own.

Each part (schedule, retention, exclusions) is decided by itself: a policy that says nothing about a part
leaves it to the next one.
"""

from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import QuerySet

from .models import BackupTask, Entity, Policy

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
    return {part: ruling_of_task(entity.task, part) for part in PARTS}


def groups_of(task: BackupTask, part: Part) -> list[tuple[Ruling, QuerySet[Entity]]]:
    """All entities of a task in groups that one rule holds for: few, however many entities there are."""
    return [(ruling_of_task(task, part), Entity.objects.filter(task=task))]
