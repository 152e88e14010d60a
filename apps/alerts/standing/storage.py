"""What is kept: damaged, or growing out of the room that was planned for it."""

from collections.abc import Iterator
from typing import Any, Final

from django.db.models import Sum

from apps.backups.enums import DamagedState
from apps.backups.models import DamagedItem, Entity
from apps.vault.enums import PackState
from apps.vault.models import Pack

from ..enums import AlertKind, Severity
from ..registry import Found
from ..wishes import wishes
from .grouping import told

# Per cent of what was planned, and how bad that is.
STEPS: Final = ((100, Severity.CRITICAL), (90, Severity.WARNING), (80, Severity.NOTICE))


def damaged() -> Iterator[Found]:
    """Mailboxes with items that cannot be read: lost for good, or until the next backup fetches them again."""
    for state, severity in (
        (DamagedState.LOST, Severity.CRITICAL),
        (DamagedState.REFETCH, Severity.NOTICE),
    ):
        items = DamagedItem.objects.filter(state=state)

        def facts(entity: Entity, items: Any = items, state: str = state) -> dict[str, Any]:
            return {"items": items.filter(entity=entity).count(), "lost": state == DamagedState.LOST}

        yield from told(
            Entity.objects.filter(pk__in=items.values("entity_id")),
            prefix=f"damage:{state.value}",
            kind=AlertKind.DAMAGE,
            severity=severity,
            facts=facts,
        )


def filling() -> Iterator[Found]:
    """How much is used of the storage that the account says it has: no store tells its limit."""
    planned = wishes().planned_bytes
    if not planned:
        return
    used = Pack.objects.filter(state=PackState.STORED).aggregate(used=Sum("size"))["used"] or 0
    share = used * 100 // planned
    severity = next((severity for step, severity in STEPS if share >= step), None)
    if severity is not None:
        yield Found(
            kind=AlertKind.QUOTA,
            key="quota:storage",
            severity=severity,
            facts={"label": "Storage", "used": used, "planned": planned, "share": share},
        )
