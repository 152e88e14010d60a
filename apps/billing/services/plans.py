"""The plan of an account, from request to end."""

from datetime import date, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from apps.accounts.enums import AccountState
from apps.accounts.models import Account
from apps.accounts.services import account_activate_plan
from apps.activity.audit import audit
from apps.core import clock
from apps.core.errors import Conflict, InvalidRequest
from apps.core.scope import current_account_id

from ..anchors import next_after
from ..charging import is_charged
from ..enums import Interval, SubscriptionState
from ..errors import DetailsMissing
from ..mails import mail_invoice, tell, tell_operator
from ..models import Invoice, Subscription
from ..price_lists import list_in_force
from ..rules import AFTER_STOP, LATEST_START
from .details import details_missing, details_of
from .invoicing import invoice_issue, invoice_void
from .locking import plan_locked
from .recovering import begin_anew
from .troubles import plan_end, plan_stop, unpaid_invoices

FREE: Final = (SubscriptionState.NONE, SubscriptionState.CANCELLED)
REQUESTS_A_DAY: Final = 3
CANCEL: Final = "billing.cancel"
RUNNING: Final = (SubscriptionState.ACTIVE, SubscriptionState.PAST_DUE)


def subscription_of() -> Subscription:
    """The plan of the account in force; one of state NONE when there was never one."""
    fresh = {"currency": settings.BILLING_CURRENCY}
    return Subscription.objects.get_or_create(account_id=current_account_id(), defaults=fresh)[0]


def _asked_today(subscription: Subscription) -> int:
    """How often a year was asked for today: each time writes mails, also to the operator."""
    before = subscription.requested_at
    return subscription.asked_times if before and before.date() == clock.now().date() else 0


def first_day(today: date, wanted: date | None = None) -> date:
    """The first day that is paid for: as wished, within the days that can be chosen."""
    earliest, latest = start_days(today)
    return max(earliest, min(wanted or earliest, latest))


def start_days(today: date) -> tuple[date, date]:
    """The first and the last day on which a plan may begin: never within the trial, never in the past.

    Whoever has a plan is backed up from the moment it is confirmed, so a late start is given away: once.
    """
    earliest = _free_until(today)
    had_one = Subscription.objects.filter(account_id=current_account_id(), started_on__isnull=False).exists()
    return earliest, earliest if had_one else earliest + LATEST_START


def _free_until(today: date) -> date:
    """The first day that can be paid for."""
    account = Account.objects.get(pk=current_account_id())
    ends = account.trial_ends_at if account.state == AccountState.TRIAL else None
    # Of the day on which the trial ends its first hours are the trial's: the next one is paid for.
    free_until = (ends + timedelta(days=1, microseconds=-1)).date() if ends else None
    return max(filter(None, [today, free_until]))


@transaction.atomic
def subscription_request(
    *,
    interval: str,
    wanted_start: date | None = None,
    purchase_order: str = "",
    contact_name: str = "",
    contact_email: str = "",
) -> Subscription:
    """Subscribe. Monthly begins at once and is charged from the trial's end on; annual waits for the operator.

    Raises DetailsMissing, PriceUnknown, Conflict.
    """
    if not settings.BILLING:
        raise Conflict("Everything is free here.")
    if interval not in Interval.values:
        raise InvalidRequest("A plan is monthly or annual.")
    subscription = plan_locked(subscription_of())
    if subscription.state not in FREE:
        raise Conflict("This account has a plan, or has asked for one.", do="Load the page again.")
    if Account.objects.filter(pk=subscription.account_id, state=AccountState.ENDING).exists():
        raise Conflict("This account is being deleted.")
    if unpaid_invoices(subscription):
        raise Conflict("An invoice is not paid.", do="Pay it first.")
    asked = _asked_today(subscription)
    if interval == Interval.YEAR and asked >= REQUESTS_A_DAY:
        raise Conflict("An annual plan was asked for several times today.", do="Ask again tomorrow.")
    missing = details_missing(details_of())
    if missing:
        raise DetailsMissing(f"These are missing: {', '.join(missing)}.", do="Fill in the billing details.")
    today = clock.now().date()
    latest = start_days(today)[1]
    if wanted_start is not None and wanted_start > latest:
        raise InvalidRequest(f"The latest day is {latest:%-d %B %Y}.", do="Choose an earlier one.")
    subscription.interval = interval
    subscription.price_list = list_in_force(subscription.currency, today)
    subscription.wanted_start, subscription.purchase_order = wanted_start, purchase_order.strip()[:60]
    subscription.contact_name, subscription.contact_email = contact_name[:120], contact_email
    subscription.requested_at, subscription.asked_times = clock.now(), asked + (interval == Interval.YEAR)
    if interval == Interval.MONTH:
        return _begin(subscription, first_day(today))
    subscription.state = SubscriptionState.REQUESTED
    subscription.save()
    tell("requested")
    task = f"Ask {subscription.contact_words} whether it is meant, then: manage.py billing confirm"
    tell_operator("An annual plan is requested", task)
    audit("billing.requested", description="Asked for an annual plan.")
    return subscription


def _begin(subscription: Subscription, first: date) -> Subscription:
    """The plan is in force; nothing is billed before its first day."""
    subscription.state, subscription.cancel_at_end = SubscriptionState.ACTIVE, False
    subscription.free_until = _free_until(clock.now().date())
    subscription.stopped_on = subscription.told = subscription.counted_at = None
    subscription.counted_seconds = 0
    subscription.started_on = subscription.period_start = subscription.period_end = first
    subscription.invoiced_to, subscription.anchor_day = first, first.day
    subscription.save()
    account_activate_plan(account_id=current_account_id())
    tell("subscribed", plan=subscription, yearly=subscription.interval == Interval.YEAR)
    words = subscription.get_interval_display()
    audit("billing.subscribed", description=f"{words} plan from {first:%-d %B %Y}, in {subscription.currency}.")
    return subscription


@transaction.atomic
def subscription_confirm(subscription: Subscription, *, today: date | None = None) -> Subscription:
    """The operator says yes to an annual request: the invoice is issued, payable in 30 days."""
    subscription = _requested(subscription)
    today = today or clock.now().date()
    subscription = _begin(subscription, first_day(today, subscription.wanted_start))
    plan_invoice(subscription, today)
    return plan_locked(subscription)


@transaction.atomic
def subscription_refuse(subscription: Subscription, *, why: str) -> Subscription:
    """The operator says no to an annual request, or who asked takes it back."""
    subscription = _requested(subscription)
    subscription.state = SubscriptionState.NONE
    if subscription.stopped_on:
        # Nothing was counted while it was asked for: all notices, and the whole time, begin anew.
        plan_stop(subscription, SubscriptionState.CANCELLED, clock.now().date())
    subscription.save()
    tell("refused", why=why)
    audit("billing.refused", description=f"The request is closed: {why}")
    return subscription


def _requested(subscription: Subscription) -> Subscription:
    subscription = plan_locked(subscription)
    if subscription.state != SubscriptionState.REQUESTED:
        raise Conflict("No annual plan is requested.")
    return subscription


@transaction.atomic
def plan_invoice(subscription: Subscription, today: date) -> bool:
    """Bill the next period, and remember that it is billed, both or neither. False when it is not billed now.

    So it is when another worker has billed since this plan was read. Nor is a year passed over in which there
    is nothing to pay for yet: it begins on the day on which something is counted, looked for day by day.
    """
    first = subscription.invoiced_to
    subscription = plan_locked(subscription)
    if first is None or subscription.invoiced_to != first or subscription.state not in RUNNING:
        return False
    until = next_after(first, subscription.anchor_day, subscription.interval)
    invoice = invoice_issue(subscription, first=first, until=until, today=today)
    if invoice is None and subscription.interval == Interval.YEAR:
        begin_anew(subscription, today)
        subscription.save()
        return False
    subscription.invoiced_to = until
    subscription.save(update_fields=["invoiced_to"])
    if invoice is not None and not is_charged(subscription, invoice):
        mail_invoice(invoice)  # who is charged by card gets the receipt
    return True


@transaction.atomic
def subscription_cancel(subscription: Subscription) -> Subscription:
    """End a plan with the last day that is paid for; what was billed ahead and is not paid is taken back.

    One that has not begun, and is not paid, ends with the trial that it was asked for in, else at once.
    """
    subscription = plan_locked(subscription)
    if subscription.state not in RUNNING or subscription.cancel_at_end:
        raise Conflict("There is no plan to cancel.")
    today = clock.now().date()
    ends = ends_if_cancelled(subscription, today)
    for invoice in _taken_back(subscription, today):
        invoice_void(invoice, why="the plan was cancelled")
    subscription = plan_locked(subscription)  # as the voids left it
    subscription.cancel_at_end, subscription.invoiced_to = True, ends
    subscription.save()
    audit("billing.cancelled", description=f"The plan ends on {ends:%-d %B %Y}.")
    if not plan_end(subscription, today):
        tell("cancelled", ends=ends)
    return plan_locked(subscription)


def _taken_back(subscription: Subscription, today: date) -> list[Invoice]:
    """What was billed ahead, and nobody paid anything of."""
    return [one for one in unpaid_invoices(subscription) if one.effective_on > today and not one.paid_minor]


def ends_if_cancelled(subscription: Subscription, today: date) -> date:
    """The first day without a plan, were it cancelled now."""
    assert subscription.invoiced_to and subscription.started_on, "a plan that runs has its days"
    ends = min([subscription.invoiced_to, *(one.effective_on for one in _taken_back(subscription, today))])
    if today < subscription.started_on and ends <= subscription.started_on:
        ends = max(today, min(ends, subscription.free_until or today))
    return ends


def cancel_approved(payload: dict[str, Any]) -> None:
    """End the plan of the account in force. An act of the two-person rule: it leads to the account's end."""
    subscription_cancel(subscription_of())


def cancel_words(payload: dict[str, Any]) -> str:
    """What ending the plan means."""
    return (
        "The plan ends with what is paid. From then on nothing new is backed up, and without another plan the "
        f"account is closed {AFTER_STOP.days} days later and everything in it deleted, with its notices before."
    )


@transaction.atomic
def subscription_keep(subscription: Subscription) -> Subscription:
    """Take a cancellation back before its day has come."""
    subscription = plan_locked(subscription)
    if not subscription.cancel_at_end or subscription.state not in RUNNING:
        raise Conflict("This plan is not cancelled, or it has ended.", do="Subscribe anew.")
    subscription.cancel_at_end = False
    if subscription.invoiced_to and subscription.started_on:
        subscription.invoiced_to = max(subscription.invoiced_to, subscription.started_on)
    subscription.save()
    audit("billing.kept", description="The plan goes on.")
    return subscription


@transaction.atomic
def subscription_change(
    subscription: Subscription,
    *,
    currency: str | None = None,
    auto_pay: bool | None = None,
    price_list: str | None = None,
) -> Subscription:
    """What only the operator changes, for the invoices to come."""
    subscription = plan_locked(subscription)
    today, said = clock.now().date(), []
    if auto_pay is not None:
        subscription.auto_pay = auto_pay
        said.append("charged by card" if auto_pay else "not charged by card, invoices are paid by hand")
    if currency is not None or price_list is not None:
        name = price_list or (subscription.price_list.name if subscription.price_list else "")
        found = list_in_force(currency or subscription.currency, today, name)
        subscription.currency = found.currency
        subscription.price_list = found if subscription.price_list else None
        said.append(f"prices of {found}")
    subscription.save()
    audit("billing.changed", description=f"By support: {'; '.join(said)}.")
    return subscription
