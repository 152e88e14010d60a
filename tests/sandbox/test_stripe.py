"""Stripe's own library, unchanged, against the stand-in: what it makes, refuses, remembers and tells."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from apps.sandbox.stripe.testing import StripeServer
from tests.listener import Listener


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StripeServer]:
    server = StripeServer(tmp_path_factory.mktemp("stripe"))
    yield server
    server.stop()


@pytest.fixture
def server(running: StripeServer) -> StripeServer:
    running.reset()
    return running


@pytest.fixture
def client(server: StripeServer) -> stripe.StripeClient:
    return stripe.StripeClient(server.key, base_addresses={"api": server.url})


def with_card(client: stripe.StripeClient, name: str = "pm_card_visa") -> tuple[str, str]:
    customer = client.v1.customers.create({"name": "Pizza Perfecto", "metadata": {"everkeep_account": "1"}})
    method = client.v1.payment_methods.attach(name, {"customer": customer.id})
    return customer.id, method.id


def charge(client: stripe.StripeClient, customer: str, method: str, **options: Any) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(
        {
            "amount": 1250,
            "currency": "eur",
            "customer": customer,
            "payment_method": method,
            "off_session": True,
            "confirm": True,
            "metadata": {"invoice": "7"},
            "expand": ["latest_charge"],
        },
        options,  # type: ignore[arg-type]
    )


def test_a_card_is_charged_once_for_each_key_and_given_back(client: stripe.StripeClient) -> None:
    customer, method = with_card(client)
    paid = charge(client, customer, method, idempotency_key="one")
    again = charge(client, customer, method, idempotency_key="one")
    assert (paid.status, paid.amount_received, again.id) == ("succeeded", 1250, paid.id)
    assert isinstance(paid.latest_charge, stripe.Charge) and paid.latest_charge.payment_method_details
    listed = client.v1.payment_intents.list({"customer": customer})
    assert [each.id for each in listed.auto_paging_iter()] == [paid.id]
    with pytest.raises(stripe.IdempotencyError):
        client.v1.payment_intents.create({"amount": 1, "currency": "eur"}, {"idempotency_key": "one"})
    client.v1.refunds.create({"payment_intent": paid.id, "amount": 250})
    assert client.v1.charges.retrieve(paid.latest_charge.id).amount_refunded == 250
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": paid.id, "amount": 1250})


@pytest.mark.parametrize(
    ("name", "code", "decline"),
    [
        ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
    ],
)
def test_a_refused_card_is_an_error_that_carries_the_intent(
    client: stripe.StripeClient, name: str, code: str, decline: str
) -> None:
    customer, method = with_card(client, name)
    with pytest.raises(stripe.CardError) as refused:
        charge(client, customer, method, idempotency_key="two")
    error = refused.value.json_body["error"]  # type: ignore[index]
    assert (error["code"], error["decline_code"]) == (code, decline)
    assert error["payment_intent"]["status"] == "requires_payment_method"
    with pytest.raises(stripe.CardError) as again:
        charge(client, customer, method, idempotency_key="two")
    assert again.value.json_body == refused.value.json_body


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pm_card_chargeDeclined", "declined"),
        ("pm_card_chargeDeclinedInsufficientFunds", "insufficient funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired"),
    ],
)
def test_some_cards_are_not_even_saved(client: stripe.StripeClient, name: str, said: str) -> None:
    customer = client.v1.customers.create({})
    with pytest.raises(stripe.CardError, match=said):
        client.v1.payment_methods.attach(name, {"customer": customer.id})


def test_a_detached_card_is_of_no_use_and_of_no_customer(client: stripe.StripeClient) -> None:
    customer, method = with_card(client)
    assert client.v1.payment_methods.detach(method).customer is None
    with pytest.raises(stripe.InvalidRequestError):
        charge(client, customer, method)
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        client.v1.payment_intents.retrieve("pi_none")
    assert unknown.value.code == "resource_missing"


def test_slips_and_troubles_are_told_as_stripe_tells_them(
    client: stripe.StripeClient, server: StripeServer
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as gone:
        client.raw_request("post", "/v1/payment_intents", payment_method_types=["card"])
    assert gone.value.code == "payment_method_types_no_longer_supported"
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: colour"):
        client.raw_request("post", "/v1/customers", colour="red")
    with pytest.raises(stripe.AuthenticationError):
        stripe.StripeClient("sk_test_other", base_addresses={"api": server.url}).v1.customers.list()
    for kind, error in (
        (429, stripe.RateLimitError),
        (500, stripe.APIError),
        ("lost", stripe.APIConnectionError),
    ):
        server.fault(kind)
        with pytest.raises(error):
            client.v1.customers.create({})
    assert len(client.v1.customers.list().data) == 1  # the one whose answer was lost


def checkout(client: stripe.StripeClient, mode: str) -> stripe.checkout.Session:
    customer = client.v1.customers.create({})
    asked: dict[str, Any] = {
        "mode": mode,
        "customer": customer.id,
        "allowed_payment_method_types": ["card"],
        "success_url": "https://portal.example/back?id={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://portal.example/left",
        "metadata": {"page": "1"},
    }
    if mode == "payment":
        price = {"currency": "usd", "unit_amount": 990, "product_data": {"name": "Invoice 7"}}
        asked["line_items"] = [{"quantity": 1, "price_data": price}]
        asked["payment_intent_data"] = {"metadata": {"invoice": "7"}}
    return client.v1.checkout.sessions.create(asked)  # type: ignore[arg-type]


def test_a_person_adds_a_card_that_their_bank_asks_for(
    client: stripe.StripeClient, server: StripeServer
) -> None:
    session = checkout(client, "setup")
    assert session.url is not None and session.setup_intent is not None
    status, said = server.enter_card(session.url, "4000 0000 0000 0002")
    assert status == 402 and "Your card was declined." in said
    status, bank = server.enter_card(session.url, "4000 0025 0000 3155")
    assert status == 303 and "/c/3ds/" in bank
    assert server.prove(bank) == (303, f"https://portal.example/back?id={session.id}")
    intent = client.v1.setup_intents.retrieve(str(session.setup_intent), {"expand": ["payment_method"]})
    assert isinstance(intent.payment_method, stripe.PaymentMethod) and intent.status == "succeeded"
    assert (intent.payment_method.customer, intent.payment_method.card.last4) == (session.customer, "3155")  # type: ignore[union-attr]
    assert charge(client, str(session.customer), intent.payment_method.id).status == "succeeded"
    assert server.enter_card(session.url)[0] == 200  # it is over: nothing can be entered twice


def test_a_person_pays_once_and_a_closed_page_takes_nothing(
    client: stripe.StripeClient, server: StripeServer
) -> None:
    session = checkout(client, "payment")
    assert session.payment_intent is None
    assert server.enter_card(str(session.url))[0] == 303
    paid = client.v1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent"]})
    assert isinstance(paid.payment_intent, stripe.PaymentIntent)
    assert (paid.status, paid.payment_status, paid.payment_intent.amount_received) == ("complete", "paid", 990)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.expire(session.id)
    closed = checkout(client, "payment")
    assert client.v1.checkout.sessions.expire(closed.id).status == "expired"
    assert server.enter_card(str(closed.url))[0] == 200
    assert len(server.objects("charge")) == 1


def test_events_are_listed_signed_and_repeated_until_they_are_taken(
    client: stripe.StripeClient, server: StripeServer
) -> None:
    customer, _ = with_card(client)
    held = server.held()
    assert [each["type"] for each in held] == ["customer.created", "payment_method.attached"]
    event = client.construct_event(held[0]["body"], held[0]["signature"], server.webhook_secret)
    assert event.data.object.id == customer
    with pytest.raises(stripe.SignatureVerificationError):
        client.construct_event(held[1]["body"], held[0]["signature"], server.webhook_secret)
    assert {each.id for each in client.v1.events.list().auto_paging_iter()} == {each["id"] for each in held}
    assert len(client.v1.events.list({"types": ["customer.created"]}).data) == 1
    with Listener() as ear:
        ear.answers = [500, 200]
        server.control("webhooks", {"url": ear.url, "mode": "normal", "pauses": [0.05, 0.05]})
        client.v1.customers.create({})
        while len(ear.got) < 2:
            time.sleep(0.02)
        (_, first), (_, second) = ear.got
        assert first == second and json.loads(first)["type"] == "customer.created"
