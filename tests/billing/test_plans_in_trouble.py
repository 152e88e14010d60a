"""Who paid keeps the account, whatever the moment; who asked for a plan is not deleted before the answer."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import AccountState, ClosingCause, Role
from apps.accounts.life.closing import account_close, account_reactivate, remind
from apps.accounts.life.deleting import deletion_begin
from apps.accounts.life.trial import trials_look_after
from apps.accounts.models import Account, Approval, PartnerCustomer
from apps.accounts.services import account_suspend
from apps.billing.enums import Interval, InvoiceState, PagePurpose, PaymentState, SubscriptionState
from apps.billing.models import Card, HostedPage, Invoice, Payment, Subscription
from apps.billing.services import (
    meter_day_store,
    payment_failed,
    payment_recorded,
    payment_succeeded,
    run_billing_day,
    subscription_cancel,
    subscription_confirm,
    subscription_of,
    subscription_refuse,
    subscription_request,
)
from apps.billing.services.troubles import plan_overdue, plan_suspend
from apps.core import clock
from apps.core.errors import Conflict
from apps.notifications.models import Delivery
from tests.billing.conftest import BEGIN, FakeCharger, at, live, mailboxes
from tests.cast import Cast, member, prove_again

pytestmark = [pytest.mark.django_db, pytest.mark.database]
SUSPENDED_ON = BEGIN + timedelta(days=21)


def plan() -> Subscription:
    return subscription_of()


def now(account: Account) -> Account:
    return Account.objects.get(pk=account.pk)


@pytest.fixture
def unpaid(account: Account, card: Card, charger: FakeCharger) -> Invoice:
    """A monthly plan whose first charge failed for three weeks."""
    subscription_request(interval=Interval.MONTH)
    charger.answer = "no"
    for day in (BEGIN, *(BEGIN + timedelta(days=days) for days in (1, 3, 5, 7, 14))):
        live(account, day, day, looks=1)
    return Invoice.objects.get()


@pytest.fixture
def suspended(account: Account, unpaid: Invoice) -> Invoice:
    live(account, SUSPENDED_ON, SUSPENDED_ON, looks=1)
    assert plan().state == SubscriptionState.SUSPENDED and now(account).suspended_at
    return unpaid


def pay(invoice: Invoice) -> None:
    payment_succeeded(invoice, stripe_id="pi_page", amount_minor=invoice.total_minor)


def test_paid_while_its_owner_was_closing_it_the_account_is_whole_once_it_is_taken_back(
    account: Account, suspended: Invoice, charger: FakeCharger
) -> None:
    with at(SUSPENDED_ON + timedelta(days=1)):
        account_close(account_id=account.pk)
        pay(suspended)
        run_billing_day(account.pk, SUSPENDED_ON + timedelta(days=1))
        assert plan().state == SubscriptionState.SUSPENDED and now(account).state == AccountState.CLOSING
        account_reactivate(account_id=account.pk)
    assert (plan().state, now(account).suspended_at) == (SubscriptionState.ACTIVE, None)


def test_what_was_paid_since_it_was_read_suspends_nothing(account: Account, unpaid: Invoice) -> None:
    read = plan()
    pay(unpaid)
    assert plan().state == SubscriptionState.ACTIVE
    plan_overdue(read, unpaid)
    assert not plan_suspend(read, SUSPENDED_ON, unpaid)
    assert plan().state == SubscriptionState.ACTIVE and now(account).suspended_at is None


def test_a_plan_that_is_suspended_with_nothing_unpaid_comes_back_within_the_hour(
    account: Account, suspended: Invoice
) -> None:
    Invoice.objects.filter(pk=suspended.pk).update(state=InvoiceState.PAID)  # its own recovery was lost
    Subscription.objects.update(told=1, counted_seconds=60 * 86400)
    with at(SUSPENDED_ON + timedelta(days=60)):
        run_billing_day(account.pk, SUSPENDED_ON + timedelta(days=60))
    assert plan().state == SubscriptionState.ACTIVE
    assert (now(account).state, now(account).suspended_at) == (AccountState.ACTIVE, None)


def test_a_cancellation_outlives_a_suspension(account: Account, unpaid: Invoice, charger: FakeCharger) -> None:
    with at(SUSPENDED_ON - timedelta(days=1)):
        subscription_cancel(plan())
    live(account, SUSPENDED_ON, SUSPENDED_ON, looks=1)
    assert plan().state == SubscriptionState.SUSPENDED and plan().cancel_at_end
    late = date(2026, 3, 10)
    with at(late):
        pay(unpaid)
        run_billing_day(account.pk, late)
    assert (plan().state, plan().stopped_on) == (SubscriptionState.CANCELLED, late)
    assert now(account).suspended_at and Invoice.objects.count() == 1, "nothing more is charged"


def test_a_plan_that_stops_while_its_account_is_closing_stops_it_once_it_is_taken_back(
    account: Account, unpaid: Invoice
) -> None:
    with at(SUSPENDED_ON):
        account_close(account_id=account.pk)
        run_billing_day(account.pk, SUSPENDED_ON)
        assert plan().state == SubscriptionState.SUSPENDED and now(account).suspended_at is None
        account_reactivate(account_id=account.pk)
    assert now(account).suspended_at is not None


def test_a_charge_that_fails_after_the_invoice_was_paid_troubles_nobody(
    account: Account, card: Card, charger: FakeCharger
) -> None:
    subscription_request(interval=Interval.MONTH)
    live(account, BEGIN, BEGIN, looks=1)
    invoice = Invoice.objects.get()
    late = Payment.objects.create(
        account=account, invoice=invoice, attempt=2, amount_minor=1, currency="EUR", card=card
    )
    payment_failed(invoice, payment=late, failure_code="card_declined", words="Declined.")
    assert plan().state == SubscriptionState.ACTIVE
    assert not Delivery.objects.filter(letter="billing_failed").exists()


def test_a_year_begins_once_there_is_something_to_pay_for(account: Account, no_charger: None) -> None:
    subscription_request(interval=Interval.YEAR)
    with at(BEGIN):
        subscription_confirm(plan())
        run_billing_day(account.pk, BEGIN)
    assert plan().invoiced_to == BEGIN and not Invoice.objects.exists()
    first = BEGIN + timedelta(days=12)
    with at(first - timedelta(days=1)):
        run_billing_day(account.pk, first - timedelta(days=1))
    with at(first):
        meter_day_store(first, mailboxes(3))
        run_billing_day(account.pk, first)
        run_billing_day(account.pk, first)
    invoice = Invoice.objects.get()
    assert (invoice.effective_on, invoice.until) == (first, date(2027, 2, 12))
    with at(first):
        payment_recorded(invoice, amount_minor=invoice.total_minor, words="Transfer")
        run_billing_day(account.pk, first)
    assert plan().invoiced_to == date(2027, 2, 12) and Invoice.objects.count() == 1


def test_an_account_waits_for_the_answer_to_its_request_but_not_for_ever(
    account: Account, django_capture_on_commit_callbacks: Any
) -> None:
    """Asked on the last day of a closing: not deleted, and told anew once the request is answered."""
    day = BEGIN + timedelta(days=20)
    with at(day):
        account_close(account_id=account.pk, cause=ClosingCause.TRIAL)
    fully = {"closing_told": True, "counted_seconds": 8 * 86400}
    Account.objects.filter(pk=account.pk).update(**fully)
    with at(day + timedelta(days=6)):
        subscription_request(interval=Interval.YEAR)
    with at(day + timedelta(days=8)):
        assert not deletion_begin(account.pk)
        with django_capture_on_commit_callbacks(execute=True):
            remind()
        assert not now(account).closing_told, "nothing is said while it waits"
        subscription_refuse(plan(), why="No.")
        assert not deletion_begin(account.pk), "not without a last word"
        with django_capture_on_commit_callbacks(execute=True):
            remind()
        assert now(account).closing_told and not deletion_begin(account.pk)
    Account.objects.filter(pk=account.pk).update(**fully)
    with at(day + timedelta(days=9)):
        subscription_request(interval=Interval.YEAR)
    with at(day + timedelta(days=40)):
        assert deletion_begin(account.pk)


def test_a_trial_is_not_closed_while_a_request_or_money_is_on_its_way(account: Account) -> None:
    over = BEGIN + timedelta(days=15)
    Account.objects.filter(pk=account.pk).update(trial_told=0, counted_seconds=15 * 86400)
    with at(BEGIN):
        subscription_request(interval=Interval.YEAR)
    with at(over):
        trials_look_after()
        assert now(account).state == AccountState.TRIAL
        with pytest.raises(Conflict, match="is requested"):
            account_close(account_id=account.pk, cause=ClosingCause.TRIAL)
        subscription_refuse(plan(), why="No.")
        page = HostedPage.objects.create(account=account, purpose=PagePurpose.PAYMENT, back_to="/")
        trials_look_after()
        assert now(account).state == AccountState.TRIAL
    with at(over + timedelta(days=8)):
        trials_look_after()
        assert page.state == "open" and now(account).state == AccountState.CLOSING, "no page holds for ever"


def test_a_charge_that_is_under_way_holds_a_deletion_up(account: Account, suspended: Invoice) -> None:
    with at(SUSPENDED_ON + timedelta(days=40)):
        account_close(account_id=account.pk)
        Account.objects.update(closing_told=True, counted_seconds=8 * 86400)
    with at(SUSPENDED_ON + timedelta(days=48)):
        charge = Payment.objects.filter(state=PaymentState.FAILED).latest("attempt")
        Payment.objects.filter(pk=charge.pk).update(state=PaymentState.PENDING, at=clock.now())
        assert not deletion_begin(account.pk)
        assert now(account).state == AccountState.CLOSING


def test_the_first_paid_day_is_the_one_after_the_trial_and_a_refusal_begins_the_notices_anew(
    account: Account, settings: Any
) -> None:
    Account.objects.update(trial_ends_at=datetime(2026, 1, 31, 15, tzinfo=UTC))
    subscription_request(interval=Interval.MONTH)
    assert plan().started_on == date(2026, 2, 1)
    Subscription.objects.update(
        state=SubscriptionState.CANCELLED, stopped_on=BEGIN, told=1, counted_seconds=31 * 86400
    )
    account_suspend(account_id=account.pk, why="Ended.")
    late = BEGIN + timedelta(days=40)
    with at(late):
        for _ in range(3):
            subscription_request(interval=Interval.YEAR)
            subscription_refuse(plan(), why="Not now.")
        with pytest.raises(Conflict, match="several times"):
            subscription_request(interval=Interval.YEAR)
        run_billing_day(account.pk, late)
    now_plan = plan()
    assert (now_plan.state, now_plan.stopped_on, now_plan.told) == (SubscriptionState.CANCELLED, late, None)
    assert now(account).state == AccountState.ACTIVE


def test_ending_the_plan_takes_two_where_the_account_wants_it_and_never_a_guest(
    account: Account, no_charger: None, cast: Cast
) -> None:
    subscription_request(interval=Interval.MONTH)
    long_ago = clock.now() - timedelta(days=30)
    member(account, "anna@pizza-perfecto.example", Role.ADMINISTRATOR, standing_since=long_ago)
    Account.objects.filter(pk=account.pk).update(two_person=True)
    own, guest = Client(), Client()
    own.force_login(cast.owner)
    prove_again(own)
    assert own.post(reverse("billing_cancel")).status_code == 302
    assert not plan().cancel_at_end and Approval.objects.get().act == "billing.cancel"
    assert "everything in it deleted" in Approval.objects.get().words
    Account.objects.filter(pk=account.pk).update(two_person=False)
    relation = PartnerCustomer.objects.get(account=account)
    PartnerCustomer.objects.filter(pk=relation.pk).update(role=Role.ADMINISTRATOR)
    guest.force_login(cast.partner)
    guest.post(reverse("partner_enter", args=[relation.public_id]))
    prove_again(guest)
    assert "End the subscription" not in guest.get(reverse("billing")).content.decode()
    assert guest.post(reverse("billing_cancel")).status_code == 403 and not plan().cancel_at_end
