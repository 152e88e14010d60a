"""What a payment brings back."""

from datetime import date

from django.db import transaction

from apps.accounts.services import account_activate_plan
from apps.activity.audit import audit
from apps.core import clock
from apps.core.errors import Conflict
from apps.core.scope import current_account_id

from ..enums import SubscriptionState
from ..mails import tell, tell_operator
from ..models import Subscription
from .troubles import trouble_since, unpaid_invoices


def plan_recover() -> None:
    """Put a plan that was in trouble in order again, when nothing is overdue any more.

    What passed while it was suspended is not billed: a new period begins today, on a new anchor day.
    """
    today = clock.now().date()
    in_trouble = [SubscriptionState.PAST_DUE, SubscriptionState.SUSPENDED]
    subscription = Subscription.objects.select_for_update().filter(state__in=in_trouble).first()
    if subscription is None or any(trouble_since(one) <= today for one in unpaid_invoices(subscription)):
        return
    was_suspended = subscription.state == SubscriptionState.SUSPENDED
    if was_suspended:
        try:
            account_activate_plan(account_id=current_account_id())
        except Conflict:
            tell_operator(
                "A payment for an account that is being closed", "It was paid for, but it is being closed."
            )
            return
        _begin_anew(subscription, today)
    subscription.state, subscription.stopped_on, subscription.told = SubscriptionState.ACTIVE, None, None
    subscription.save()
    if was_suspended:
        tell("resumed")
    audit("billing.recovered", description="Everything that was due is paid.")


@transaction.atomic
def plan_skip(subscription: Subscription, today: date) -> None:
    """A whole period passed in which nobody looked (off, or a wrong clock): it is not billed."""
    row = Subscription.objects.select_for_update().get(pk=subscription.pk)
    if row.invoiced_to == subscription.invoiced_to:
        _begin_anew(row, today)
        row.save()
        audit("billing.skipped", description=f"Up to {today:%-d %B %Y} nothing is billed: Everkeep was off.")


def _begin_anew(subscription: Subscription, today: date) -> None:
    if subscription.invoiced_to is not None and subscription.invoiced_to < today:
        subscription.period_start = subscription.period_end = subscription.invoiced_to = today
        subscription.anchor_day = today.day
