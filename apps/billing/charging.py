"""Whether a plan is charged by itself, or its invoices are paid by hand."""

from .enums import Interval
from .models import Invoice, Subscription
from .registry import charger


def is_charged(subscription: Subscription, invoice: Invoice | None = None) -> bool:
    """Monthly, not switched off by the operator, and the cards of this installation can be charged.

    Not in every currency, and, where an invoice is given, not for a sum below what the processor takes.
    """
    who = charger()
    if who is None or not subscription.auto_pay or subscription.interval != Interval.MONTH:
        return False
    if invoice is None:
        return who.takes(subscription.currency)
    return who.takes(invoice.currency, invoice.total_minor)
