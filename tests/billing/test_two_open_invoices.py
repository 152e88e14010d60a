"""Of two invoices that are open, what becomes of one leaves the other what it is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.enums import AccountState, ClosingCause
from apps.accounts.models import Account
from apps.accounts.services import account_close, account_suspend
from apps.billing.enums import Interval, SubscriptionState
from apps.billing.models import Invoice, Subscription
from apps.billing.services import (
    invoice_give_up,
    invoice_void,
    payment_succeeded,
    run_billing_day,
    subscription_of,
    subscription_request,
)
from apps.billing.services.troubles import remind
from apps.core.errors import Conflict
from apps.notifications.models import Delivery
from tests.billing.conftest import BEGIN, at
from tests.billing.stripe_rig import make_invoice

pytestmark = [pytest.mark.django_db, pytest.mark.database]
ACTIVE, SUSPENDED = SubscriptionState.ACTIVE, SubscriptionState.SUSPENDED
OVERDUE, NOT_DUE = -40, 5  # days from today


def pay(invoice: Invoice) -> None:
    payment_succeeded(invoice, stripe_id=f"pi_{invoice.pk}", amount_minor=invoice.total_minor)


def give_up(invoice: Invoice) -> None:
    invoice_give_up(invoice)


def void(invoice: Invoice) -> None:
    invoice_void(invoice, why="a mistake of ours")


def suspended_for(account: Account, *due: int) -> list[Invoice]:
    """A suspended plan with an open invoice for each of these due days."""
    plan = subscription_of()
    plan.state, plan.stopped_on, plan.started_on = SUSPENDED, BEGIN, BEGIN - timedelta(days=60)
    plan.period_start = plan.period_end = plan.invoiced_to = BEGIN + timedelta(days=20)
    plan.save()
    account_suspend(account_id=account.pk, why="Not paid.")
    made = []
    for number, days in enumerate(due):
        fields: dict[str, Any] = {"subscription": plan, "due_on": BEGIN + timedelta(days=days)}
        made.append(make_invoice(account, effective_on=BEGIN - timedelta(days=90 - number), **fields))
    return made


def stands() -> tuple[str, bool]:
    """The plan's state, and whether its account's backups are stopped."""
    plan = Subscription.objects.select_related("account").get()
    return plan.state, plan.account.suspended_at is not None


@pytest.mark.parametrize(
    ("other", "act", "then"),
    [
        (OVERDUE, pay, (SUSPENDED, True)),
        (OVERDUE, give_up, (SUSPENDED, True)),
        (OVERDUE, void, (SUSPENDED, True)),
        (NOT_DUE, pay, (ACTIVE, False)),
        (NOT_DUE, give_up, (ACTIVE, False)),
        (NOT_DUE, void, (ACTIVE, False)),
    ],
)
def test_a_suspended_plan_waits_for_what_else_is_overdue_and_for_nothing_more(
    account: Account, no_charger: None, other: int, act: Callable[[Invoice], None], then: tuple[str, bool]
) -> None:
    with at(BEGIN):
        first, second = suspended_for(account, OVERDUE, other)
        act(first)
        assert stands() == then
        run_billing_day(account.pk, BEGIN)
        assert stands() == then, "the next hour sees it alike"
        pay(second)
        assert stands() == (ACTIVE, False)


def test_giving_up_the_last_open_invoice_ends_a_suspended_plan_and_another_may_be_chosen(
    account: Account, no_charger: None
) -> None:
    with at(BEGIN):
        first, second = suspended_for(account, OVERDUE, OVERDUE)
        give_up(first)
        with pytest.raises(Conflict, match="not paid"):
            Subscription.objects.update(state=SubscriptionState.CANCELLED)
            subscription_request(interval=Interval.MONTH)
        Subscription.objects.update(state=SUSPENDED)
        give_up(second)
        assert stands() == (SubscriptionState.CANCELLED, True)
        subscription_request(interval=Interval.MONTH)
        assert stands() == (ACTIVE, False)


def test_account_and_plan_that_disagree_are_mended_within_the_hour(account: Account, no_charger: None) -> None:
    with at(BEGIN):
        suspended_for(account)
        Subscription.objects.update(state=ACTIVE, stopped_on=None)
        run_billing_day(account.pk, BEGIN)
        assert stands() == (ACTIVE, False)


def test_what_was_paid_since_it_was_read_is_not_reminded_of(account: Account, no_charger: None) -> None:
    with at(BEGIN):
        (read,) = suspended_for(account, OVERDUE)
        pay(Invoice.objects.get())
        assert not remind(read, BEGIN)
    assert not Delivery.objects.filter(letter="billing_overdue").exists()


def test_a_year_is_asked_for_three_times_a_day_and_anew_tomorrow(account: Account, no_charger: None) -> None:
    for day in (BEGIN, BEGIN + timedelta(days=1)):
        with at(day):
            for _ in range(3):
                subscription_request(interval=Interval.YEAR)
                Subscription.objects.update(state=SubscriptionState.NONE)
            with pytest.raises(Conflict, match="several times today"):
                subscription_request(interval=Interval.YEAR)


def test_who_has_a_plan_again_is_neither_closed_nor_deleted_for_want_of_one(
    account: Account, no_charger: None
) -> None:
    """Somebody read that it had none, and it was paid before the closing was written."""
    with at(BEGIN):
        (invoice,) = suspended_for(account, OVERDUE)
        account_close(account_id=account.pk, cause=ClosingCause.NO_PLAN)
        pay(invoice)
        with pytest.raises(Conflict, match="has a plan"):
            account_close(account_id=account.pk, cause=ClosingCause.NO_PLAN)
        # As an earlier version left it, which did not ask for a plan.
        Account.objects.update(state=AccountState.CLOSING, closing_cause=ClosingCause.NO_PLAN)
        run_billing_day(account.pk, BEGIN)
        assert Account.objects.get(pk=account.pk).state == AccountState.ACTIVE
