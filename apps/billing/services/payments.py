"""Money that came, or did not. Stripe tells things late, twice and out of order: each fact counts once."""

from datetime import datetime

from ..enums import PaymentMethod
from ..models import Card, Invoice, Payment


def payment_begin(invoice: Invoice, *, card: Card | None = None) -> Payment:
    """Note that the open amount is about to be charged: the row to commit before Stripe is asked.

    The one that is under way already, when there is one: its `public_id` is the idempotency key. Raises
    InvoiceSettled.
    """
    raise NotImplementedError


def payment_succeeded(
    invoice: Invoice,
    *,
    amount_minor: int,
    stripe_id: str = "",
    payment: Payment | None = None,
    method: str = PaymentMethod.CARD,
    words: str = "",
    at: datetime | None = None,
) -> Payment:
    """Money arrived. The same `stripe_id` counts once; the operator learns of what is too much."""
    raise NotImplementedError


def payment_failed(
    invoice: Invoice,
    *,
    stripe_id: str = "",
    payment: Payment | None = None,
    failure_code: str = "",
    words: str = "",
    needs_action: bool = False,
) -> Payment:
    """A charge did not go through. Nothing of a payment that has succeeded is undone by it."""
    raise NotImplementedError


def payment_refunded(payment: Payment, *, refunded_minor: int, stripe_id: str = "") -> Payment:
    """So much in all of a payment was given back."""
    raise NotImplementedError


def payment_recorded(
    invoice: Invoice,
    *,
    amount_minor: int,
    words: str,
    method: str = PaymentMethod.BANK,
    at: datetime | None = None,
) -> Payment:
    """An operator saw money arrive elsewhere. `words` (the bank's reference) count once for an invoice."""
    raise NotImplementedError
