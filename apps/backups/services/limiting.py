"""Limited Access (features TAG-02): take mailboxes out of the sight of all who do not hold that right."""

from django.db import transaction
from django.db.models import Q, QuerySet

from apps.core.sight import whole_sight

from ..catalog import in_batches
from ..models import BackupTask, Deletion, Entity
from ..models.deletions import deletion_label
from ..service_list import nouns_of
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
    if limited:
        _limit_deletions(task, ids)
    return change_entities(task, Entity.objects.filter(pk__in=ids), code, limited=limited)


@whole_sight("no order to delete names afterwards what its reader may not see")
def _limit_deletions(task: BackupTask, ids: list[int]) -> None:
    """An order carries the name of a mailbox, also one that was taken back and belongs to none any more.

    It loses the name: the mails and the lines that will say that it is done are for more than those who see it.
    """
    unnamed = deletion_label(nouns_of(task.service).count(1), task.name)[:300]
    for some in in_batches(ids):
        names = Entity.objects.filter(pk__in=some).values_list("name", flat=True)
        labels = [deletion_label(name, task.name)[:300] for name in names]
        of_one = Q(entities__in=some) | Q(task=task, label__in=labels)
        Deletion.objects.filter(of_one, whole_task=False, count=1).update(limited=True, label=unnamed)
        Deletion.objects.filter(entities__in=some, limited=False).update(limited=True)
