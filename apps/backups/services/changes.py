"""Change many entities in one statement and say so in one line of activity."""

from django.db.models import QuerySet

from apps.activity import services as activity

from ..models import BackupTask, Entity
from ..service_list import nouns_of


def change_entities(task: BackupTask, entities: QuerySet[Entity], code: str, **values: object) -> int:
    """Update these; the line carries the name when it is just one. Returns how many there were."""
    first_two = list(entities.order_by("id")[:2])
    count = entities.update(**values)
    say_changed(task, code, count, first_two[0] if first_two else None)
    return count


def say_changed(task: BackupTask, code: str, count: int, first: Entity | None, words: str = "") -> None:
    """Write that line: about the `first` when there is just one, else how many. Nothing for none."""
    if not count:
        return
    only = first if count == 1 else None
    label = only.name if only else nouns_of(task.service).count(count)
    activity.record(
        code,
        service=task.service,
        task_label=task.name,
        item_label=label,
        subject_id=only.public_id if only else task.public_id,
        entity_id=only.public_id if only else None,
        count=count,
        audited=f"{label}{words}",
    )
