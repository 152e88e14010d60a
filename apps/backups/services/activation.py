"""Switch entities on and off, one or a hundred thousand in one statement."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import Q, QuerySet

from apps.core.actor import current_actor

from ..enums import EntityState, Topic
from ..models import BackupTask, Entity
from ..planning import first_overdue, first_starts, overdue_when_paused
from .changes import change_entities
from .news import note_entities


@transaction.atomic
def activate(*, task: BackupTask, entities: QuerySet[Entity]) -> int:
    """Protect these from the task's next hour on; returns how many were not active or paused before.

    Archived ones stay as they are: their source is gone, so there is nothing to run.
    """
    idle = entities.filter(state__in=[EntityState.NOT_ACTIVE, EntityState.PAUSED])
    return change_entities(task, idle, "entity.activated", **_active(task), by_hand=True)


@transaction.atomic
def pause(*, task: BackupTask, entities: QuerySet[Entity]) -> int:
    """Start no more runs of these; a run in progress is finished, and what is kept stays."""
    active = entities.filter(state=EntityState.ACTIVE)
    note_entities(task, Topic.PAUSED, active, words=f"By {current_actor().label}")
    return change_entities(task, active, "entity.paused", **_paused(), by_hand=True)


@transaction.atomic
def resume(*, task: BackupTask, entities: QuerySet[Entity]) -> int:
    """Let paused ones run again from the task's next hour on."""
    paused = entities.filter(state=EntityState.PAUSED)
    return change_entities(task, paused, "entity.resumed", **_active(task), by_hand=True)


def start_by_rule(*, task: BackupTask, entity_ids: Collection[int]) -> int:
    """Activate these, and resume, but none that a person deleted or paused. One line for all is the rule's."""
    idle = Q(state__in=[EntityState.NOT_ACTIVE, EntityState.PAUSED], by_hand=False)
    entities = Entity.objects.filter(idle, task=task, pk__in=entity_ids)
    return entities.update(**_active(task), by_hand=False)


def pause_by_rule(*, task: BackupTask, entity_ids: Collection[int]) -> int:
    """Pause these, but none that a person activated. No line of activity either."""
    active = Entity.objects.filter(task=task, pk__in=entity_ids, state=EntityState.ACTIVE, by_hand=False)
    return active.update(**_paused())


def _active(task: BackupTask) -> dict[str, object]:
    starts, overdue = first_starts(task), first_overdue(task)
    return {"state": EntityState.ACTIVE, "next_run_at": starts, "overdue_at": overdue}


def _paused() -> dict[str, object]:
    return {"state": EntityState.PAUSED, "next_run_at": None, "overdue_at": overdue_when_paused()}
