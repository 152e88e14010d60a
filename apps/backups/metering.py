"""What an account has that may be paid for, told to billing each day."""

from collections.abc import Collection, Iterator, Mapping
from uuid import UUID

from apps.billing.registry import Counted, register_counter, register_names

from .enums import EntityState
from .models import Entity

FREE = {
    EntityState.NOT_ACTIVE: "inactive",
    EntityState.PAUSED: "paused",
    EntityState.ARCHIVED: "archived",
    EntityState.DELETING: "deleting",
}


def register_metering() -> None:
    """Called in `ready()`."""
    register_counter(counted)
    register_names(names)


def counted() -> Iterator[Counted]:
    """Every entity that is, or was, backed up. Paid for are active ones with a licence that have a backup."""
    rows = Entity.objects.exclude(state=EntityState.NOT_ACTIVE, size=0).select_related("task")
    for entity in rows.order_by("pk").iterator(chunk_size=2000):
        why = _why(entity)
        yield Counted(
            service=entity.task.service,
            entity_public_id=entity.public_id,
            label=entity.get_kind_display(),
            size=entity.size,
            billable=why == "active",
            why=why,
        )


def _why(entity: Entity) -> str:
    if entity.state != EntityState.ACTIVE:
        return FREE[EntityState(entity.state)]
    if entity.licensed is False:
        return "unlicensed"
    return "active" if entity.first_snapshot_at else "waiting"


def names(public_ids: Collection[UUID]) -> Mapping[UUID, str]:
    """What entities are called, of those that the actor in force sees."""
    rows = Entity.objects.filter(public_id__in=public_ids)
    return dict(rows.values_list("public_id", "name"))
