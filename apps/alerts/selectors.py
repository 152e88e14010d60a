"""What pages read of alerts."""

from uuid import UUID

from django.db.models import QuerySet

from apps.backups.models import Entity

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
