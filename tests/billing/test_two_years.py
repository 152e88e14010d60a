"""A simulated clock over two years: monthly and annual plans, paid, failed, recovered, cancelled, overdue."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core import mail

from apps.accounts.enums import AccountState, ClosingCause
from apps.accounts.models import Account
from apps.accounts.selectors import stopped_accounts
from apps.billing.enums import Interval, InvoiceState, PaymentState, SubscriptionState
from apps.billing.models import Card, Invoice, InvoiceLine, KeptInvoice, MeterDay, Payment, Subscription
from apps.billing.services import (
    invoice_credit,
    payment_recorded,
    payment_refunded,
    payment_succeeded,
    run_billing_day,
    subscription_cancel,
    subscription_confirm,
    subscription_keep,
    subscription_of,
    subscription_request,
)
from apps.billing.services.keeping import papers_keep
from apps.notifications.models import Delivery
from tests.billing.conftest import BEGIN, FakeCharger, at, live, mailboxes

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def plan() -> Subscription:
    return subscription_of()


def invoices() -> list[Invoice]:
    return list(Invoice.objects.order_by("effective_on", "pk"))


def letters() -> list[str]:
    return list(Delivery.objects.order_by("pk").values_list("letter", flat=True).distinct())


@pytest.mark.django_db(transaction=True)
def test_monthly_from_the_trial_on_paid_failed_recovered_and_cancelled(
    account: Account, card: Card, charger: FakeCharger
) -> None:
    subscription_request(interval=Interval.MONTH)
    live(account, BEGIN - timedelta(days=9), BEGIN - timedelta(days=1), looks=1, every=4)
    assert (plan().started_on, invoices()) == (BEGIN, []), "nothing is charged within the trial"
    live(account, BEGIN, date(2026, 12, 30), looks=1, every=6)
    days = [one.effective_on for one in invoices()]
    assert days[:4] == [date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30)]
    assert len(days) == 11 and {one.state for one in invoices()} == {InvoiceState.PAID}
    assert sum(charger.taken.values()) == 11 * 3 * 280, "three mailboxes, no tax: reverse charge"

    charger.answer = "no"
    live(account, date(2026, 12, 31), date(2027, 1, 20), looks=1)
    assert plan().state == SubscriptionState.PAST_DUE
    tried = Payment.objects.filter(state=PaymentState.FAILED).order_by("attempt")
    assert [(one.at.date() - date(2026, 12, 31)).days for one in tried] == [0, 1, 3, 5, 7, 14]
    live(account, date(2027, 1, 21), date(2027, 1, 21))
    assert plan().state == SubscriptionState.SUSPENDED
    assert list(stopped_accounts()) == [account], "nothing new is backed up"
    live(account, date(2027, 1, 22), date(2027, 2, 9), looks=1, every=6)
    assert len(invoices()) == 12, "nothing is billed while nothing is backed up"

    with at(date(2027, 2, 10)):
        open_one = Invoice.objects.get(state=InvoiceState.OPEN)
        payment_succeeded(open_one, stripe_id="pi_page", amount_minor=open_one.open_minor)
    charger.answer = "yes"
    assert plan().state == SubscriptionState.ACTIVE and not stopped_accounts().exists()
    live(account, date(2027, 2, 10), date(2027, 12, 1), looks=1, every=6)
    assert [one.effective_on for one in invoices()][12:15] == [
        date(2027, 2, 10), date(2027, 3, 10), date(2027, 4, 10)
    ]  # fmt: skip

    with at(date(2027, 12, 2)):
        subscription_keep(subscription_cancel(plan()))
        subscription_cancel(plan())
    live(account, date(2027, 12, 2), date(2027, 12, 9), looks=1, every=7)
    assert plan().state == SubscriptionState.ACTIVE, "what is paid for is used to its end"
    live(account, date(2027, 12, 10), date(2028, 1, 20))
    now = Account.objects.get(pk=account.pk)
    assert plan().state == SubscriptionState.CANCELLED
    assert (now.state, now.closing_cause) == (AccountState.CLOSING, ClosingCause.NO_PLAN)
    assert now.closing_since.date() >= date(2028, 1, 9), "not before the thirty days"  # type: ignore[union-attr]
    ending = [sent.subject for sent in mail.outbox if "is closed in" in sent.subject]
    told = [subject.removeprefix("Pizza Perfecto is closed in ") for subject in dict.fromkeys(ending)]
    assert told == ["11 days", "14 days", "7 days", "1 day"], "the first one while it was suspended"

    with at(date(2028, 1, 21)):
        subscription_request(interval=Interval.MONTH)
        run_billing_day(account.pk, date(2028, 1, 21))
    assert Account.objects.get(pk=account.pk).state == AccountState.ACTIVE, "a plan brings it back"
    assert [one.number for one in Invoice.objects.order_by("number")] == list(range(1, len(invoices()) + 1))
    assert_totals_are_the_meter()


def test_annual_requested_confirmed_paid_renewed_overdue_suspended_and_paid(
    account: Account, no_charger: None, settings: Any
) -> None:
    wanted = date(2026, 3, 1)
    subscription_request(interval=Interval.YEAR, wanted_start=wanted, purchase_order="PO 4350123")
    live(account, date(2026, 2, 1), date(2026, 2, 9), looks=1, every=4)
    assert plan().state == SubscriptionState.REQUESTED and not invoices()
    with at(date(2026, 2, 10)):
        subscription_confirm(plan())
    (first,) = invoices()
    assert (first.issued_on, first.due_on) == (date(2026, 2, 10), date(2026, 3, 12))
    assert (first.effective_on, first.until) == (wanted, date(2027, 3, 1))
    assert (first.purchase_order, first.total_minor) == ("PO 4350123", 3 * 2800)
    with at(date(2026, 3, 5)):
        payment_recorded(first, amount_minor=first.total_minor, words="Transfer 77")
        payment_recorded(first, amount_minor=first.total_minor, words="Transfer 77")
    first.refresh_from_db()
    assert first.state == InvoiceState.PAID and Payment.objects.count() == 1
    live(account, date(2026, 2, 10), date(2027, 1, 29), looks=1, every=9)
    assert len(invoices()) == 1
    live(account, date(2027, 1, 30), date(2027, 1, 30), looks=2)
    renewal = invoices()[1]
    assert (renewal.issued_on, renewal.due_on) == (date(2027, 1, 30), date(2027, 3, 1)), "thirty days ahead"
    live(account, date(2027, 1, 31), date(2027, 3, 31), looks=1, every=3)
    assert plan().state == SubscriptionState.PAST_DUE, "overdue, and still backed up"
    live(account, date(2027, 4, 1), date(2027, 4, 2), looks=1)
    assert plan().state == SubscriptionState.SUSPENDED
    with at(date(2027, 4, 3)):
        payment_recorded(renewal, amount_minor=renewal.total_minor - 1, words="Transfer 78")
        assert plan().state == SubscriptionState.SUSPENDED, "a cent is missing"
        payment_recorded(renewal, amount_minor=1, words="Transfer 79")
    assert plan().state == SubscriptionState.ACTIVE
    live(account, date(2027, 4, 3), date(2028, 1, 29), looks=1, every=9)
    assert plan().period_end == date(2028, 3, 1) and len(invoices()) == 2
    assert {"billing_requested", "billing_invoice", "billing_receipt", "billing_reminder"} <= set(letters())
    assert {"billing_overdue", "billing_suspended", "billing_resumed"} <= set(letters())
    assert_totals_are_the_meter()


def assert_totals_are_the_meter() -> None:
    """Each line is the count of the day behind it, times the price."""
    for line in InvoiceLine.objects.select_related("meter_day", "invoice"):
        day = line.meter_day
        assert isinstance(day, MeterDay)
        assert line.total_minor == day.billable * line.unit_price_minor
        assert MeterDay.objects.get(pk=day.pk).lines.filter(billable=True).count() == day.billable


def test_killed_between_invoice_and_charge_and_answers_that_get_lost(
    account: Account, card: Card, charger: FakeCharger
) -> None:
    subscription_request(interval=Interval.MONTH)
    with at(BEGIN):
        from apps.billing.services.plans import plan_invoice

        plan_invoice(plan(), BEGIN)  # nothing was counted yet: a period of nothing
        assert invoices() == []
    following = date(2026, 2, 28)
    live(account, date(2026, 2, 27), date(2026, 2, 27), looks=1)
    with at(following):
        meter_today(following)
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


def meter_today(day: date) -> None:
    from apps.billing.services import meter_day_store

    meter_day_store(day, mailboxes(3))


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
