"""An invoice that is not paid: when trouble began, what is said about it, what it leads to."""

from datetime import date, timedelta

from django.db import transaction

from apps.accounts.services import account_suspend
from apps.activity.audit import audit
from apps.core.scope import current_account_id

from ..enums import Interval, InvoiceKind, InvoiceState, PaymentState, SubscriptionState
from ..gateway.words import LOST_FOR_GOOD, UNKNOWN
from ..mails import tell, tell_of
from ..models import Card, Invoice, Payment, Subscription
from ..rules import AFTER_STOP, GRACE, REMINDED_AT, RETRY_DAYS
from .locking import invoice_locked, plan_locked

GOES_ON = (SubscriptionState.ACTIVE, SubscriptionState.PAST_DUE)
FAILED = (PaymentState.FAILED, PaymentState.NEEDS_ACTION)


def unpaid_invoices(subscription: Subscription) -> list[Invoice]:
    """What is to pay, the oldest first."""
    rows = Invoice.objects.filter(subscription=subscription, state=InvoiceState.OPEN)
    return list(rows.exclude(kind=InvoiceKind.CREDIT).order_by("effective_on", "pk"))


def failed_charges(invoice: Invoice) -> list[Payment]:
    """The charges of ours that failed, the first one first."""
    rows = Payment.objects.filter(invoice=invoice, attempt__isnull=False, state__in=FAILED)
    return list(rows.order_by("attempt"))


def pending_charge(invoice: Invoice) -> Payment | None:
    """A charge of ours whose end nobody knows."""
    rows = Payment.objects.filter(invoice=invoice, attempt__isnull=False, state=PaymentState.PENDING)
    return rows.first()


def next_try(invoice: Invoice) -> date | None:
    """When the card is charged for an invoice by itself; None when it is not tried any more."""
    failed = failed_charges(invoice)
    if not failed:
        return invoice.due_on
    last = failed[-1]
    if len(failed) > len(RETRY_DAYS) or last.failure_code == UNKNOWN:
        return None
    if last.failure_code in LOST_FOR_GOOD and not _has_other_card(last):
        return None
    # Tries that an outage kept from happening are not made up for one after the other.
    day_after = last.at.date() + timedelta(days=1)
    return max(failed[0].at.date() + timedelta(days=RETRY_DAYS[len(failed) - 1]), day_after)


def _has_other_card(failed: Payment) -> bool:
    active = Card.objects.filter(is_active=True).first()
    return active is not None and active.pk != failed.card_id


def trouble_since(invoice: Invoice) -> date:
    """When an unpaid invoice becomes a trouble: the first failed charge, or the day after it was due."""
    assert invoice.due_on is not None, "an issued invoice is due some day"
    overdue = invoice.due_on + timedelta(days=1)
    failed = failed_charges(invoice)
    return min(failed[0].at.date(), overdue) if failed else overdue


def is_in_trouble(subscription: Subscription, today: date) -> bool:
    """Whether anything that is to pay is overdue, or its charge failed."""
    return any(trouble_since(one) <= today for one in unpaid_invoices(subscription))


def stops_on(invoice: Invoice) -> date:
    """When backups stop for an invoice that stays unpaid."""
    interval = Interval.YEAR if invoice.kind == InvoiceKind.ANNUAL else Interval.MONTH
    return trouble_since(invoice) + GRACE[interval]


def tell_of_failure(invoice: Invoice, payment: Payment) -> None:
    """A charge failed: say why, when it is tried again, and what happens otherwise.

    Nothing where the invoice is paid or void by now: then nobody owes anything.
    """
    if invoice.state != InvoiceState.OPEN:
        return
    plan = Subscription.objects.filter(state=SubscriptionState.ACTIVE)  # an account has one
    plan.update(state=SubscriptionState.PAST_DUE)
    tell_of("failed", invoice, words=payment.words, again=next_try(invoice), stops=stops_on(invoice))


def remind(invoice: Invoice, today: date) -> bool:
    """Write before and after the due day of what is not charged by itself, each thing once, only the newest."""
    assert invoice.due_on is not None, "an issued invoice is due some day"
    late = (today - invoice.due_on).days
    due = max((mark for mark in REMINDED_AT if mark <= late), default=None)
    with transaction.atomic():
        invoice = invoice_locked(invoice)
        was_told = invoice.told is not None and due is not None and invoice.told >= due
        if due is None or was_told or invoice.state != InvoiceState.OPEN:
            return False
        invoice.told = due
        invoice.save(update_fields=["told"])
        if due < 0:
            tell_of("reminder", invoice)
        else:
            tell_of("overdue", invoice, stops=stops_on(invoice))
    return True


@transaction.atomic
def plan_overdue(subscription: Subscription, invoice: Invoice) -> None:
    """An invoice is overdue: the plan says so, unless it was paid since it was read."""
    plan = plan_locked(subscription)
    if plan.state == SubscriptionState.ACTIVE and _is_open(invoice):
        plan.state = SubscriptionState.PAST_DUE
        plan.save(update_fields=["state"])
        audit("billing.overdue", description="An invoice is overdue.")


@transaction.atomic
def plan_suspend(subscription: Subscription, today: date, invoice: Invoice) -> bool:
    """Suspend a plan for an invoice, unless it was paid, or is being charged, since it was read."""
    plan = plan_locked(subscription)
    if plan.state not in GOES_ON or not _is_open(invoice) or pending_charge(invoice) is not None:
        return False
    plan_stop(plan, SubscriptionState.SUSPENDED, today)
    tell("suspended", invoice=invoice, closes=today + AFTER_STOP)
    account_suspend(account_id=current_account_id(), why=f"{invoice.reference} is not paid.")
    return True


@transaction.atomic
def plan_end(subscription: Subscription, today: date) -> bool:
    """End a plan that was cancelled, on its day, unless the cancellation was taken back since it was read."""
    plan = plan_locked(subscription)
    is_over = plan.invoiced_to is not None and plan.invoiced_to <= today
    if plan.state not in GOES_ON or not plan.cancel_at_end or not is_over:
        return False
    plan_stop(plan, SubscriptionState.CANCELLED, today)
    tell("suspended", invoice=None, closes=today + AFTER_STOP)
    account_suspend(account_id=current_account_id(), why="The plan has ended.")
    return True


def plan_stop(plan: Subscription, state: str, today: date) -> None:
    """Write into a locked plan that it goes on no more. A cancellation outlives a suspension."""
    plan.state, plan.stopped_on, plan.told = state, today, None
    plan.counted_at, plan.counted_seconds = None, 0
    if state == SubscriptionState.CANCELLED:
        plan.cancel_at_end = False
    plan.save()


def _is_open(invoice: Invoice) -> bool:
    """As it stands now. Whoever settles an invoice holds its plan first (`locking`)."""
    return Invoice.objects.filter(pk=invoice.pk, state=InvoiceState.OPEN).exists()
