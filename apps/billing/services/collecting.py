"""Getting paid: charges by card, reminders of what is paid by hand."""

import logging
from datetime import date

from django.db import transaction

from apps.core import clock
from apps.core.errors import EverkeepError

from ..charging import is_charged
from ..gateway.words import UNKNOWN
from ..mails import tell_operator
from ..models import Card, Invoice, Payment, Subscription
from ..registry import charger
from ..rules import UNHEARD_OF
from .payments import payment_begin, payment_failed
from .troubles import next_try, pending_charge, remind, unpaid_invoices

log = logging.getLogger("everkeep.billing")
NO_CARD = "There is no card to charge."
NOT_HEARD = "Nobody heard whether the card was charged."


def collect(subscription: Subscription, today: date) -> None:
    """Charge what is due, ask again about charges whose end nobody knows, remind of the rest."""
    for invoice in unpaid_invoices(subscription):
        under_way = pending_charge(invoice)
        if under_way is not None:
            charge(under_way)
        elif not is_charged(subscription, invoice):
            remind(invoice, today)
        elif (due := next_try(invoice)) is not None and due <= today:
            charge_invoice(invoice)


def charge_invoice(invoice: Invoice) -> None:
    """Charge the active card for an invoice now. Outside a transaction: its row must be durable before."""
    card = Card.objects.filter(is_active=True).first()
    payment = payment_begin(invoice, card=card)
    if card is None and not payment.words:
        payment_failed(invoice, payment=payment, failure_code="no_card", words=NO_CARD)
    else:
        charge(payment)


def charge(payment: Payment) -> None:
    """Ask for a charge, first or again; trouble at the other end leaves it pending for the next hour.

    Also when its card was deleted meanwhile: the charge may have gone through before.
    """
    who = charger()
    if who is None:
        _give_up(payment)
        return
    try:
        who.charge(payment)
    except EverkeepError as error:
        log.warning("charge %s has no known end: %s", payment.public_id, error)


@transaction.atomic
def _give_up(payment: Payment) -> None:
    """The key of the card processor was taken out: what nobody hears of blocks its plan no longer."""
    if payment.at > clock.now() - UNHEARD_OF:
        return
    log.error("charge %s counts as failed: there is no card processor to ask", payment.public_id)
    payment_failed(payment.invoice, payment=payment, failure_code=UNKNOWN, words=NOT_HEARD)
    said = f"{payment.invoice.reference}, charge {payment.public_id}: look for it at Stripe."
    tell_operator("A charge whose end is not known", said)
