"""Items that the vault cannot read, for pages: which, of what mailbox, and what becomes of them."""

from collections.abc import Collection

from django.db.models import Count

from ..damage import fate
from ..models import DamagedItem
from ..models.catalog import hash_of
from .browse import AsOf

__all__ = ["damaged_counts", "damaged_items", "fate", "fate_of"]


def damaged_counts() -> dict[str, int]:
    """Return how many items are in each state (enums.DamagedState)."""
    return dict(DamagedItem.objects.order_by().values_list("state").annotate(Count("pk")))


def damaged_items(states: Collection[str], limit: int) -> list[DamagedItem]:
    """Return items in these states with their mailbox, newest finding first."""
    rows = DamagedItem.objects.filter(state__in=states).select_related("entity__task")
    return list(rows.order_by("-found_at", "-pk")[:limit])


def fate_of(state: AsOf, remote_id: str) -> str:
    """Say what becomes of an item that could not be read, in a person's words."""
    row = DamagedItem.objects.filter(
        entity_id=state.entity_id,
        sub_service=state.sub_service,
        remote_hash=hash_of(remote_id),
        remote_id=remote_id,
    ).first()
    if row is None:
        return "It is noted and will be looked at again within the hour, then mended or fetched again."
    return fate(row)
