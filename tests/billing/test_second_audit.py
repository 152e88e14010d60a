"""What the second audit of billing found."""

from datetime import date, timedelta

import pytest

from apps.accounts.models import Account
from apps.billing.enums import Interval, InvoiceState, SubscriptionState
from apps.billing.models import Invoice, Subscription
from apps.billing.services import (
    meter_day_store,
    payment_recorded,
    subscription_cancel,
    subscription_confirm,
    subscription_keep,
    subscription_of,
    subscription_request,
)
from apps.core.errors import InvalidRequest
from tests.billing.conftest import BEGIN, at, live, mailboxes

pytestmark = [pytest.mark.django_db, pytest.mark.database]
ASKED = BEGIN - timedelta(days=5)
LATEST = BEGIN + timedelta(days=31)


def plan() -> Subscription:
    return subscription_of()


def confirmed(wanted: date, *, on: date) -> Invoice:
    """A year that was asked for and confirmed on a day."""
    with at(on):
        meter_day_store(on, mailboxes(3))
        subscription_request(interval=Interval.YEAR, wanted_start=wanted)
        subscription_confirm(plan())
    return Invoice.objects.order_by("pk").exclude(series="CRN").last()  # type: ignore[return-value]


def is_backed_up(account: Account) -> bool:
    return Account.objects.get(pk=account.pk).suspended_at is None


def test_a_first_year_starts_a_month_after_the_trial_at_the_latest(account: Account, no_charger: None) -> None:
    with at(ASKED), pytest.raises(InvalidRequest, match="The latest day is 3 March 2026"):
        subscription_request(interval=Interval.YEAR, wanted_start=LATEST + timedelta(days=1))
    assert confirmed(LATEST, on=ASKED).effective_on == LATEST


def test_a_year_cancelled_before_it_begins_ends_with_the_trial_and_another_one_begins_at_once(
    account: Account, no_charger: None
) -> None:
    invoice = confirmed(LATEST, on=ASKED)
    with at(ASKED):
        subscription_keep(subscription_cancel(plan()))
        assert plan().invoiced_to == LATEST
        subscription_cancel(plan())
    invoice.refresh_from_db()
    assert (invoice.state, plan().state) == (InvoiceState.VOID, SubscriptionState.ACTIVE)
    assert is_backed_up(account), "the trial's rest stays free"
    live(account, BEGIN, BEGIN, looks=1)
    assert plan().state == SubscriptionState.CANCELLED and not is_backed_up(account)
    later = BEGIN + timedelta(days=3)
    with at(later), pytest.raises(InvalidRequest, match="The latest day"):
        subscription_request(interval=Interval.YEAR, wanted_start=later + timedelta(days=1))
    assert confirmed(later, on=later).effective_on == later and is_backed_up(account)


def test_a_year_cancelled_between_trial_and_start_ends_at_once_unless_it_is_paid(
    account: Account, no_charger: None
) -> None:
    invoice = confirmed(LATEST, on=ASKED)
    with at(BEGIN + timedelta(days=9)):
        assert is_backed_up(account)
        subscription_cancel(plan())
    assert plan().state == SubscriptionState.CANCELLED and not is_backed_up(account)
    Subscription.objects.update(started_on=None)
    invoice = confirmed(LATEST, on=BEGIN + timedelta(days=10))
    with at(BEGIN + timedelta(days=11)):
        payment_recorded(invoice, amount_minor=invoice.total_minor, words="Transfer 1")
        subscription_cancel(plan())
    assert (plan().state, plan().invoiced_to) == (SubscriptionState.ACTIVE, invoice.until)
    assert is_backed_up(account)
