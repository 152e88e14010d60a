"""Killed between bill and charge, off for a while, transfers and refunds: billed once or not at all."""

from datetime import date, timedelta

import pytest

from apps.accounts.models import Account
from apps.billing.enums import Interval, PaymentState, SubscriptionState
from apps.billing.models import Card, Invoice, KeptInvoice, Payment, Subscription
from apps.billing.services import (
    invoice_credit,
    meter_day_store,
    payment_recorded,
    payment_refunded,
    payment_succeeded,
    run_billing_day,
    subscription_confirm,
    subscription_of,
    subscription_request,
)
from apps.billing.services.keeping import papers_keep
from apps.billing.services.plans import plan_invoice
from tests.billing.conftest import BEGIN, FakeCharger, at, live, mailboxes

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def plan() -> Subscription:
    return subscription_of()


def invoices() -> list[Invoice]:
    return list(Invoice.objects.order_by("effective_on", "pk"))


def test_killed_between_invoice_and_charge_and_answers_that_get_lost(
    account: Account, card: Card, charger: FakeCharger
) -> None:
    subscription_request(interval=Interval.MONTH)
    with at(BEGIN):
        plan_invoice(plan(), BEGIN)  # nothing was counted yet: a period of nothing
        assert invoices() == []
    following = date(2026, 2, 28)
    live(account, date(2026, 2, 27), date(2026, 2, 27), looks=1)
    with at(following):
        meter_day_store(following, mailboxes(3))
        seen_by_two = plan()
        plan_invoice(seen_by_two, following)
        plan_invoice(seen_by_two, following)  # killed here: billed, not charged
    charger.answer = "lost"
    live(account, following, following, looks=3)
    assert len(charger.taken) == 1 and Payment.objects.get().state == PaymentState.PENDING
    charger.answer = "yes"
    live(account, date(2026, 3, 1), date(2026, 3, 1), looks=3)
    assert len(invoices()) == 1 and len(charger.taken) == 1, "no double charge, no lost charge"
    assert Payment.objects.get().state == PaymentState.SUCCEEDED


def test_a_short_outage_is_billed_once_and_a_long_one_or_a_wrong_clock_not_at_all(
    account: Account, card: Card, charger: FakeCharger
) -> None:
    subscription_request(interval=Interval.MONTH)
    live(account, BEGIN - timedelta(days=3), BEGIN, looks=1)
    for late, looks in (
        (date(2026, 3, 20), 2),
        (date(2036, 1, 1), 3),  # a clock that goes wrong for some hours
        (date(2026, 3, 21), 1),
        (date(2026, 5, 15), 6),  # off for long: believed once it was seen for a day
    ):
        for look in range(looks):
            day = late + timedelta(days=look // 4)
            with at(day, hour=look % 4 * 6):
                run_billing_day(account.pk, day)
    assert [(one.effective_on, one.until) for one in invoices()] == [
        (BEGIN, date(2026, 2, 28)),
        (date(2026, 2, 28), date(2026, 3, 31)),
        (date(2026, 5, 16), date(2026, 6, 16)),
    ]
    assert len(charger.taken) == 3


def test_tries_that_were_missed_are_not_made_up_for_within_hours(
    account: Account, card: Card, charger: FakeCharger
) -> None:
    charger.answer = "no"
    subscription_request(interval=Interval.MONTH)
    live(account, BEGIN - timedelta(days=1), BEGIN)
    for days, tries in ((10, 2), (11, 3), (12, 4)):  # off from the first day to the tenth
        live(account, BEGIN + timedelta(days=days), BEGIN + timedelta(days=days))
        assert Payment.objects.count() == tries, "a bank that is asked every hour takes the card for stolen"


def test_days_seen_while_it_was_suspended_make_no_later_jump_of_the_clock_believed(
    account: Account, card: Card, charger: FakeCharger
) -> None:
    charger.answer = "no"
    subscription_request(interval=Interval.MONTH)
    live(account, BEGIN - timedelta(days=1), BEGIN, looks=1)
    live(account, BEGIN + timedelta(days=21), BEGIN + timedelta(days=23))
    assert plan().state == SubscriptionState.SUSPENDED and plan().counted_seconds > 24 * 3600
    with at(date(2026, 2, 24)):
        owed = Invoice.objects.get()
        payment_succeeded(owed, stripe_id="pi_page", amount_minor=owed.open_minor)
    with at(date(2026, 5, 1)):
        run_billing_day(account.pk, date(2026, 5, 1))
    assert plan().invoiced_to == date(2026, 2, 28), "a period is passed over once it was seen for a day"


def test_a_refund_is_a_credit_note_and_the_papers_outlive_the_account(
    account: Account, card: Card, charger: FakeCharger
) -> None:
    subscription_request(interval=Interval.MONTH)
    live(account, BEGIN - timedelta(days=3), BEGIN, looks=1)
    payment = Payment.objects.get()
    payment_refunded(payment, refunded_minor=300)
    payment_refunded(payment, refunded_minor=300)
    note = Invoice.objects.get(series="CRN")
    assert (note.reference, note.total_minor) == ("CRN-000001", -300)
    invoice_credit(payment.invoice, amount_minor=540, why="goodwill")
    assert sum(one.total_minor for one in invoices()) == 0
    assert papers_keep(account.pk).proof == {"invoices": 3}
    assert not papers_keep(account.pk).proof
    assert {str(kept) for kept in KeptInvoice.objects.all()} == {"INV-000001", "CRN-000001", "CRN-000002"}


def test_a_transfer_counts_once_and_a_plan_goes_on_when_no_cent_is_missing(
    account: Account, no_charger: None
) -> None:
    subscription_request(interval=Interval.YEAR)
    live(account, BEGIN, BEGIN, looks=1)
    with at(BEGIN):
        subscription_confirm(plan())
    live(account, BEGIN + timedelta(days=40), BEGIN + timedelta(days=61), looks=1, every=7)
    (bill,) = invoices()
    assert plan().state == SubscriptionState.SUSPENDED
    with at(BEGIN + timedelta(days=62)):
        payment_recorded(bill, amount_minor=bill.total_minor - 1, words="Transfer 78")
        payment_recorded(bill, amount_minor=bill.total_minor - 1, words="Transfer 78")
        assert plan().state == SubscriptionState.SUSPENDED, "a cent is missing"
        payment_recorded(bill, amount_minor=1, words="Transfer 79")
    assert plan().state == SubscriptionState.ACTIVE and Payment.objects.count() == 2
