"""Money taken by card: asked for once, found again after a crash, written down once.

The row of a charge is committed before Stripe is asked, and its id is both the idempotency key and a mark on
the payment at Stripe. Whoever takes up such a row asks Stripe first what became of it: by the mark, which works
for ever, and then by the same key again, which Stripe remembers for a day.
"""

import logging
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import models, transaction

from apps.core import clock
from apps.core.errors import EverkeepError, Gone, RemoteError

from ..enums import PaymentState
from ..mails import tell_operator
from ..models import Card, Invoice, Payment
from ..services.payments import payment_begin, payment_failed, payment_refunded, payment_succeeded
from . import errors
from .base import ChargeOrder, Mark, PaymentOutcome, Processor
from .chosen import required
from .customers import Foreign, account_here, check_ours, customer_ensure
from .takes import takes
from .words import UNKNOWN, words_for

logger = logging.getLogger("everkeep.billing")

# So long a request may be under way: before that, nobody else asks what became of it.
UNDER_WAY: Final = timedelta(minutes=2)
# After that the operator is told of a charge whose end is still not known.
TELL_AFTER: Final = timedelta(days=1)


def charge(invoice: Invoice, card: Card) -> PaymentOutcome:
    """See `base.Gateway.charge`."""
    payment = payment_begin(invoice, card=card)
    try:
        return charge_payment(payment)
    except RemoteError as error:
        logger.warning("charge %s is not known to be over: %s %s", payment.public_id, error.code, error)
        return PaymentOutcome(PaymentState.PENDING, words=error.what, do=error.do)


def charge_payment(payment: Payment) -> PaymentOutcome:
    """Bring a charge, whose row is committed, to its end; may be called again. Raises RemoteError.

    While its row is pending nobody is sent to pay the invoice by hand, and who was there before is sent away.
    """
    from .hosted import pages_settle  # noqa: PLC0415 - pages write payments down by this module

    processor = required()
    order = _order(payment)
    pages_settle(Invoice.objects.get(pk=payment.invoice_id), close=True)
    outcome = processor.charge_find(order) or _ask(processor, payment, order)
    if outcome.stripe_id:
        outcome_apply(outcome)
    else:
        _fail(payment, outcome)
    return outcome


class StripeCharger:
    """`registry.Charger` by Stripe."""

    def is_on(self) -> bool:
        return bool(settings.STRIPE_KEY)

    def takes(self, currency: str, amount_minor: int | None = None) -> bool:
        return takes(currency, amount_minor)

    def charge(self, payment: Payment) -> None:
        charge_payment(payment)


def _ask(processor: Processor, payment: Payment, order: ChargeOrder) -> PaymentOutcome:
    invoice = Invoice.objects.get(pk=payment.invoice_id)
    if invoice.open_minor < payment.amount_minor:
        # Paid otherwise meanwhile, and Stripe never heard of this charge.
        return _failed("not_taken")
    if not order.card:
        return _failed("card_gone")
    try:
        return processor.charge(order)
    except errors.KeyUsedTwice as twice:
        # Asked for before in other words. What came of that bears our mark; without one nothing was taken.
        found = processor.charge_find(order)
        if found is None:
            logger.error("charge %s: %s %s", payment.public_id, twice.what, twice.request_id)
            said = f"{twice.what} Stripe has no payment of it; see its log by the request {twice.request_id}."
            found = _failed("not_asked", told_operator=f"{invoice.reference}: {said}")
        return found
    except (errors.Asked, errors.NotSet, Gone) as refused:
        facts = processor.card(order.card)
        if facts is None or facts.customer != order.customer:
            return _failed("card_gone")
        # Refused as a request: asked again it would be refused again, and pending for ever.
        logger.error("charge %s is not accepted: %s %s", payment.public_id, refused.code, refused)
        return _failed("not_asked", told_operator=f"{invoice.reference}: {refused.what} {refused.do}".strip())


def _failed(code: str, *, told_operator: str = "") -> PaymentOutcome:
    words, do = words_for(code, "")
    return PaymentOutcome(
        PaymentState.FAILED, failure_code=code, words=words, do=do, told_operator=told_operator
    )


def _fail(payment: Payment, outcome: PaymentOutcome) -> None:
    """The end of a charge that left no trace at Stripe."""
    invoice = Invoice.objects.get(pk=payment.invoice_id)
    if outcome.failure_code == "not_taken":
        # Nobody is told: nothing is owed any more.
        rows = Payment.objects.filter(pk=payment.pk, state=PaymentState.PENDING)
        rows.update(state=PaymentState.FAILED, failure_code="not_taken", words=outcome.words)
        return
    with transaction.atomic():
        payment_failed(
            invoice,
            payment=payment,
            failure_code=outcome.failure_code,
            words=f"{outcome.words} {outcome.do}".strip(),
        )
        if outcome.told_operator:
            tell_operator("A charge that the card processor does not accept", outcome.told_operator)


def _order(payment: Payment) -> ChargeOrder:
    account = account_here()
    invoice = Invoice.objects.get(pk=payment.invoice_id)
    card = Card.objects.filter(pk=payment.card_id).first() if payment.card_id else None
    return ChargeOrder(
        customer=customer_ensure(account),
        card=card.stripe_id if card is not None else "",
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        words=f"Everkeep {invoice.reference}",
        mark=Mark(account.public_id, invoice=invoice.public_id, payment=payment.public_id),
    )


def outcome_apply(outcome: PaymentOutcome) -> Payment | None:
    """Write down how a payment at Stripe stands now. Told twice, late or out of order, it counts once.

    Raises Foreign for a payment of anybody else. None for one that is under way, or not for an invoice of ours.
    """
    check_ours(outcome.customer)
    mark = outcome.mark
    if mark is None or mark.invoice is None:
        return None  # made at Stripe by hand
    if mark.account != account_here().public_id:
        raise Foreign("This payment bears the mark of another account. Nothing was changed.")
    invoice = Invoice.objects.filter(public_id=mark.invoice).first()
    if invoice is None or invoice.currency != outcome.currency:
        raise Foreign("This payment is for no invoice of this account. Nothing was changed.")
    payment = Payment.objects.filter(public_id=mark.payment, invoice=invoice).first() if mark.payment else None
    if outcome.state == PaymentState.SUCCEEDED:
        return _arrived(invoice, payment, outcome)
    if outcome.state == PaymentState.PENDING:
        return None
    return payment_failed(
        invoice,
        stripe_id=outcome.stripe_id,
        payment=payment,
        failure_code=outcome.failure_code,
        words=f"{outcome.words} {outcome.do}".strip(),
        needs_action=outcome.state == PaymentState.NEEDS_ACTION,
    )


def _arrived(invoice: Invoice, payment: Payment | None, outcome: PaymentOutcome) -> Payment:
    card = outcome.card
    words = f"{card.brand.title()} ···· {card.last4}" if card is not None else ""
    payment = payment_succeeded(
        invoice,
        amount_minor=outcome.amount_minor,
        stripe_id=outcome.stripe_id,
        payment=payment,
        method=outcome.method,
        words=words,
        at=outcome.at,
    )
    if outcome.refunded_minor:
        payment = payment_refunded(payment, refunded_minor=outcome.refunded_minor)
    return payment


def refund(payment: Payment, amount_minor: int | None = None) -> Payment:
    """See `base.Gateway.refund`. Killed after Stripe gave the money, the next call finds that it is given."""
    processor = required()
    before = processor.outcome(payment.stripe_id)
    check_ours(before.customer)
    if before.refunded_minor > payment.refunded_minor:
        return payment_refunded(payment, refunded_minor=before.refunded_minor)
    wanted = payment.amount_minor - payment.refunded_minor if amount_minor is None else amount_minor
    mark = Mark(account_here().public_id, payment=payment.public_id)
    key = f"{payment.public_id}-{payment.refunded_minor}"
    back = processor.refund(payment.stripe_id, amount_minor=wanted, key=key, mark=mark)
    return payment_refunded(payment, refunded_minor=back)


def under_way(invoice: Invoice) -> models.QuerySet[Payment]:
    """Charges of ours for an invoice whose end is not known."""
    return Payment.objects.filter(invoice=invoice, attempt__isnull=False, state=PaymentState.PENDING)


def charges_recover() -> int:
    """Bring to an end what a worker left behind; returns how many are still not known."""
    left, now = 0, clock.now()
    waiting = Payment.objects.filter(attempt__isnull=False, state=PaymentState.PENDING)
    for payment in waiting.filter(at__lt=now - UNDER_WAY).order_by("pk"):
        why = "the bank has not answered"
        try:
            is_open = charge_payment(payment).state == PaymentState.PENDING
        except EverkeepError as error:
            logger.warning("charge %s is not known to be over: %s %s", payment.public_id, error.code, error)
            is_open, why = True, error.what
        if is_open and payment.at < now - TELL_AFTER:
            _tell_of_unknown(payment, why)
        left += is_open
    return left


@transaction.atomic
def _tell_of_unknown(payment: Payment, why: str) -> None:
    """Once: what stays unknown for so long takes a person."""
    rows = Payment.objects.filter(pk=payment.pk, state=PaymentState.PENDING).exclude(failure_code=UNKNOWN)
    if rows.update(failure_code=UNKNOWN):
        said = f"{payment.invoice.reference}, charge {payment.public_id}: its end is not known for a day: {why}"
        tell_operator("A charge whose end is not known", f"{said.rstrip('.')}. Look for it at Stripe.")
