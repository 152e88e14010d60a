"""What people do about alerts, and what a severe one does by itself."""

from dataclasses import replace
from typing import Final

from django.db import transaction

from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.core.permissions import Permission, require

from .enums import LEARNT, AlertKind, Severity
from .models import Alert, Measure
from .services import alert_acknowledge, alert_hold
from .wishes import wishes

HOLDS: Final = frozenset({AlertKind.MASS_DELETION, AlertKind.ENCRYPTION})
ITSELF: Final = replace(SYSTEM, label="Everkeep (smart alert)")


@transaction.atomic
def acknowledge(alert: Alert, *, words: str, is_normal: bool) -> None:
    """Note that somebody has looked; `is_normal`: learn from this backup as from any other."""
    require(Permission.MODIFY)
    entity_id, number = alert.entity_id, alert.snapshot_number
    if is_normal and alert.kind in LEARNT and entity_id is not None and number is not None:
        Measure.objects.filter(
            entity_id=entity_id,
            sub_service=alert.sub_service,
            snapshot_number__gt=alert.facts.get("from", number - 1),
            snapshot_number__lte=alert.facts.get("number", number),
            is_odd=True,
            accepted_at=None,
        ).update(accepted_at=clock.now())
        words = f"{words.strip()} (normal here)".strip()
    alert_acknowledge(alert, words)


def put_on_hold(alert: Alert) -> None:
    """Put its mailbox on legal hold in a person's name; they lift it the usual way."""
    require(Permission.ACCOUNT_SETTINGS)
    alert_hold(alert)


def hold_by_itself(alert: Alert) -> None:
    """Keep what a severe alert is about from expiring, where the account wants that."""
    severe = alert.kind in HOLDS and alert.severity == Severity.CRITICAL and alert.entity_id is not None
    if severe and wishes().hold_by_itself:
        with acting_as(ITSELF):
            alert_hold(alert)
        alert.refresh_from_db(fields=["hold"])
