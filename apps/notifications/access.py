"""From the ids of a request to rows of the account in force. Foreign and missing are NotFound."""

from uuid import UUID

from apps.core.errors import NotFound
from apps.core.permissions import Permission, require

from .models import Delivery, Recipient


def recipient_for(public_id: UUID) -> Recipient:
    """One recipient."""
    found = Recipient.objects.select_related("user").filter(public_id=public_id).first()
    if found is None:
        raise NotFound("This recipient does not exist, or was removed.")
    require(Permission.NOTIFICATIONS)
    return found


def delivery_for(public_id: UUID) -> Delivery:
    """One letter that the actor in force sees."""
    found = Delivery.objects.filter(public_id=public_id).first()
    if found is None:
        raise NotFound("This letter does not exist, or is kept no longer.")
    require(Permission.NOTIFICATIONS)
    return found
