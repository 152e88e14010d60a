"""What changes an index from outside: snapshots come, versions go, a task is switched, a rebuild."""

from collections.abc import Collection
from typing import Any, Final

from django.db import transaction

from apps.accounts.registry import StepResult
from apps.activity import services as activity
from apps.backups.models import BackupTask, Entity, Snapshot
from apps.core.permissions import Permission, require
from apps.core.scope import account_scope
from apps.core.sight import whole_sight

from . import cache, rewriting
from .indexing import begin_anew, from_the_start
from .models import Indexed, Removal, SearchIndex, TaskNotIndexed

CODE: Final = "search.switched"


def snapshot_came(sender: object, instance: Snapshot, created: bool, **_: Any) -> None:
    """Note what is to be indexed, in the transaction that commits the snapshot."""
    if not created:
        return
    keys = {"entity_id": instance.entity_id, "sub_service": instance.sub_service}
    rows = Indexed.objects.filter(account_id=instance.account_id, **keys)
    row = rows.first()
    if row is None:
        off = TaskNotIndexed.objects.filter(task__entities=instance.entity_id).exists()
        Indexed.objects.create(
            account_id=instance.account_id,
            committed=instance.number,
            committed_at=instance.taken_at,
            off=off,
            **keys,
        )
        return
    if not Snapshot.objects.filter(number=row.committed, **keys).exclude(pk=instance.pk).exists():
        _catalog_replaced(row)
    rows.update(committed=instance.number, committed_at=instance.taken_at)


def entity_goes(sender: object, instance: Entity, **_: Any) -> None:
    """Let nothing of an entity be found from the moment its row goes."""
    if SearchIndex.objects.filter(account_id=instance.account_id).exists():
        Removal.objects.create(account_id=instance.account_id, entity_id=instance.pk)
        rewriting.entity_goes(instance)


def versions_go(entity_id: int, version_ids: Collection[int]) -> None:
    """Let versions be found no more; called in the transaction in which their rows go."""
    row = Indexed.objects.filter(entity_id=entity_id).first()
    if row is not None:
        Removal.objects.bulk_create(
            [Removal(account_id=row.account_id, entity_id=entity_id, version_id=each) for each in version_ids],
            batch_size=500,
        )


def task_index_set(*, task: BackupTask, on: bool) -> bool:
    """Let the items of a task be searched, or no longer (TSK-08). Tells whether that was a change."""
    require(Permission.MODIFY)
    with transaction.atomic(), whole_sight("a switch of a task is one for all of its entities"):
        if on == is_indexed(task):
            return False
        rows = Indexed.objects.filter(entity__task=task)
        if on:
            TaskNotIndexed.objects.filter(task=task).delete()
            from_the_start(rows, off=False)
        else:
            TaskNotIndexed.objects.create(account_id=task.account_id, task=task)
            from_the_start(rows, off=True)
            entities = Entity.objects.filter(task=task).values_list("pk", flat=True)
            Removal.objects.bulk_create(
                [Removal(account_id=task.account_id, entity_id=pk) for pk in entities.iterator()],
                batch_size=500,
            )
        words = "on" if on else "off"
        activity.record(
            CODE,
            service=task.service,
            task_label=task.name,
            subject_id=task.public_id,
            audited=f"Indexing for search of {task.name} switched {words}",
        )
    return True


def is_indexed(task: BackupTask) -> bool:
    """Tell whether the items of a task can be searched."""
    return not TaskNotIndexed.objects.filter(task=task).exists()


def rebuild(account_id: int) -> int:
    """Let the index of an account be built from its beginning; returns how many kinds of data wait for it."""
    with account_scope(account_id), transaction.atomic():
        SearchIndex.objects.get_or_create(account_id=account_id)
        begin_anew(account_id)
        _notice_all(account_id)
        return Indexed.objects.filter(off=False).count()


def note_failure(account_id: int, why: str) -> None:
    """Keep why a pass failed, for `manage.py search status`."""
    SearchIndex.objects.filter(account_id=account_id).update(last_error=why[:500])


def close_index(account_id: int) -> StepResult:
    """Forget an account's index: its objects go with the vault, its clear copies now."""
    cache.forget(account_id)
    for model in (Removal, Indexed, SearchIndex, TaskNotIndexed):
        model.objects.filter(account_id=account_id).delete()
    return StepResult()


def _catalog_replaced(row: Indexed) -> None:
    """The catalog was made anew out of the vault: its rows have other ids now."""
    Removal.objects.create(account_id=row.account_id, entity_id=row.entity_id)
    from_the_start(Indexed.objects.filter(entity_id=row.entity_id))


def _notice_all(account_id: int) -> None:
    """Make the rows of what was backed up before anybody took note of it."""
    off = set(TaskNotIndexed.objects.values_list("task_id", flat=True))
    newest: dict[tuple[int, str], tuple[int, Any, int]] = {}
    rows = Snapshot.objects.order_by("entity_id", "sub_service", "number")
    for entity_id, kind, number, at, task_id in rows.values_list(
        "entity_id", "sub_service", "number", "taken_at", "entity__task_id"
    ).iterator():
        newest[entity_id, kind] = number, at, task_id
    for (entity_id, kind), (number, at, task_id) in newest.items():
        Indexed.objects.update_or_create(
            account_id=account_id,
            entity_id=entity_id,
            sub_service=kind,
            defaults={"committed": number, "committed_at": at, "off": task_id in off},
        )
