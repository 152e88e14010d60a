"""What a payment brings back."""

from datetime import date
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from apps.accounts.enums import WANT_OF_A_PLAN, AccountState
from apps.accounts.models import Account
from apps.accounts.services import account_activate_plan, account_suspend
from apps.activity.audit import audit
from apps.core import clock
from apps.core.errors import Conflict
from apps.core.grace import count_on
from apps.core.scope import current_account_id

from ..enums import SubscriptionState
from ..mails import tell, tell_operator
from ..models import Subscription
from ..rules import AFTER_STOP, BELIEVED
from .ending import STOPPED
from .locking import money_locked, plan_locked
from .troubles import GOES_ON, is_in_trouble, plan_stop

# What an account is not, whose plan goes on.
STOPPED_FOR_MONEY: Final = Q(
    suspended_at__isnull=False, state__in=(AccountState.TRIAL, AccountState.ACTIVE)
) | Q(state=AccountState.CLOSING, closing_cause__in=WANT_OF_A_PLAN)
IN_TROUBLE: Final = (SubscriptionState.PAST_DUE, SubscriptionState.SUSPENDED)


@transaction.atomic
def plan_recover(*, by_payment: bool = True) -> None:
    """Put a plan that was in trouble in order again, when nothing is overdue any more.

    What passed while it was suspended is not billed: a new period begins today, on a new anchor day. A plan
    that was cancelled, and whose last day has gone by meanwhile, ends instead. Of an account that its owner
    is closing it stays as it is: taking the closing back, or the next hour after that, brings it here again.
    """
    today = clock.now().date()
    subscription = money_locked()
    if subscription is None or subscription.state not in IN_TROUBLE or is_in_trouble(subscription, today):
        return
    was_suspended = subscription.state == SubscriptionState.SUSPENDED
    if was_suspended:
        try:
            account_activate_plan(account_id=current_account_id())
        except Conflict:
            if by_payment:
                tell_operator(
                    "A payment for an account that is being closed",
                    "It was paid for, but it is being closed.",
                )
            return
        if subscription.cancel_at_end and subscription.invoiced_to and subscription.invoiced_to <= today:
            _end(subscription, today)
            return
        begin_anew(subscription, today)
    subscription.state, subscription.stopped_on, subscription.told = SubscriptionState.ACTIVE, None, None
    # What was seen to pass while it was stopped says nothing of a clock that jumps later (`plan_skip`).
    subscription.counted_at, subscription.counted_seconds = None, 0
    subscription.save()
    if was_suspended:
        tell("resumed")
    audit("billing.recovered", description="Everything that was due is paid.")


def _end(subscription: Subscription, today: date) -> None:
    """All is paid, and it was cancelled: it has ended, with the whole time before anything is closed."""
    plan_stop(subscription, SubscriptionState.CANCELLED, today)
    tell("suspended", invoice=None, closes=today + AFTER_STOP)
    account_suspend(account_id=current_account_id(), why="The plan has ended.")


@transaction.atomic
def plan_mend(account_id: int) -> None:
    """What a payment at a bad moment left behind: account and plan say the same.

    Asked each hour, so that no plan depends on the one moment at which it was paid.
    """
    plan_recover(by_payment=False)
    plan = money_locked()
    if plan is None:
        return
    if plan.state in STOPPED:
        account_suspend(account_id=account_id, why=f"The plan: {plan.get_state_display().lower()}.")
    elif plan.state in GOES_ON and Account.objects.filter(STOPPED_FOR_MONEY, pk=account_id).exists():
        account_activate_plan(account_id=account_id)


def account_returned(account_id: int) -> None:
    """The closing of the account in force was taken back: its plan may have been paid for since."""
    if settings.BILLING:
        plan_mend(account_id)


@transaction.atomic
def plan_skip(subscription: Subscription, today: date) -> bool:
    """A whole period passed in which nobody looked: it is not billed. False while that is not believed yet.

    A clock that jumps ahead looks the same: it must have been seen to go on for a day (`core.grace`).
    """
    row = plan_locked(subscription)
    if row.invoiced_to != subscription.invoiced_to or count_on(row) < BELIEVED:
        return False
    begin_anew(row, today)
    row.counted_at, row.counted_seconds = None, 0
    row.save()
    audit("billing.skipped", description=f"Up to {today:%-d %B %Y} nothing is billed: Everkeep was off.")
    return True


def jump_forget(subscription: Subscription) -> None:
    """No period is passed over: what was seen of a clock that had jumped counts no more."""
    if subscription.counted_at is not None:
        rows = Subscription.objects.filter(pk=subscription.pk, state=subscription.state)
        rows.update(counted_at=None, counted_seconds=0)


def begin_anew(subscription: Subscription, today: date) -> None:
    """Let the next period begin today where it should have begun before: what passed is not billed."""
    if subscription.invoiced_to is not None and subscription.invoiced_to < today:
        subscription.period_start = subscription.period_end = subscription.invoiced_to = today
        subscription.anchor_day = today.day
