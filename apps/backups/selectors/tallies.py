"""Counts of entities by task: kept ones of large tasks (`TaskTally`), counted on the spot for all others.

Counting 100,000 entities takes a quarter of a second and fourteen nights of their runs two, on each look at the
home page. Large tasks are therefore counted in the background (`services.tallies`), once a minute.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Min, QuerySet, Sum

from apps.core import clock
from apps.core.sight import sees_limited

from ..models import BackupTask, Entity, TaskTally
from .status import word_expression

GOOD_FOR = timedelta(minutes=5)
"""Older counts are not shown: the worker that counts does not run, and pages count for themselves."""


@dataclass(frozen=True, slots=True)
class Group:
    """Entities of one task that share word, licence and limited access."""

    task_id: int
    word: str
    licensed: bool | None
    number: int
    size: int
    last: datetime | None
    following: datetime | None


def groups_of(tasks: Sequence[BackupTask]) -> list[Group]:
    """The entities of these tasks, as far as the actor in force sees them, grouped."""
    kept = tallies_of(tasks)
    found = [group for tally in kept.values() for group in kept_groups(tally)]
    rest = [task for task in tasks if task.pk not in kept]
    if rest:
        entities = Entity.objects.filter(task__in=rest)
        found += [Group(*row[:3], *row[4:]) for row in grouped(entities)]
    return found


def grouped(entities: QuerySet[Entity]) -> Iterable[tuple[Any, ...]]:
    """(task, word, licensed, limited, number, size, last, next) of these entities."""
    return (
        entities.annotate(word=word_expression(clock.now()))
        .order_by()
        .values_list("task_id", "word", "licensed", "limited")
        .annotate(Count("id"), Sum("size"), Max("last_snapshot_at"), Min("next_run_at"))
    )


def tallies_of(tasks: Sequence[BackupTask]) -> dict[int, TaskTally]:
    """The counts that are kept and recent, by task."""
    rows = TaskTally.objects.filter(counted_at__gt=clock.now() - GOOD_FOR, task__in=[task.pk for task in tasks])
    return {tally.task_id: tally for tally in rows}


def kept_groups(tally: TaskTally) -> Iterator[Group]:
    """The groups of a large task that the actor in force sees."""
    hidden = not sees_limited()
    for word, licensed, limited, number, size, last, following in tally.groups:
        if not (limited and hidden):
            yield Group(tally.task_id, word, licensed, number, size, moment_from(last), moment_from(following))


def moment_from(text: str | None) -> datetime | None:
    """A moment as JSON keeps it."""
    return datetime.fromisoformat(text) if text else None


def kept_nights(tally: TaskTally) -> Iterator[tuple[date, int, int, int]]:
    """(day, tried, good, kept) of what the actor in force sees, each day once."""
    found: dict[str, list[int]] = {}
    for day, limited, *numbers in tally.nights:
        if sees_limited() or not limited:
            found[day] = [have + more for have, more in zip(found.get(day, [0, 0, 0]), numbers, strict=True)]
    for day, (tried, good, kept) in found.items():
        yield date.fromisoformat(day), tried, good, kept


def kept_beginnings(tally: TaskTally) -> Iterator[tuple[date, int]]:
    """(day, active entities whose backups began on it) of what the actor in force sees."""
    found: dict[str, int] = {}
    for day, limited, number in tally.began:
        if sees_limited() or not limited:
            found[day] = found.get(day, 0) + number
    for day, number in found.items():
        yield date.fromisoformat(day), number
