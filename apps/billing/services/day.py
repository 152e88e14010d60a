"""One day of an account's billing: steps, each of which looks what is due, so that any may be killed."""

from datetime import date

from django.conf import settings

from apps.accounts.enums import AccountState
from apps.accounts.models import Account

from ..anchors import next_after
from ..enums import Interval
from ..mails import mail_due_invoices
from ..models import Subscription
from ..rules import AHEAD
from .collecting import collect
from .ending import look_after_stopped
from .metering import lines_forget
from .plans import RUNNING, plan_invoice
from .recovering import jump_forget, plan_mend, plan_skip
from .troubles import plan_end, plan_overdue, plan_suspend, stops_on, trouble_since, unpaid_invoices

LIVING = (AccountState.TRIAL, AccountState.ACTIVE)


def run_billing_day(account_id: int, today: date) -> None:
    """Do all that is due for an account up to `today`. May be killed anywhere and called again."""
    if not settings.BILLING:
        lines_forget(today)
        return
    subscription = Subscription.objects.filter(account_id=account_id).first()
    if subscription is not None:
        if Account.objects.filter(pk=account_id, state__in=LIVING).exists():
            _bill(subscription, today)
        collect(subscription, today)
        _judge(subscription, today)
        plan_mend(account_id)
        look_after_stopped(account_id, today)
        mail_due_invoices()
    lines_forget(today)


def _bill(subscription: Subscription, today: date) -> None:
    """Issue what is due. A whole period in which we were off, or that a wrong clock skips, is not billed."""
    while True:
        subscription.refresh_from_db()
        if subscription.state not in RUNNING or subscription.invoiced_to is None:
            return
        _roll(subscription, today)
        if subscription.cancel_at_end:
            plan_end(subscription, today)
            return
        following = next_after(subscription.invoiced_to, subscription.anchor_day, subscription.interval)
        if following > today:
            jump_forget(subscription)
        if subscription.invoiced_to - AHEAD[Interval(subscription.interval)] > today:
            return
        goes_on = plan_skip if following <= today else plan_invoice
        if not goes_on(subscription, today):
            return


def _roll(subscription: Subscription, today: date) -> None:
    """Let the period in use be the one of today, as far as it is billed."""
    first, end, billed = subscription.period_start, subscription.period_end, subscription.invoiced_to
    assert first is not None and end is not None and billed is not None, "a plan that runs has its days"
    while end <= today and end < billed:
        first, end = end, next_after(end, subscription.anchor_day, subscription.interval)
    if end != subscription.period_end:
        Subscription.objects.filter(pk=subscription.pk).update(period_start=first, period_end=end)


def _judge(subscription: Subscription, today: date) -> None:
    """Past due, then suspended, for the oldest invoice that is in trouble and whose charges have ended."""
    subscription.refresh_from_db()
    for invoice in unpaid_invoices(subscription):
        if trouble_since(invoice) > today:
            continue
        plan_overdue(subscription, invoice)
        if stops_on(invoice) <= today:
            plan_suspend(subscription, today, invoice)
        return
