"""Limited Access (features TAG-02): take mailboxes out of the sight of all who do not hold that right."""

from django.db import transaction
from django.db.models import QuerySet

from ..models import BackupTask, Entity
from .changes import change_entities


@transaction.atomic
def limit(*, task: BackupTask, entities: QuerySet[Entity]) -> int:
    """Mark these; returns how many were not marked before."""
    return _set(task, entities.filter(limited=False), "entity.limited", limited=True)


@transaction.atomic
def unlimit(*, task: BackupTask, entities: QuerySet[Entity]) -> int:
    """Take the mark away; returns how many had it."""
    return _set(task, entities.filter(limited=True), "entity.unlimited", limited=False)


def _set(task: BackupTask, entities: QuerySet[Entity], code: str, *, limited: bool) -> int:
    # By their ids: the condition on the mark does not hold any more once it is changed.
    ids = list(entities.select_for_update().values_list("pk", flat=True))
    return change_entities(task, Entity.objects.filter(pk__in=ids), code, limited=limited)
