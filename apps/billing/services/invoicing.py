"""Issuing invoices and credit notes."""

from datetime import date
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from apps.accounts.models import Account
from apps.activity.audit import audit
from apps.activity.registry import service_words
from apps.core import clock
from apps.core.errors import InvalidRequest
from apps.core.scope import current_account_id

from ..charging import is_charged
from ..enums import Interval, InvoiceKind, InvoiceState, PageState, SubscriptionState
from ..errors import DetailsMissing, InvoiceSettled
from ..mails import mail_invoice
from ..meter import Charge, charges
from ..models import BillingDetails, HostedPage, Invoice, InvoiceLine, Subscription
from ..money import half_up, shown, tax_on
from ..numbers import number_next
from ..rules import CREDIT_SERIES, PAYABLE, SERIES
from ..tax_ids import country_name
from ..taxes import tax_for
from .details import details_of
from .locking import invoice_locked, money_locked, plan_locked
from .recovering import plan_recover
from .troubles import unpaid_invoices

LIVE = (InvoiceState.OPEN, InvoiceState.PAID, InvoiceState.UNCOLLECTIBLE)
BUYER = (
    "title", "first_name", "last_name", "email", "company", "tax_id", "address_1", "address_2", "address_3",
    "country", "state", "city", "zip_code", "phone",
)  # fmt: skip


@transaction.atomic
def invoice_issue(subscription: Subscription, *, first: date, until: date, today: date) -> Invoice | None:
    """Bill a plan for the days from `first` up to `until`; None when there is nothing to pay for.

    The same invoice when it was issued already.
    """
    subscription = plan_locked(subscription)
    issued = Invoice.objects.filter(subscription=subscription, effective_on=first, state__in=LIVE)
    found = issued.exclude(kind=InvoiceKind.CREDIT).first()
    if found is not None:
        return found
    assert subscription.price_list is not None, "a plan agrees to prices"
    charged = charges(subscription.price_list, subscription.interval, min(first, today))
    charged = [charge for charge in charged if charge.total_minor > 0]
    if not charged:
        return None
    details = _details()
    net = sum(charge.total_minor for charge in charged)
    tax = tax_for(details.country, details.tax_id, today)
    invoice = Invoice(
        account_id=current_account_id(),
        subscription=subscription,
        kind=InvoiceKind.ANNUAL if subscription.interval == Interval.YEAR else InvoiceKind.MONTHLY,
        state=InvoiceState.OPEN,
        series=SERIES,
        issued_on=today,
        effective_on=first,
        until=until,
        currency=subscription.currency,
        net_minor=net,
        tax_minor=tax_on(net, tax.percent),
        tax_rate=tax.percent,
        tax_note=tax.note,
        details=_snapshot(details),
        purchase_order=subscription.purchase_order,
    )
    invoice.total_minor = invoice.net_minor + invoice.tax_minor
    by_card = is_charged(subscription, invoice)
    invoice.due_on = today if by_card else today + PAYABLE[Interval(subscription.interval)]
    return _stored(invoice, [_line(charge, subscription.interval) for charge in charged])


def _details() -> BillingDetails:
    details = details_of()
    if details is None:
        raise DetailsMissing("This account has no billing details.", do="Fill them in.")
    return details


def _line(charge: Charge, interval: str) -> InvoiceLine:
    name = service_words(charge.service)
    return InvoiceLine(
        account_id=current_account_id(),
        service=charge.service,
        unit=charge.unit,
        words=f"{name}, per {charge.noun} and {Interval(interval).value}",
        quantity=charge.billable,
        unit_price_minor=charge.unit_price_minor,
        total_minor=charge.total_minor,
        meter_day=charge.day,
    )


def _snapshot(details: BillingDetails) -> dict[str, Any]:
    """What the paper says for ever, whatever changes later."""
    account = Account.objects.get(pk=current_account_id())
    buyer = {field: getattr(details, field) for field in BUYER}
    return {
        "seller": settings.BILLING_SELLER,
        "buyer": {**buyer, "country_name": country_name(details.country)},
        "account": account.name,
    }


def _stored(invoice: Invoice, lines: list[InvoiceLine]) -> Invoice:
    """Give the number and keep everything, the audit last."""
    invoice.total_minor = invoice.net_minor + invoice.tax_minor
    invoice.number = number_next(invoice.series)
    invoice.save()
    for position, line in enumerate(lines, start=1):
        line.invoice, line.position = invoice, position
        line.save()
    total = shown(invoice.total_minor, invoice.currency)
    code = "billing.credited" if invoice.kind == InvoiceKind.CREDIT else "billing.invoiced"
    audit(code, description=f"{invoice.reference}: {total}", subject_id=invoice.public_id)
    return invoice


def invoice_mail(invoice: Invoice) -> None:
    """Send an invoice, or once paid its receipt, to who pays, as link or attachment."""
    with transaction.atomic():
        mail_invoice(invoice)


@transaction.atomic
def invoice_void(invoice: Invoice, *, why: str) -> Invoice:
    """Take an unpaid invoice back; returns its credit note. Raises InvoiceSettled."""
    invoice = invoice_locked(invoice)
    if invoice.state not in (InvoiceState.OPEN, InvoiceState.UNCOLLECTIBLE) or invoice.paid_minor:
        raise InvoiceSettled(f"{invoice.reference} is paid or void.", do="Credit what was paid.")
    invoice.state = InvoiceState.VOID
    invoice.save(update_fields=["state"])
    note = _credit(invoice, invoice.net_minor, invoice.tax_minor, why)
    plan_recover()
    pages_close(invoice)
    return note


def pages_close(invoice: Invoice) -> None:
    """Let nobody pay on a page of the card processor what is not owed any more, or not so much."""
    from ..gateway.tasks import settle_account  # noqa: PLC0415 - what it calls calls the services

    if HostedPage.objects.filter(invoice=invoice, state=PageState.OPEN).exists():
        settle_account.after_commit(account_id=invoice.account_id)


@transaction.atomic
def invoice_credit(invoice: Invoice, *, amount_minor: int, why: str) -> Invoice:
    """Issue a credit note for some of a paid invoice, tax included. Raises InvoiceSettled, InvalidRequest."""
    invoice = invoice_locked(invoice)
    if invoice.kind == InvoiceKind.CREDIT or invoice.state != InvoiceState.PAID:
        raise InvoiceSettled(f"{invoice.reference} is not paid.", do="Void it.")
    if not 0 < amount_minor <= invoice.total_minor - invoice.credited_minor:
        raise InvalidRequest(f"No more than what {invoice.reference} came to can be credited.")
    # Of all that is credited so far, less what the notes before took: so that parts add up to the whole.
    before = -int(invoice.credit_notes.aggregate(net=Sum("net_minor"))["net"] or 0)
    net = half_up((invoice.credited_minor + amount_minor) * 100 / (100 + invoice.tax_rate)) - before
    return _credit(invoice, net, amount_minor - net, why)


def _credit(invoice: Invoice, net: int, tax: int, why: str) -> Invoice:
    today = clock.now().date()
    note = Invoice(
        account_id=invoice.account_id,
        subscription=invoice.subscription,
        credits=invoice,
        kind=InvoiceKind.CREDIT,
        state=InvoiceState.PAID,
        series=CREDIT_SERIES,
        issued_on=today,
        due_on=today,
        effective_on=invoice.effective_on,
        until=invoice.until,
        currency=invoice.currency,
        net_minor=-net,
        tax_minor=-tax,
        tax_rate=invoice.tax_rate,
        tax_note=invoice.tax_note,
        details=invoice.details,
        purchase_order=invoice.purchase_order,
        paid_at=clock.now(),
    )
    line = InvoiceLine(
        account_id=invoice.account_id,
        service="",
        words=f"Credit for {invoice.reference}: {why}"[:200],
        quantity=1,
        unit_price_minor=-net,
        total_minor=-net,
    )
    stored = _stored(note, [line])
    mail_invoice(stored)
    return stored


@transaction.atomic
def invoice_give_up(invoice: Invoice) -> Invoice:
    """Expect no money for an invoice any more; what else is open decides on the plan. Raises InvoiceSettled."""
    invoice = invoice_locked(invoice)
    if invoice.state != InvoiceState.OPEN:
        raise InvoiceSettled(f"{invoice.reference} is not open.")
    invoice.state = InvoiceState.UNCOLLECTIBLE
    invoice.save(update_fields=["state"])
    plan = money_locked()
    if plan is not None and plan.state == SubscriptionState.SUSPENDED and not unpaid_invoices(plan):
        # Nobody waits for money any more, and nobody paid: the plan is over, and another may be chosen.
        plan.state, plan.cancel_at_end = SubscriptionState.CANCELLED, False
        plan.save(update_fields=["state", "cancel_at_end"])
    else:
        plan_recover()
    audit("billing.given_up", description=invoice.reference, subject_id=invoice.public_id)
    return invoice
