"""A plan from its trial to its end against Stripe: charged, declined, another card, recovered, cancelled.

Every event is carried over twice and backwards, and a forged one goes before it.
"""

from datetime import date, timedelta

import pytest

from apps.accounts.models import Account
from apps.billing import registry
from apps.billing.enums import Interval, InvoiceState, PaymentState, SubscriptionState
from apps.billing.gateway import hosted
from apps.billing.gateway.charges import StripeCharger
from apps.billing.models import Card, Invoice, Payment, StripeEvent
from apps.billing.services import subscription_cancel, subscription_of, subscription_request
from apps.billing.services.cards import card_activate
from apps.core import clock
from apps.sandbox.stripe.testing import StripeServer
from tests.billing.conftest import BEGIN, at, live
from tests.billing.stripe_rig import BACK, post_event, save_card, visit


@pytest.fixture(autouse=True)
def _stripe_charges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_chargers", [StripeCharger()])


def network(server: StripeServer) -> None:
    """Let Stripe's events arrive: forged, backwards, twice."""
    for told in [*reversed(server.held())] * 2:
        assert post_event(told, signature="t=1,v1=0") == 400
        assert post_event(told) == 200


def go_on(server: StripeServer, account: Account, first: date, last: date, *, every: int = 6) -> None:
    day = first
    while day <= last:
        with at(day):
            server.set_clock(clock.now().timestamp())
            live(account, day, day, looks=1)
            network(server)
        day += timedelta(days=every)


def test_from_the_trial_to_the_end(account: Account, stripe_server: StripeServer) -> None:
    stripe_server.set_clock(clock.now().timestamp())
    page = hosted.card_page_url(account, BACK)
    stripe_server.enter_card(page)
    network(stripe_server)  # nobody came back from the page: the event alone brings the card
    assert Card.objects.get().is_active and visit().state == "done"
    subscription_request(interval=Interval.MONTH)

    go_on(stripe_server, account, BEGIN - timedelta(days=4), date(2026, 4, 5))
    assert [one.state for one in Invoice.objects.order_by("effective_on")] == [InvoiceState.PAID] * 3

    broken = save_card(stripe_server, account, "pm_card_chargeCustomerFail")
    card_activate(broken)
    go_on(stripe_server, account, date(2026, 4, 6), date(2026, 5, 7), every=2)
    failed = Payment.objects.filter(state=PaymentState.FAILED)
    assert failed.count() >= 2 and {one.failure_code for one in failed} == {"generic_decline"}
    assert subscription_of().state == SubscriptionState.PAST_DUE

    with at(date(2026, 5, 8)):
        stripe_server.enter_card(hosted.card_page_url(account, BACK), "5555 5555 5555 4444")
        network(stripe_server)
        card_activate(Card.objects.get(brand="mastercard"))
        stripe_server.enter_card(hosted.payment_page_url(Invoice.objects.get(state=InvoiceState.OPEN), BACK))
        network(stripe_server)
    assert subscription_of().state == SubscriptionState.ACTIVE

    go_on(stripe_server, account, date(2026, 5, 9), date(2026, 6, 10))
    with at(date(2026, 6, 11)):
        subscription_cancel(subscription_of())
    go_on(stripe_server, account, date(2026, 6, 12), date(2026, 8, 1))
    assert subscription_of().state == SubscriptionState.CANCELLED

    taken = sum(each["amount"] for each in stripe_server.objects("charge") if each["paid"])
    invoices = list(Invoice.objects.all())
    assert {one.state for one in invoices} == {InvoiceState.PAID}
    assert taken == sum(one.total_minor for one in invoices) == sum(one.paid_minor for one in invoices)
    assert not StripeEvent.objects.filter(handled_at=None).exists()
