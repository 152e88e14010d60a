"""Mailboxes that are gone at the source, put back into living ones, several at once (features DEL-01)."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from apps.backups.enums import EntityState
from apps.backups.models import Entity
from apps.backups.selectors.points import Point
from apps.connectors.enums import SubService
from apps.core.actor import current_actor
from apps.core.ids import new_public_id
from apps.core.keyset import KeysetPage, page_of

from ..enums import RestoreMode
from ..models import LostPick, Plan, Selection
from ..targets import by_letters
from .plan import Order, RestoreOptions, plan_write

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Way:
    """What one lost mailbox is restored from, and where to."""

    point: Point
    target: Entity


def lost_mailboxes() -> QuerySet[Entity]:
    """Return what the actor sees of mailboxes with backups that are gone at the source."""
    rows = Entity.objects.select_related("task__connection")
    return rows.filter(Q(state=EntityState.ARCHIVED) | Q(reachable=False), last_snapshot_at__isnull=False)


def lost_page(text: str, *, before: UUID | None = None, after: UUID | None = None) -> KeysetPage[Entity]:
    """Return one page of them, who went last first."""
    rows = by_letters(lost_mailboxes(), text)
    keys = ("last_snapshot_at", "id")
    return page_of(rows, keys=keys, size=PAGE_SIZE, descending=True, before=before, after=after)


@transaction.atomic
def plans_write(ways: Sequence[Way], *, settings: bool = False) -> tuple[UUID, list[Plan]]:
    """Write down a plan for each: all that was kept, into a folder of its own. Returns their batch.

    `settings` takes mailbox settings and rules along, which have no folder of their own: what the target lacks
    is added to it, though it may be another person with their own rules. What was picked is done with.
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
            if settings or snapshot.sub_service != SubService.SETTINGS
        ]
        options = RestoreOptions(root=f"{source.name[:150]} (Restored)")
        order = Order(way.target, RestoreMode.NEW_ROOT, options, batch)
        plans.append(plan_write(point=way.point, choices=choices, order=order))
    sources = [way.point.run.entity_id for way in ways]
    LostPick.objects.filter(user_id=current_actor().user_id or 0, entity__in=sources).delete()
    return batch, plans
