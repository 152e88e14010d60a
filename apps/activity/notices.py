"""A mail that went out in an account's name is an entry of its audit, made by the system."""

from uuid import UUID

from apps.core.actor import SYSTEM, acting_as

from .audit import audit
from .heads import HEAD_MAIL
from .models import ActivityStatus


def note_mail(name: str, subject: str, to: str, *, is_sent: bool, service: str, entity_id: UUID | None) -> None:
    """Write who was told what. The mail of the daily head leaves none: it would make a new head every day."""
    if name == HEAD_MAIL:
        return
    status = ActivityStatus.DONE if is_sent else ActivityStatus.FAILED
    with acting_as(SYSTEM):
        audit(
            "notice.sent",
            status=status,
            description=f"“{subject}” to {to}",
            service=service,
            entity_id=entity_id,
            mail=name,
        )
