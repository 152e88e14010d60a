"""What another task backs up already (features DSC-16). Only that is told: the task may be out of sight."""

from collections.abc import Collection

from django.db.models import Q, QuerySet

from apps.core.sight import whole_sight

from ..enums import EntityState
from ..models import BackupTask, Entity

IDLE = (EntityState.NOT_ACTIVE, EntityState.PAUSED)


def elsewhere_of(task: BackupTask) -> set[str]:
    """Remote ids that another task of the same service and tenant backs up."""
    return set(_active_elsewhere(task).values_list("remote_id", flat=True))


def among_elsewhere(task: BackupTask, remote_ids: Collection[str]) -> set[str]:
    """Those of these few remote ids."""
    rows = _active_elsewhere(task).filter(remote_id__in=remote_ids)
    return set(rows.values_list("remote_id", flat=True)) if remote_ids else set()


def twice(task: BackupTask, entities: QuerySet[Entity]) -> QuerySet[Entity]:
    """Those of them that would be backed up twice if they were switched on."""
    return entities.filter(state__in=IDLE, remote_id__in=_active_elsewhere(task).values("remote_id"))


def idle_here(entities: QuerySet[Entity]) -> QuerySet[Entity]:
    """Those of them, of any tasks, that are not active because another task backs them up.

    Task by task: one correlated subquery for all would look at every pair of entities.
    """
    rule = Q(pk__in=[])
    for task in BackupTask.objects.select_related("connection"):
        rule |= Q(task=task, remote_id__in=_active_elsewhere(task).values("remote_id"))
    return entities.filter(rule, state=EntityState.NOT_ACTIVE)


def _active_elsewhere(task: BackupTask) -> QuerySet[Entity]:
    with whole_sight("nothing is backed up twice because somebody does not see the other task"):
        same = BackupTask.objects.filter(
            service=task.service, connection__tenant_id=task.connection.tenant_id
        ).exclude(pk=task.pk)
        return Entity.objects.filter(task__in=same, state=EntityState.ACTIVE)
