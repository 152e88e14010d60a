"""Webhooks: whoever sends what, how often and in which order, the books say what Stripe says now."""

import itertools
import json
from datetime import timedelta

import pytest
import stripe
from django.test import Client
from django.urls import reverse

from apps.billing.enums import InvoiceState, PaymentState
from apps.billing.gateway import charges, events, hosted, tasks
from apps.billing.models import BillingDetails, Card, HostedPage, Invoice, Payment, StripeEvent
from apps.core import clock
from apps.core.scope import account_scope
from apps.sandbox.stripe.testing import StripeServer
from apps.sandbox.stripe.webhooks import signature
from tests.billing.stripe_rig import BACK, handle, make_invoice, post_event, save_card
from tests.cast import Cast


def resigned(server: StripeServer, told: dict[str, str], **changes: object) -> dict[str, str]:
    """The same event, changed, with a signature that fits."""
    event = {**json.loads(told["body"]), **changes}
    body = json.dumps(event)
    return {"body": body, "signature": signature(server.webhook_secret, body.encode())}


def paid_on_the_page(server: StripeServer, cast: Cast) -> list[dict[str, str]]:
    """An invoice that was paid after a refused card, by somebody who never came back; returns the events."""
    invoice = make_invoice(cast.account)
    page = hosted.payment_page_url(invoice, BACK)
    server.enter_card(page, "4000 0000 0000 9995")
    server.enter_card(page)
    told = server.held()
    assert [each["type"] for each in told if each["type"] in events.KINDS] == [
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]
    return told


def assert_paid_once() -> None:
    payment = Payment.objects.get()
    assert (payment.state, payment.amount_minor, payment.invoice.state) == (
        PaymentState.SUCCEEDED,
        11900,
        InvoiceState.PAID,
    )


def test_any_order_and_any_number_of_times_lead_to_the_same_books(
    cast: Cast, stripe_server: StripeServer
) -> None:
    with account_scope(cast.account.pk):
        told = paid_on_the_page(stripe_server, cast)
        useful = [each for each in told if each["type"] in events.KINDS]
        for order in itertools.permutations(useful):
            StripeEvent.objects.all().delete()
            Payment.objects.all().delete()
            Invoice.objects.update(state=InvoiceState.OPEN, paid_at=None)
            HostedPage.objects.update(state="open", closed_at=None)
            for each in (*order, *order):
                assert post_event(each) == 200
            assert_paid_once()
        assert StripeEvent.objects.count() == len(useful)
        for each in told:  # and the rest of what Stripe tells is taken and thrown away
            assert post_event(each) == 200
        assert_paid_once()


def test_what_is_forged_old_foreign_or_too_large_is_refused(cast: Cast, stripe_server: StripeServer) -> None:
    with account_scope(cast.account.pk):
        save_card(stripe_server, cast.account)
        told = paid_on_the_page(stripe_server, cast)[-1]
        old = signature(stripe_server.webhook_secret, told["body"].encode(), 1_700_000_000)
        other = signature("whsec_of_somebody_else", told["body"].encode())
        for bad in ("", "t=1,v1=00", "v1=00", "t=x,v1=y", old, other):
            assert post_event(told, signature=bad) == 400
        assert post_event({**told, "body": told["body"].replace("paid", "PAID")}) == 400
        assert post_event(resigned(stripe_server, told, livemode=True)) == 400
        value = {"object": {**json.loads(told["body"])["data"]["object"], "customer": "cus_nobody"}}
        assert post_event(resigned(stripe_server, told, data=value)) == 200, "signed, and of no use here"
        assert post_event(resigned(stripe_server, told, filler="x" * 300_000)) == 413
        assert post_event({"body": "[]", "signature": signature(stripe_server.webhook_secret, b"[]")}) == 400
        assert not StripeEvent.objects.exists() and not Payment.objects.exists()


def test_what_an_event_says_of_its_object_is_not_believed(cast: Cast, stripe_server: StripeServer) -> None:
    with account_scope(cast.account.pk):
        card = save_card(stripe_server, cast.account, "pm_card_chargeCustomerFail")
        invoice = make_invoice(cast.account)
        charges.charge(invoice, card)
        told = next(each for each in stripe_server.held() if each["type"] == "payment_intent.payment_failed")
        intent = json.loads(told["body"])["data"]["object"]
        lie = {"object": {**intent, "status": "succeeded", "amount_received": 11900}}
        assert post_event(resigned(stripe_server, told, type="payment_intent.succeeded", data=lie)) == 200
        invoice.refresh_from_db()
        assert invoice.state == InvoiceState.OPEN
        assert Payment.objects.get().state == PaymentState.FAILED


def test_a_payment_of_another_customer_is_never_applied(cast: Cast, stripe_server: StripeServer) -> None:
    with account_scope(cast.account.pk):
        card = save_card(stripe_server, cast.account)
        charges.charge(make_invoice(cast.account), card)
        mine = stripe_server.objects("payment_intent")[-1]
    with account_scope(cast.other_account.pk):
        save_card(stripe_server, cast.other_account)
        invoice = make_invoice(cast.other_account)
        theirs = BillingDetails.objects.get().stripe_customer
        stripe_server.held()
        # Their customer's name on an event about our payment: it is asked of Stripe whose it is.
        told = {"id": "evt_swapped", "object": "event", "type": "payment_intent.succeeded", "livemode": False}
        told |= {"created": 1, "data": {"object": {"id": mine["id"], "customer": theirs}}}
        body = json.dumps(told)
        sent = {"body": body, "signature": signature(stripe_server.webhook_secret, body.encode())}
        assert post_event(sent) == 200
        event = StripeEvent.objects.get(stripe_id="evt_swapped")
        assert event.handled_at is None and event.trouble.startswith("stripe_foreign")
        # And marks of another account's invoice on a payment of theirs change nothing there.
        charges.charge(invoice, Card.objects.get())
        intent = stripe_server.objects("payment_intent")[-1]
        stripe_server.control("change", {"id": intent["id"], "fields": {"metadata": mine["metadata"]}})
        with pytest.raises(charges.Foreign):
            charges.outcome_apply(charges.required().outcome(intent["id"]))


def test_what_failed_is_tried_again_and_what_was_lost_is_fetched_at_night(
    cast: Cast, stripe_server: StripeServer
) -> None:
    with account_scope(cast.account.pk):
        told = paid_on_the_page(stripe_server, cast)
        stripe_server.fault(500, method="GET", path="payment_intents", count=9)
        assert post_event(next(each for each in told if each["type"] == "payment_intent.succeeded")) == 200
        event = StripeEvent.objects.get()
        assert (event.handled_at, event.tries) == (None, 1)
        assert events.events_due() == []
        with clock.travel(clock.now() + timedelta(minutes=1)):
            assert events.events_due() == [(cast.account.pk, event.pk)]
            assert events.events_due() == []
        while not handle(cast.account.pk, event.pk):
            pass
        assert_paid_once()
        Payment.objects.all().delete()
        StripeEvent.objects.all().delete()
        Payment.objects.all().delete()
    assert tasks.reconcile() == 3
    assert tasks.reconcile() == 0
    with account_scope(cast.account.pk):
        assert Payment.objects.get().state == PaymentState.SUCCEEDED


def test_refunds_and_cards_that_were_changed_at_stripe_are_seen(
    cast: Cast, stripe_server: StripeServer
) -> None:
    at_stripe = stripe.StripeClient(stripe_server.key, base_addresses={"api": stripe_server.url})
    with account_scope(cast.account.pk):
        card = save_card(stripe_server, cast.account)
        charges.charge(make_invoice(cast.account), card)
        payment = Payment.objects.get()
        at_stripe.v1.refunds.create({"payment_intent": payment.stripe_id, "amount": 1900})
        at_stripe.v1.payment_methods.detach(card.stripe_id)
        for told in stripe_server.held():
            assert post_event(told) == 200
        payment.refresh_from_db()
        assert payment.refunded_minor == 1900
        assert not Card.objects.exists()


def test_a_refund_during_a_long_outage_is_found_when_that_is_over(
    cast: Cast, stripe_server: StripeServer
) -> None:
    at_stripe = stripe.StripeClient(stripe_server.key, base_addresses={"api": stripe_server.url})
    with account_scope(cast.account.pk):
        charges.charge(make_invoice(cast.account), save_card(stripe_server, cast.account))
        at_stripe.v1.refunds.create({"payment_intent": Payment.objects.get().stripe_id, "amount": 1900})
    with clock.travel(clock.now() + timedelta(days=10)):  # Stripe itself gives up after three
        tasks.reconcile()
    with account_scope(cast.account.pk):
        assert Payment.objects.get().refunded_minor == 1900
        assert Invoice.objects.get(kind="credit").total_minor == -1900


def test_a_fault_of_ours_in_one_event_holds_up_no_other(
    cast: Cast, stripe_server: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with account_scope(cast.account.pk):
        paid_on_the_page(stripe_server, cast)
    real = events._act

    def act(event: StripeEvent) -> None:
        if event.kind == "checkout.session.completed":
            raise KeyError("a fault")
        real(event)

    monkeypatch.setattr(events, "_act", act)
    assert tasks.reconcile() == 3
    with account_scope(cast.account.pk):
        assert_paid_once()
        (left,) = StripeEvent.objects.filter(handled_at=None)
        assert (left.tries, left.trouble) == (1, "fault: KeyError")


@pytest.mark.django_db
def test_without_a_key_there_is_no_webhook() -> None:
    assert (
        Client().post(reverse("billing_stripe_webhook"), b"{}", content_type="application/json").status_code
        == 404
    )
