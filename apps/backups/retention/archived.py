"""What left the organisation and was archived goes after so many days (RET-03), as a person would order it.

It is an order like any other: with seven days of grace, a mail to all administrators, and taken back by any of
them. Then its days begin anew. What is on legal hold is left out. Until it is carried out it is decided anew:
who returned to the provider, and what the rule of that day keeps, is what it was before.
"""

from datetime import timedelta
from itertools import groupby

from django.db.models import QuerySet

from apps.core import clock

from ..deletion.order import delete_now
from ..enums import EntityState
from ..holds import on_hold
from ..models import Deletion, Entity
from .inforce import of_entity
from .rules import Rule

ORDERED_BY = "Retention"


def order_archived(entities: "QuerySet[Entity]", rule: Rule) -> int:
    """Order the deletion of those archived ones whose days are over; returns how many."""
    if rule.archived_days is None:
        return 0
    limit = clock.now() - timedelta(days=rule.archived_days)
    over = entities.filter(state=EntityState.ARCHIVED, archived_at__lte=limit).select_related("task")
    found = list(over.order_by("task_id", "pk"))
    held = on_hold([entity.pk for entity in found])
    count = 0
    for task, rows in groupby((entity for entity in found if entity.pk not in held), key=lambda row: row.task):
        ids = [row.pk for row in rows]
        payload = {"task": str(task.public_id), "whole": False, "entities": ids, "by": ORDERED_BY}
        delete_now({**payload, "rule": True})
        count += len(ids)
    return count


def kept_by_now(deletion: Deletion) -> list[int]:
    """Which entities of an order of retention the rules in force do not let go any more."""
    rows = Entity.objects.filter(deletion=deletion, state=EntityState.DELETING)
    return [entity.pk for entity in rows.select_related("task__policy") if not _goes(entity)]


def _goes(entity: Entity) -> bool:
    days = of_entity(entity).rule.archived_days
    if days is None or entity.archived_at is None or entity.state_before_deletion != EntityState.ARCHIVED:
        return False
    return entity.archived_at <= clock.now() - timedelta(days=days)
