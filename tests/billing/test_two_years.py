"""Two simulated years against a Stripe server process: every day's jobs run, both sides' books end up equal.

Stripe's events come in any order, twice, forged, or never (`two_worlds.TwoWorlds.network`).
"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail

from apps.accounts.enums import AccountState, ClosingCause
from apps.accounts.models import Account
from apps.accounts.selectors import stopped_accounts
from apps.billing import registry
from apps.billing.enums import Interval, PaymentState, SubscriptionState
from apps.billing.gateway.charges import StripeCharger
from apps.billing.models import Invoice, Payment, Subscription
from apps.billing.price_lists import prices_store
from apps.billing.services import (
    details_save,
    subscription_cancel,
    subscription_change,
    subscription_confirm,
    subscription_keep,
    subscription_of,
    subscription_request,
)
from apps.billing.services.cards import card_activate
from apps.core.scope import account_scope
from apps.notifications.models import Delivery
from apps.sandbox.stripe.testing import StripeServer
from tests.billing.conftest import BEGIN, DETAILS, SELLER
from tests.billing.stripe_rig import save_card
from tests.billing.two_worlds import TwoWorlds
from tests.cast import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]
ASKED_ONCE, ASKED_ALWAYS, PLAIN = "4000 0025 0000 3155", "4000 0027 6000 3184", "4242 4242 4242 4242"


@pytest.fixture
def world(cast: Cast, stripe_server: StripeServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> TwoWorlds:
    """Ten days before the trial's end; `BEGIN` is a month's last day, so that anchors are tried."""
    settings.BILLING_SELLER, settings.BILLING_CURRENCY = SELLER, "EUR"
    prices_store(Path(__file__).parents[2] / "apps/billing/prices/example.toml")
    Account.objects.update(trial_ends_at=datetime.combine(BEGIN, datetime.min.time(), UTC))
    made = TwoWorlds(stripe_server, cast.account, BEGIN - timedelta(days=10), monkeypatch)
    monkeypatch.setattr(registry, "_chargers", [StripeCharger()])
    monkeypatch.setattr(registry, "_counters", [made.counted])
    return made


def plan(world: TwoWorlds) -> Subscription:
    with account_scope(world.account.pk):
        return subscription_of()


def periods(world: TwoWorlds) -> list[date]:
    with account_scope(world.account.pk):
        return list(Invoice.objects.order_by("effective_on").values_list("effective_on", flat=True))


def test_monthly_from_the_trial_on_paid_refused_recovered_cancelled_and_come_back(world: TwoWorlds) -> None:
    with world.today():
        details_save({**DETAILS, "tax_id": ""})
    good = world.add_card(ASKED_ONCE)
    with world.today():
        assert subscription_request(interval=Interval.MONTH).started_on == BEGIN
    world.live_until(BEGIN - timedelta(days=1))
    assert not periods(world), "nothing is charged within the trial"
    world.live_until(date(2026, 9, 1), every=3)
    assert [f"{day:%m-%d}" for day in periods(world)] == [
        "01-31", "02-28", "03-31", "04-30", "05-31", "06-30", "07-31", "08-31"
    ]  # fmt: skip

    with world.today():
        card_activate(save_card(world.server, world.account, "pm_card_authenticationRequired"))
    world.live_until(date(2026, 10, 2))
    assert plan(world).state == SubscriptionState.PAST_DUE, "the bank wants to see them"
    world.pay_online(ASKED_ALWAYS)
    with world.today():
        assert subscription_of().state == SubscriptionState.ACTIVE
        card_activate(good)
        details_save(DETAILS)  # a VAT number: reverse charge from here on
    world.live_until(date(2026, 12, 20), every=3)

    with world.today():
        card_activate(save_card(world.server, world.account, "pm_card_chargeCustomerFail"))
    world.live_until(date(2027, 1, 20))
    assert plan(world).state == SubscriptionState.PAST_DUE, "its grace goes on"
    with world.today():
        refused = Payment.objects.filter(failure_code="generic_decline", attempt__isnull=False)
        tried = list(refused.order_by("attempt"))
        assert [(one.at.date() - date(2026, 12, 31)).days for one in tried] == [0, 1, 3, 5, 7, 14]
    world.live_until(date(2027, 2, 10))
    assert plan(world).state == SubscriptionState.SUSPENDED
    assert list(stopped_accounts()) == [world.account], "nothing new is backed up"
    assert len(periods(world)) == 12, "nothing is billed while nothing is backed up"
    world.pay_online(ASKED_ALWAYS)
    assert plan(world).state == SubscriptionState.ACTIVE and not stopped_accounts().exists()
    with world.today():
        card_activate(good)

    world.live_until(date(2027, 12, 2), every=3)
    assert periods(world)[12:] == [date(2027, month, 10) for month in range(2, 12)], "on a new anchor day"
    with world.today():
        subscription_keep(subscription_cancel(subscription_of()))
        subscription_cancel(subscription_of())
    world.live_until(date(2027, 12, 9))
    assert plan(world).state == SubscriptionState.ACTIVE, "what is paid for is used to its end"
    world.live_until(date(2028, 1, 20))
    closed = Account.objects.get(pk=world.account.pk)
    assert plan(world).state == SubscriptionState.CANCELLED
    assert (closed.state, closed.closing_cause) == (AccountState.CLOSING, ClosingCause.NO_PLAN)
    ending = [one.subject for one in mail.outbox if "is closed in" in one.subject]
    told = [subject.removeprefix("Pizza Perfecto is closed in ") for subject in dict.fromkeys(ending)]
    assert told == ["14 days", "7 days", "1 day"]
    with world.today():
        subscription_request(interval=Interval.MONTH)
    world.live_until(date(2028, 1, 31))
    assert Account.objects.get(pk=world.account.pk).state == AccountState.ACTIVE, "a plan brings it back"
    assert periods(world)[22:] == [date(2028, 1, 20)]
    world.check_books(price_minor=280, percent=19, untaxed_from=date(2026, 10, 3))


def test_annual_asked_for_confirmed_renewed_overdue_suspended_and_paid_online(
    world: TwoWorlds, cast: Cast
) -> None:
    world.account = cast.other_account
    with world.today():
        details_save({**DETAILS, "country": "JP", "city": "Tokyo", "zip_code": "100-0001", "tax_id": ""})
        subscription_change(subscription_of(), currency="JPY")
        subscription_request(interval=Interval.YEAR, wanted_start=date(2026, 3, 1), purchase_order="PO 4350123")
    world.live_until(date(2026, 2, 10))
    assert plan(world).state == SubscriptionState.REQUESTED and not periods(world)
    with world.today():
        subscription_confirm(subscription_of())
        first = Invoice.objects.get()
    assert (first.issued_on, first.due_on) == (date(2026, 2, 10), date(2026, 3, 12)), "payable in thirty days"
    assert (first.effective_on, first.until) == (date(2026, 3, 1), date(2027, 3, 1))
    assert first.purchase_order == "PO 4350123"
    world.live_until(date(2026, 3, 4))
    world.pay_online(PLAIN)

    world.live_until(date(2027, 1, 29), every=3)
    assert len(periods(world)) == 1
    world.live_until(date(2027, 1, 30))
    with world.today():
        renewal = Invoice.objects.get(effective_on=date(2027, 3, 1))
        assert (renewal.issued_on, renewal.due_on) == (date(2027, 1, 30), date(2027, 3, 1)), "thirty days ahead"
    world.live_until(date(2027, 3, 31))
    assert plan(world).state == SubscriptionState.PAST_DUE, "overdue, and still backed up"
    world.live_until(date(2027, 4, 2))
    assert plan(world).state == SubscriptionState.SUSPENDED and list(stopped_accounts()) == [world.account]
    world.pay_online(ASKED_ALWAYS)
    assert plan(world).state == SubscriptionState.ACTIVE and not stopped_accounts().exists()

    world.live_until(date(2028, 2, 3), every=3)
    assert plan(world).period_end == date(2028, 3, 1)
    world.pay_online(ASKED_ALWAYS)
    world.live_until(date(2028, 3, 2))
    assert (plan(world).state, plan(world).period_end) == (SubscriptionState.ACTIVE, date(2029, 3, 1))
    assert periods(world) == [date(year, 3, 1) for year in (2026, 2027, 2028)]
    with world.today():
        assert not Payment.objects.filter(attempt__isnull=False).exclude(state=PaymentState.FAILED).exists()
        wrote = Counter(Delivery.objects.filter(address=DETAILS["email"]).values_list("letter", flat=True))
    assert (wrote["billing_invoice"], wrote["billing_reminder"], wrote["billing_overdue"]) == (3, 2, 4)
    assert (wrote["billing_requested"], wrote["billing_suspended"], wrote["billing_resumed"]) == (1, 1, 1)
    world.check_books(price_minor=4500, percent=0, untaxed_from=BEGIN)
