"""The list of what can be recovered: every entity of every task, in the order of names."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.backups.enums import EntityState
from apps.backups.models import BackupTask, Entity
from apps.backups.selectors.elsewhere import among_elsewhere, idle_here
from apps.backups.selectors.status import Word, word_expression, word_of
from apps.core import clock

PAGE_SIZE = 50
ELSEWHERE = "in_another_task"
STATUSES = (
    ("active", "Active"),
    ("in_progress", "In progress"),
    ("not_active", "Not active"),
    ("scheduled", "Scheduled"),
    ("paused", "Paused"),
    (ELSEWHERE, "Backed up in another task"),
    ("archived", "Archived"),
)


@dataclass(frozen=True, slots=True)
class ListFilter:
    """What the list is narrowed to. Unknown values narrow to nothing in particular."""

    text: str = ""
    task: str = ""
    status: str = ""

    @property
    def is_set(self) -> bool:
        return bool(self.text or self.task or self.status)


@dataclass(frozen=True, slots=True)
class ListRow:
    entity: Entity
    status: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """`after` continues the list, "" at its end. `with_backups` of `total` entities have a backup."""

    rows: list[ListRow]
    after: str
    total: int
    with_backups: int
    tasks: list[BackupTask]


def list_page(wanted: ListFilter, after: str = "") -> ListPage:
    """Read one page of the account in force."""
    now = clock.now()
    everything = Entity.objects.all()
    rows = _narrow(everything, wanted, now)
    place = _entity(after)
    if place is not None:
        rows = rows.filter(Q(name__gt=place.name) | Q(name=place.name, pk__gt=place.pk))
    found = list(rows.select_related("task__connection").order_by("name", "pk")[: PAGE_SIZE + 1])
    more = len(found) > PAGE_SIZE
    found = found[:PAGE_SIZE]
    elsewhere = _idle_among(found)
    return ListPage(
        rows=[ListRow(each, _status(each, elsewhere, now)) for each in found],
        after=str(found[-1].public_id) if more else "",
        total=everything.count(),
        with_backups=everything.filter(last_snapshot_at__isnull=False).count(),
        tasks=list(BackupTask.objects.order_by("name", "pk")[:200]),
    )


def _idle_among(found: list[Entity]) -> set[int]:
    """Return which of these are not active and are backed up by another task, by primary key."""
    by_task: dict[int, list[Entity]] = {}
    for entity in found:
        if entity.state == EntityState.NOT_ACTIVE:
            by_task.setdefault(entity.task_id, []).append(entity)
    pks: set[int] = set()
    for idle in by_task.values():
        there = among_elsewhere(idle[0].task, [each.remote_id for each in idle])
        pks |= {each.pk for each in idle if each.remote_id in there}
    return pks


def _status(entity: Entity, elsewhere: set[int], now: datetime) -> str:
    word = word_of(entity, now)
    return ELSEWHERE if word is Word.NOT_ACTIVE and entity.pk in elsewhere else word


def _narrow(rows: QuerySet[Entity], wanted: ListFilter, now: datetime) -> QuerySet[Entity]:
    if wanted.text:
        rows = rows.filter(Q(name__icontains=wanted.text) | Q(address__icontains=wanted.text))
    if (task := _uuid(wanted.task)) is not None:
        rows = rows.filter(task__public_id=task)
    if wanted.status == "active":
        return rows.filter(state=EntityState.ACTIVE)
    if wanted.status == ELSEWHERE:
        return idle_here(rows)
    if wanted.status in dict(STATUSES):
        words = word_expression(now)
        return rows.alias(word=words).filter(word=wanted.status)
    return rows


def _entity(public_id: str) -> Entity | None:
    wanted = _uuid(public_id)
    return Entity.objects.filter(public_id=wanted).first() if wanted else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
