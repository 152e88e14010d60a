"""What backups keep alive in the vault, and who may still refer to it (docs/vault-ordering.md, V9-V12)."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q

from apps.core import clock
from apps.core.sight import whole_sight

from .catalog import contents_of
from .enums import Verdict
from .models import Entity, Run


def live_contents(account_id: int) -> Iterator[Iterator[bytes]]:
    """Yield, entity by entity, the content list of every version, those of drafts and dead runs included.

    V12: one statement per entity. Within an entity, references move from row to row.
    """
    with whole_sight("what is not seen is kept alive as well"):
        entities = list(Entity.objects.order_by("pk").values_list("pk", flat=True))
    for entity_id in entities:
        yield contents_of(account_id, entity_id)


def writers_gone(account_id: int, began_before: datetime) -> bool:
    """Take the leases of the dead away, then tell whether a run is left that began before the moment (V11).

    In this order: a process that wakes up in between keeps its lease and is counted, or has lost it and, since
    every write is made under the lease (R4), writes nothing more.
    """
    with whole_sight("every run counts, also of what is not seen"):
        held = Entity.objects.filter(~Q(lease_owner=""), account_id=account_id)
        held.filter(lease_until__lt=clock.now()).update(lease_owner="", lease_until=None)
        running = Run.objects.filter(verdict=Verdict.RUNNING, started_at__lt=began_before)
        return not running.filter(entity__in=held).exists()
