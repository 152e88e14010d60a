"""Find what a task can protect: reads the connector, keeps the list of entities true.

One discovery of a task at a time. The claim is `discovering_since`: its moment is the token that a discovery
holds, checked before every write, so one that was overtaken after an hour of silence stops by itself.
"""

import logging
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.db import transaction
from django.db.models import Q, QuerySet

from apps.accounts.selectors import stopped_accounts
from apps.activity import services as activity
from apps.activity.models import ActivityStatus
from apps.connectors.base import Connector, FoundEntity
from apps.connectors.enums import ConnectionState, EntityKind
from apps.connectors.services import connection_mark_disconnected, open_connector
from apps.core import clock
from apps.core.errors import Conflict, ConsentLost, EverkeepError, Forbidden

from ..deletion.order import returned
from ..enums import DeletionState, EntityState, Topic
from ..erasure.remembered import carry_over
from ..models import BackupTask, Deletion, Entity
from ..models.entities import DISCOVERY_SILENCE
from ..planning import awaited, first_start, schedule_of, schedule_of_task
from .news import note_ids
from .tallies import forget_tally

logger = logging.getLogger("everkeep.discovery")
BATCH = 500

FRESH_FOR = timedelta(hours=24)
FACTS = ("kind", "name", "address", "licensed", "reachable", "properties")


@dataclass(slots=True)
class Tally:
    """What a discovery found so far."""

    found: int = 0
    new: int = 0
    returned: int = 0
    archived: int = 0


@transaction.atomic
def start_discovery(*, task: BackupTask) -> bool:
    """Begin to look for entities in the background; False when somebody is looking already."""
    from ..discovery_tasks import discover_task  # noqa: PLC0415 - the task calls this module

    since = clock.now()
    free = Q(discovering_since__isnull=True) | Q(discovering_since__lt=since - DISCOVERY_SILENCE)
    if not BackupTask.objects.filter(free, pk=task.pk).update(discovering_since=since):
        return False
    task.discovering_since = since
    discover_task.after_commit(account_id=task.account_id, task_id=task.pk, since=since.isoformat())
    return True


def discover(*, task_id: int, since: datetime) -> Tally | None:
    """Bring the task's entities up to date. None when this discovery was overtaken or its task is gone.

    What is no longer found is archived, but only after the whole list was read: a list that broke off half
    way archives nothing.
    """
    task = (
        BackupTask.objects.select_related("connection", "policy", "after_task")
        .filter(pk=task_id, discovering_since=since)
        .first()
    )
    if task is None:
        return None
    try:
        tally = _read_all(task)
    except Conflict:
        return None
    except (ConsentLost, Forbidden) as problem:
        # Listing people is the least of all rights: without it the whole connection has ended.
        connection_mark_disconnected(connection=task.connection, reason=str(problem))
        _give_up(task, str(problem))
        return None
    except EverkeepError as problem:
        _give_up(task, str(problem))
        return None
    except Exception:
        _give_up(task, "The list of mailboxes could not be read because of a fault of ours.")
        raise
    return tally


def _read_all(task: BackupTask) -> Tally:
    tally, seen = Tally(), set[str]()
    connector = open_connector(task.connection)

    def keep(batch: list[FoundEntity]) -> None:
        seen.update(found.remote_id for found in batch)
        _keep_batch(task, batch, tally)

    async_to_sync(_in_batches)(connector, keep)
    _finish(task, seen, tally)
    return tally


async def _in_batches(connector: Connector, keep: object) -> None:
    store = sync_to_async(keep)  # type: ignore[call-overload]
    async with connector:
        async for batch in _batches(connector.discover()):
            await store(batch)


async def _batches(found: AsyncIterator[FoundEntity]) -> AsyncIterator[list[FoundEntity]]:
    """Batches of what is found; what came before a break is handed over before the break is."""
    batch: list[FoundEntity] = []
    try:
        async for entity in found:
            batch.append(entity)
            if len(batch) == BATCH:
                yield batch
                batch = []
    except EverkeepError:
        yield batch
        raise
    yield batch


@transaction.atomic
def _keep_batch(task: BackupTask, batch: list[FoundEntity], tally: Tally) -> None:
    """Insert who is new, update who changed, bring back who had gone."""
    _hold(task)
    by_id = {found.remote_id: found for found in batch}
    returned(task, by_id)
    # Locked: what a person or a run writes meanwhile must not be overwritten by what was read before it.
    rows = Entity.objects.select_for_update().filter(task=task, remote_id__in=by_id).order_by("pk")
    known = {entity.remote_id: entity for entity in rows}
    new = [found for key, found in by_id.items() if key not in known and _wanted(task, found)]
    fresh = Entity.objects.bulk_create([_new_entity(task, found) for found in new])
    carry_over(fresh)
    if task.discovered_at is not None:  # at first all are new, and who made the task looks at them
        note_ids(task, Topic.ACTIVATED if task.auto_activate else Topic.FOUND, [each.pk for each in fresh])
    away = [entity.pk for entity in known.values() if entity.state == EntityState.ARCHIVED]
    note_ids(task, Topic.RETURNED, away)
    changed = [entity for entity in known.values() if _refresh(task, entity, by_id[entity.remote_id], tally)]
    Entity.objects.bulk_update(changed, [*FACTS, "state", "state_before_archive", "next_run_at"])
    tally.found += len(new) + len(known)
    tally.new += len(new)


def _hold(task: BackupTask) -> None:
    """Raise Conflict when this discovery no longer is the one that counts."""
    mine = BackupTask.objects.select_for_update().filter(pk=task.pk, discovering_since=task.discovering_since)
    if not mine.exists():
        raise Conflict("Another search for mailboxes has taken over.")


def _wanted(task: BackupTask, found: FoundEntity) -> bool:
    """People without a licence are listed only when the task says so; shared and room mailboxes need none."""
    unlicensed_person = found.licensed is False and found.kind == EntityKind.USER_MAILBOX
    return task.include_unlicensed or not unlicensed_person


def _new_entity(task: BackupTask, found: FoundEntity) -> Entity:
    active = task.auto_activate
    return Entity(
        account_id=task.account_id,
        task=task,
        remote_id=found.remote_id,
        state=EntityState.ACTIVE if active else EntityState.NOT_ACTIVE,
        next_run_at=first_start(task) if active else None,
        overdue_at=awaited(schedule_of_task(task), task, clock.now(), first=True) if active else None,
        **{name: getattr(found, name) for name in FACTS},
    )


def _refresh(task: BackupTask, entity: Entity, found: FoundEntity, tally: Tally) -> bool:
    """Take over what the provider says; tell whether anything differs."""
    changed = False
    for name in FACTS:
        if getattr(entity, name) != getattr(found, name):
            setattr(entity, name, getattr(found, name))
            changed = True
    if entity.state == EntityState.ARCHIVED:
        entity.state = entity.state_before_archive or EntityState.NOT_ACTIVE
        entity.state_before_archive = ""
        if entity.state == EntityState.ACTIVE:
            entity.task = task
            entity.next_run_at = schedule_of(entity).next_start(clock.now(), first=True)
        tally.returned += 1
        changed = True
    return changed


@transaction.atomic
def _finish(task: BackupTask, seen: set[str], tally: Tally) -> None:
    """The whole list was read: archive what is gone, drop what was only ever listed, say so."""
    _hold(task)
    entities = Entity.objects.filter(task=task)
    known = entities.exclude(state=EntityState.ARCHIVED).values_list("id", "remote_id")
    gone = [pk for pk, remote_id in known.iterator() if remote_id not in seen]
    for ids in _chunks(gone):
        _nothing_kept(entities.filter(id__in=ids)).delete()
        backed_up = entities.filter(id__in=ids, state__in=[EntityState.ACTIVE, EntityState.PAUSED])
        for topic in (Topic.ARCHIVED, Topic.GONE):
            note_ids(task, topic, list(backed_up.values_list("pk", flat=True)))
        _archive(entities.filter(id__in=ids), tally)
    if not task.include_unlicensed:
        _nothing_kept(entities.filter(licensed=False, kind=EntityKind.USER_MAILBOX)).delete()
    BackupTask.objects.filter(pk=task.pk).update(
        discovering_since=None, discovered_at=clock.now(), discovery_error=""
    )
    forget_tally(task)
    _record(task, ActivityStatus.DONE, **{name: getattr(tally, name) for name in Tally.__slots__})


def _archive(gone: QuerySet[Entity], tally: Tally) -> None:
    for state in (EntityState.ACTIVE, EntityState.PAUSED, EntityState.NOT_ACTIVE):
        tally.archived += gone.filter(state=state).update(
            state=EntityState.ARCHIVED, state_before_archive=state, next_run_at=None, archived_at=clock.now()
        )


def _nothing_kept(entities: QuerySet[Entity]) -> QuerySet[Entity]:
    """Those that were only ever listed: never chosen, never run. A mark would be lost with the row."""
    return entities.filter(
        state=EntityState.NOT_ACTIVE, first_snapshot_at__isnull=True, runs__isnull=True, limited=False
    )


def _chunks(ids: list[int]) -> Iterable[list[int]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))


@transaction.atomic
def _give_up(task: BackupTask, reason: str) -> None:
    """Say on the page why the list may be out of date; nothing is archived. The same news is no new news."""
    mine = BackupTask.objects.filter(pk=task.pk, discovering_since=task.discovering_since)
    if mine.update(discovering_since=None, discovery_error=reason):
        logger.warning("discovery of task %s failed: %s", task.public_id, reason)
        if reason != task.discovery_error:
            _record(task, ActivityStatus.FAILED, reason=reason)


def _record(task: BackupTask, status: str, **details: Any) -> None:
    activity.record(
        "task.discovered",
        status=status,
        service=task.service,
        task_label=task.name,
        item_label=task.name,
        subject_id=task.public_id,
        **details,
    )


def tasks_to_discover() -> list[BackupTask]:
    """Connected tasks whose list was last read more than a day ago, oldest first; in the scope in force."""
    stale = Q(discovered_at__isnull=True) | Q(discovered_at__lt=clock.now() - FRESH_FOR)
    awake = ~Q(account__in=stopped_accounts())
    going = Deletion.objects.filter(
        whole_task=True, state__in=(DeletionState.WAITING, DeletionState.DESTROYING), task__isnull=False
    )
    staying = ~Q(pk__in=going.values("task"))
    connected = BackupTask.objects.filter(stale, awake, staying, connection__state=ConnectionState.CONNECTED)
    return list(connected.order_by("discovered_at")[:BATCH])
