"""What pages read of alerts."""

from uuid import UUID

from django.db.models import Count, QuerySet

from apps.backups.models import Entity
from apps.core.counting import count_up_to

from .enums import AlertState
from .models import Alert


def alerts() -> "QuerySet[Alert]":
    """All alerts that the actor in force sees, newest first."""
    return Alert.objects.select_related("entity", "task", "hold").order_by("-opened_at", "-pk")


def open_alerts() -> "QuerySet[Alert]":
    """Those that nobody has acknowledged."""
    return alerts().filter(state=AlertState.OPEN)


def alerts_of(entity: Entity) -> "QuerySet[Alert]":
    """Those of one mailbox."""
    return alerts().filter(entity=entity)


def alert_by(public_id: UUID) -> Alert | None:
    """One of them, None for what is not there or not theirs to see."""
    return alerts().filter(public_id=public_id).first()


def open_count() -> int:
    """How many nobody has acknowledged, as far as they are counted (`core.counting`)."""
    return count_up_to(Alert.objects.filter(state=AlertState.OPEN))


def open_by_task() -> dict[UUID, int]:
    """The same by the public id of their backup task, of tasks that have any."""
    rows = Alert.objects.filter(state=AlertState.OPEN, task__isnull=False).order_by()
    return dict(rows.values_list("task__public_id").annotate(n=Count("pk")))
