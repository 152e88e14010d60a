"""What pages say about deletions: what would go, what waits, what came of it."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet, Sum

from apps.core import clock

from ..catalog import in_batches
from ..enums import DeletionState, EntityState
from ..holds import may_name_holds, on_hold
from ..models import BackupTask, Deletion, Entity, Snapshot
from ..service_list import nouns_of

NAMED = 20
OPEN = (DeletionState.WAITING, DeletionState.DESTROYING)


@dataclass(frozen=True, slots=True)
class What:
    """What an order would delete. `followers` are tasks that run after this one, and would start no more."""

    task: BackupTask
    whole: bool
    ids: list[int]
    words: str
    typed: str
    items: int
    size: int
    backups: int
    named: list[Entity]
    held: dict[str, list[str]]
    followers: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        """Stands for exactly these: as many others are not what a person was shown."""
        return hashlib.sha256(",".join(map(str, self.ids)).encode()).hexdigest()

    @property
    def more(self) -> int:
        return len(self.ids) - len(self.named)

    @property
    def held_said(self) -> list[str]:
        return said_of(self.held)


def what_of(task: BackupTask, entities: QuerySet[Entity], *, whole: bool = False) -> What:
    """Look at what would go. `typed` is what the person types to say that they mean it."""
    rows = entities.exclude(state=EntityState.DELETING) if not whole else entities
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    named = list(rows.order_by("name", "pk")[:NAMED])
    total = rows.aggregate(items=Sum("items"), size=Sum("size"))
    words = nouns_of(task.service).count(len(ids))
    typed = task.name if whole else named[0].name if len(ids) == 1 else words
    return What(
        task=task,
        whole=whole,
        ids=ids,
        words=words,
        typed=typed,
        items=total["items"] or 0,
        size=total["size"] or 0,
        backups=backups_of(ids),
        named=named,
        held=held_words(ids),
        followers=tuple(map(str, task.followers.order_by("name"))) if whole else (),
    )


def backups_of(ids: Collection[int]) -> int:
    """How many snapshots these have."""
    return sum(Snapshot.objects.filter(entity_id__in=part).count() for part in in_batches(sorted(ids)))


def held_words(ids: Collection[int]) -> dict[str, list[str]]:
    """Names of holds by the names of the entities that they keep; a few of them.

    No holds stand there for who may not read their names.
    """
    held, may_name = on_hold(ids), may_name_holds()
    names = dict(Entity.objects.filter(pk__in=sorted(held)[:NAMED]).values_list("pk", "name"))
    return {
        names.get(pk, "One that you do not see"): [str(hold) for hold in held[pk]] if may_name else []
        for pk in sorted(held)[:NAMED]
    }


def said_of(held: dict[str, list[str]]) -> list[str]:
    """ "Bob Smith (Case 7)", for each of `held_words`."""
    return [f"{name} ({', '.join(holds)})" if holds else name for name, holds in held.items()]


def open_deletions(*, task: BackupTask | None = None, entity: Entity | None = None) -> list[Deletion]:
    """What waits or is being destroyed: of the account, a task, or the one that an entity belongs to."""
    rows = Deletion.objects.filter(state__in=OPEN).select_related("task").order_by("ends_at", "pk")
    if entity is not None:
        return list(rows.filter(pk=entity.deletion_id)) if entity.deletion_id else []
    return list(rows.filter(task=task) if task is not None else rows)


def held_of(deletion: Deletion) -> list[str]:
    """Name what a deletion waits for because it is on hold, as far as the actor in force sees it."""
    if not deletion.waiting_for:
        return []
    rows = Entity.objects.filter(deletion=deletion).values_list("pk", flat=True)
    return said_of(held_words(list(rows)))


def time_left(deletion: Deletion) -> timedelta:
    """Until the grace is over by its date; never less than nothing."""
    return max(deletion.ends_at - clock.now(), timedelta(0))


def dead_lately(account_id: int, since: datetime | None) -> int:
    """How many blobs may have lost their last reference by deletions since then, or ever."""
    rows = Deletion.objects.filter(account_id=account_id)
    if since is not None:
        rows = rows.filter(Q(settled_at__gt=since) | Q(state=DeletionState.DESTROYING))
    return rows.aggregate(all=Sum("references"))["all"] or 0
