"""Change many entities in one statement and say so in one line of activity."""

from django.db.models import QuerySet

from apps.activity import services as activity

from ..models import BackupTask, Entity
from ..service_list import nouns_of


def change_entities(task: BackupTask, entities: QuerySet[Entity], code: str, **values: object) -> int:
    """Update these; the line carries the name when it is just one. Returns how many there were."""
    first_two = list(entities.order_by("id")[:2])
    count = entities.update(**values)
    if count:
        only = first_two[0] if count == 1 and first_two else None
        activity.record(
            code,
            service=task.service,
            task_label=task.name,
            item_label=only.name if only else nouns_of(task.service).count(count),
            subject_id=only.public_id if only else task.public_id,
            entity_id=only.public_id if only else None,
            count=count,
            audited=only.name if only else nouns_of(task.service).count(count),
        )
    return count
