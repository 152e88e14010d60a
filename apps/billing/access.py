"""From an id in a request to a row of billing. Foreign and missing are one answer."""

from uuid import UUID

from apps.core.errors import NotFound
from apps.core.permissions import Permission, require

from .enums import InvoiceState
from .models import Card, Invoice


def invoice_for(public_id: UUID) -> Invoice:
    """An issued invoice of the account, for who has the right to billing."""
    invoice = Invoice.objects.filter(public_id=public_id).exclude(state=InvoiceState.DRAFT).first()
    if invoice is None:
        raise NotFound("This invoice does not exist.")
    require(Permission.BILLING)
    return invoice


def card_for(public_id: UUID) -> Card:
    """A card of the account, for who has the right to billing."""
    card = Card.objects.filter(public_id=public_id).first()
    if card is None:
        raise NotFound("This card does not exist, or it was deleted.")
    require(Permission.BILLING)
    return card
