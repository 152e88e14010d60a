"""Many mailboxes with one trouble: a few are told one by one, more of one task as one alert.

A mailbox with limited access always has an alert of its own, which only those see who see the mailbox: no count
of a task's alert tells others of it.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from django.db.models import Count, QuerySet

from apps.backups.models import BackupTask, Entity

from ..registry import Found

FEW: Final = 5


def told(
    rows: "QuerySet[Entity]",
    *,
    prefix: str,
    kind: str,
    severity: str,
    facts: Callable[[Entity], dict[str, Any]],
    all_severity: str = "",
) -> Iterator[Found]:
    """Yield what `rows` come to. `all_severity`: how bad it is when it is all active mailboxes of a task."""
    for entity in rows.filter(limited=True).select_related("task").order_by("name", "pk"):
        yield _one(entity, prefix, kind, severity, facts)
    open_ = rows.filter(limited=False)
    counted = open_.order_by("task_id").values_list("task_id").annotate(n=Count("pk"))
    for task_id, count in counted:
        of_task = open_.filter(task_id=task_id).select_related("task")
        task = BackupTask.objects.get(pk=task_id)
        active = Entity.objects.filter(task=task, state="active", limited=False).count()
        is_all = bool(all_severity) and count == active
        if count <= FEW and not is_all:
            for entity in of_task.order_by("name", "pk"):
                yield _one(entity, prefix, kind, severity, facts)
            continue
        yield Found(
            kind=kind,
            key=f"{prefix}:{task.public_id}",
            severity=all_severity if is_all else severity,
            task=task,
            facts={"mailboxes": count, "of": active, "is_all": is_all},
        )


def _one(
    entity: Entity, prefix: str, kind: str, severity: str, facts: Callable[[Entity], dict[str, Any]]
) -> Found:
    return Found(
        kind=kind,
        key=f"{prefix}:{entity.public_id}",
        severity=severity,
        entity=entity,
        task=entity.task,
        facts=facts(entity),
    )
