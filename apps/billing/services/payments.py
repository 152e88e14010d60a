"""Money that came, or did not. Stripe tells things late, twice and out of order: each fact counts once."""

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from apps.activity.audit import audit
from apps.core import clock
from apps.core.errors import InvalidRequest
from apps.core.scope import current_account_id

from ..enums import InvoiceKind, InvoiceState, PaymentMethod, PaymentState
from ..errors import InvoiceSettled
from ..mails import mail_invoice, tell_operator
from ..models import Card, Invoice, Payment
from ..models.invoices import UNPAID
from ..money import shown
from .invoicing import invoice_credit, pages_close
from .locking import invoice_locked
from .recovering import plan_recover
from .troubles import tell_of_failure

CAME = (PaymentState.SUCCEEDED, PaymentState.REFUNDED)


@transaction.atomic
def payment_begin(invoice: Invoice, *, card: Card | None = None) -> Payment:
    """Note that the open amount is about to be charged: the row to commit before Stripe is asked.

    The one that is under way already, when there is one: its `public_id` is the idempotency key. Raises
    InvoiceSettled.
    """
    invoice = invoice_locked(invoice)
    if not invoice.open_minor:
        raise InvoiceSettled(f"{invoice.reference} is paid or void.")
    charges = Payment.objects.filter(invoice=invoice, attempt__isnull=False)
    under_way = charges.filter(state=PaymentState.PENDING).first()
    if under_way is not None:
        return under_way
    last = charges.aggregate(last=Max("attempt"))["last"] or 0
    return Payment.objects.create(
        account_id=current_account_id(),
        invoice=invoice,
        card=card,
        amount_minor=invoice.open_minor,
        currency=invoice.currency,
        attempt=last + 1,
        words=str(card) if card else "",
    )


@transaction.atomic
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
    invoice = invoice_locked(invoice)
    row = _row(invoice, stripe_id, payment, method)
    if row.state in CAME:
        return row
    row.state, row.amount_minor = PaymentState.SUCCEEDED, amount_minor
    row.stripe_id = stripe_id or row.stripe_id
    row.failure_code, row.words, row.at = "", words or row.words, at or clock.now()
    row.save()
    _settle(invoice, row)
    return row


def _row(invoice: Invoice, stripe_id: str, payment: Payment | None, method: str) -> Payment:
    """The row that a fact of Stripe's is about: the one that bears its id, the given one, or a new one."""
    rows = Payment.objects.select_for_update()
    found = rows.filter(stripe_id=stripe_id).first() if stripe_id else None
    if found is None and payment is not None:
        found = rows.filter(pk=payment.pk).first()
    return found or Payment(
        account_id=current_account_id(),
        invoice=invoice,
        method=method,
        amount_minor=0,
        currency=invoice.currency,
    )


def _settle(invoice: Invoice, payment: Payment) -> None:
    came = shown(payment.amount_minor, invoice.currency)
    paid = invoice.paid_minor
    if invoice.state == InvoiceState.VOID or paid > invoice.total_minor:
        tell_operator(
            "A payment that was not owed",
            f"{came} came for {invoice.reference}, which was paid or void. Give it back.",
        )
    if invoice.state in UNPAID and paid >= invoice.total_minor:
        invoice.state, invoice.paid_at = InvoiceState.PAID, clock.now()
        invoice.pdf = None  # the receipt says how it was paid
        invoice.save(update_fields=["state", "paid_at", "pdf"])
        mail_invoice(invoice)
        plan_recover()
    audit(
        "billing.paid",
        description=f"{invoice.reference}: {came}, {PaymentMethod(payment.method).label.lower()}",
        subject_id=invoice.public_id,
    )


@transaction.atomic
def payment_failed(
    invoice: Invoice,
    *,
    stripe_id: str = "",
    payment: Payment | None = None,
    failure_code: str = "",
    words: str = "",
    needs_action: bool = False,
) -> Payment:
    """A charge did not go through. Nothing of a payment that has succeeded is undone by it.

    It is told to who pays once for each charge of ours; who stood at the till saw it there.
    """
    invoice = invoice_locked(invoice)
    row = _row(invoice, stripe_id, payment, PaymentMethod.CARD)
    state = PaymentState.NEEDS_ACTION if needs_action else PaymentState.FAILED
    if row.state in (*CAME, state):
        return row
    was_failed = row.state in (PaymentState.FAILED, PaymentState.NEEDS_ACTION)
    row.state, row.stripe_id, row.failure_code = state, stripe_id or row.stripe_id, failure_code[:60]
    row.words = words[:300]
    row.amount_minor = row.amount_minor or invoice.open_minor
    row.save()
    if row.attempt is not None and not was_failed:
        tell_of_failure(invoice, row)
        audit(
            "billing.charge_failed",
            description=f"{invoice.reference}: {words}",
            subject_id=invoice.public_id,
        )
    return row


@transaction.atomic
def payment_refunded(payment: Payment, *, refunded_minor: int, stripe_id: str = "") -> Payment:
    """So much in all of a payment was given back. What no credit note covers yet gets one."""
    invoice = invoice_locked(payment.invoice)
    payment = Payment.objects.select_for_update().get(pk=payment.pk)
    if refunded_minor <= payment.refunded_minor or payment.state not in CAME:
        return payment
    back = shown(refunded_minor - payment.refunded_minor, payment.currency)
    payment.refunded_minor = min(refunded_minor, payment.amount_minor)
    if payment.refunded_minor == payment.amount_minor:
        payment.state = PaymentState.REFUNDED
    payment.save(update_fields=["refunded_minor", "state"])
    uncovered = invoice.total_minor - invoice.paid_minor - invoice.credited_minor
    if invoice.state == InvoiceState.PAID and uncovered > 0:
        invoice_credit(invoice, amount_minor=uncovered, why="refunded")
    audit("billing.refunded", description=f"{invoice.reference}: {back}", subject_id=invoice.public_id)
    return payment


@transaction.atomic
def payment_recorded(
    invoice: Invoice,
    *,
    amount_minor: int,
    words: str,
    method: str = PaymentMethod.BANK,
    at: datetime | None = None,
) -> Payment:
    """An operator saw money arrive elsewhere. `words` (the bank's reference) count once for an invoice."""
    if amount_minor <= 0 or not words.strip():
        raise InvalidRequest("A payment needs an amount and the bank's reference.")
    invoice = invoice_locked(invoice)
    if invoice.kind == InvoiceKind.CREDIT or invoice.number is None:
        raise InvalidRequest("Nobody pays this.")
    said = words.strip()[:300]
    known = Payment.objects.filter(invoice=invoice, words=said).exclude(method=PaymentMethod.CARD)
    found = known.first()
    if found is not None:
        return found
    payment = payment_succeeded(invoice, amount_minor=amount_minor, method=method, words=said, at=at)
    pages_close(invoice)
    return payment
