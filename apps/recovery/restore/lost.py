"""Mailboxes that are gone at the source, put back into living ones, several at once (features DEL-01)."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.backups.enums import EntityState
from apps.backups.models import Entity, Run
from apps.backups.selectors.points import Point, point_of
from apps.connectors.enums import SubService
from apps.core.actor import current_actor
from apps.core.ids import new_public_id

from ..enums import RestoreMode
from ..models import Plan, Selection
from .plan import Order, RestoreOptions, plan_write

SHOWN = 100
DAYS_SHOWN = 14
TARGETS_SHOWN = 500


@dataclass(frozen=True, slots=True)
class Lost:
    """A mailbox that is gone, with its backups, the newest first: the one just before it went."""

    entity: Entity
    runs: list[Run]
    targets: list[Entity]


@dataclass(frozen=True, slots=True)
class Way:
    """What one lost mailbox is restored from, and where to."""

    point: Point
    target: Entity


def lost_mailboxes() -> list[Lost]:
    """Return what the actor sees of mailboxes with backups that are gone at the source."""
    rows = Entity.objects.select_related("task__connection").filter(_gone(), last_snapshot_at__isnull=False)
    found, targets = [], dict[str, list[Entity]]()
    for entity in rows.order_by("-last_snapshot_at", "pk")[:SHOWN]:
        tenant_id = entity.task.connection.tenant_id
        if tenant_id not in targets:
            targets[tenant_id] = list(living(entity)[:TARGETS_SHOWN])
        found.append(Lost(entity, list(runs_of(entity)[:DAYS_SHOWN]), targets[tenant_id]))
    return found


def runs_of(entity: Entity) -> QuerySet[Run]:
    """Return the runs of an entity that left a backup, the newest first."""
    return Run.objects.filter(entity=entity, snapshots__isnull=False).distinct().order_by("-started_at", "-pk")


def living(entity: Entity) -> QuerySet[Entity]:
    """Return the mailboxes of the same organisation that are there."""
    rows = Entity.objects.filter(
        task__connection__tenant_id=entity.task.connection.tenant_id, task__service=entity.task.service
    )
    return rows.exclude(_gone()).order_by("name", "pk")


def plans_write(ways: Sequence[Way]) -> tuple[UUID, list[Plan]]:
    """Write down a plan for each: all that was kept, into a folder of its own. Returns their batch.

    But the settings: they have no folder of their own, and the target is another person with their own rules.
    """
    batch, plans = new_public_id(), []
    for way in ways:
        source = way.point.run.entity
        choices = [
            Selection(
                account_id=snapshot.account_id,
                user_id=current_actor().user_id or 0,
                snapshot=snapshot,
                everything=True,
            )
            for snapshot in way.point.snapshots
            if snapshot.sub_service != SubService.SETTINGS
        ]
        options = RestoreOptions(root=f"{source.name[:150]} (Restored)")
        order = Order(way.target, RestoreMode.NEW_ROOT, options, batch)
        plans.append(plan_write(point=way.point, choices=choices, order=order))
    return batch, plans


def way_of(run: Run, target: Entity) -> Way:
    return Way(point_of(run), target)


def _gone() -> Q:
    return Q(state=EntityState.ARCHIVED) | Q(reachable=False)
