"""Leaving for Stripe's pages: by a button alone, so often and no more, and never beside a charge."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.test import Client
from django.urls import reverse

from apps.billing.enums import InvoiceState, PageState, PaymentMethod, PaymentState
from apps.billing.errors import TooOften
from apps.billing.gateway import charges, hosted
from apps.billing.gateway.charges import charges_recover
from apps.billing.gateway.stripe_gateway import StripeProcessor
from apps.billing.models import HostedPage, Payment
from apps.billing.rules import PAGES_AN_HOUR
from apps.billing.services import payment_begin
from apps.core import clock
from apps.core.errors import Conflict, Unavailable
from apps.core.scope import account_scope
from apps.sandbox.stripe.testing import StripeServer
from tests.billing.page_makers import make_invoice as make_annual_invoice
from tests.billing.stripe_rig import BACK, Killed, came_back, make_invoice, save_card, visit
from tests.cast import Cast

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stripe_server")]


@pytest.fixture
def fred(cast: Cast) -> Iterator[Client]:
    client = Client()
    client.force_login(cast.finance)
    with account_scope(cast.account.pk):
        yield client


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the operator was told."""
    said: list[str] = []
    monkeypatch.setattr(charges, "tell_operator", lambda subject, text: said.append(text))
    return said


def test_looking_opens_nothing_and_the_button_leads_on_by_a_page_of_ours(
    cast: Cast, fred: Client, stripe_server: StripeServer
) -> None:
    invoice = make_annual_invoice(cast.account)
    for address in (reverse("billing_card_add"), reverse("billing_pay", args=[invoice.public_id])):
        before = HostedPage.objects.count()
        assert fred.get(address).status_code == 405 and HostedPage.objects.count() == before
        answer = fred.post(address, {"plan": "month"})
        page = answer.content.decode()
        found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', page)
        assert answer.status_code == 200 and found and found[1].startswith(f"{stripe_server.url}/c/pay/")
        assert f'href="{found[1]}"' in page
    assert [each.back_to for each in HostedPage.objects.order_by("pk")] == [
        f"{reverse('billing_details')}?plan=month",
        reverse("billing_invoice", args=[invoice.public_id]),
    ]


def test_an_account_opens_so_many_pages_an_hour(cast: Cast, fred: Client) -> None:
    fields: dict[str, Any] = {"account": cast.account, "purpose": "card", "state": PageState.DONE}
    for _ in range(PAGES_AN_HOUR - 1):
        HostedPage.objects.create(back_to="/", **fields)
    hosted.card_page_url(cast.account, BACK)
    hosted.card_page_url(cast.account, BACK)  # the same one
    with pytest.raises(TooOften):
        hosted.payment_page_url(make_invoice(cast.account), BACK)
    assert (
        fred.post(reverse("billing_pay", args=[make_annual_invoice(cast.account).public_id])).status_code == 429
    )
    with clock.travel(clock.now() + timedelta(hours=1, minutes=1)):
        hosted.payment_page_url(make_invoice(cast.account), BACK)


def test_nobody_is_sent_to_pay_what_is_being_charged(
    cast: Cast, fred: Client, stripe_server: StripeServer
) -> None:
    invoice = make_invoice(cast.account)
    payment_begin(invoice, card=save_card(stripe_server, cast.account))
    asked = len(stripe_server.requests())
    with pytest.raises(Conflict, match="being charged to your card"):
        hosted.payment_page_url(invoice, BACK)
    assert len(stripe_server.requests()) == asked and not HostedPage.objects.exists()


def use_key(server: StripeServer, payment: Payment, customer: str, **fields: Any) -> None:
    """Somebody asked for another payment under this charge's key."""
    client = stripe.StripeClient(server.key, base_addresses={"api": server.url})
    order: Any = {"amount": payment.amount_minor, "currency": "eur", "customer": customer, **fields}
    client.v1.payment_intents.create(order, {"idempotency_key": f"everkeep-charge-{payment.public_id}"})


def test_a_key_that_was_used_for_something_else_fails_the_charge_and_the_next_one_goes_through(
    cast: Cast, fred: Client, stripe_server: StripeServer, told: list[str]
) -> None:
    card, invoice = save_card(stripe_server, cast.account), make_invoice(cast.account)
    payment = payment_begin(invoice, card=card)
    use_key(stripe_server, payment, charges.customer_ensure(cast.account), description="another")
    assert charges.charge_payment(payment).state == PaymentState.FAILED
    assert Payment.objects.get().state == PaymentState.FAILED and "INV-" in told[0]
    assert charges.charge(invoice, card).state == PaymentState.SUCCEEDED
    assert len([each for each in stripe_server.objects("charge") if each["paid"]]) == 1


def test_a_key_that_was_used_for_this_very_charge_brings_what_became_of_it(
    cast: Cast, fred: Client, stripe_server: StripeServer, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    card, invoice = save_card(stripe_server, cast.account), make_invoice(cast.account)
    payment = payment_begin(invoice, card=card)
    mark = charges._order(payment).mark.as_metadata()
    use_key(
        stripe_server, payment, charges.customer_ensure(cast.account),
        payment_method=card.stripe_id, confirm=True, off_session=True, metadata=mark,
    )  # fmt: skip
    real, looks = StripeProcessor.charge_find, iter([True])
    # Asked a moment too early for the first time.
    monkeypatch.setattr(
        StripeProcessor, "charge_find", lambda self, order: None if next(looks, False) else real(self, order)
    )
    assert charges.charge_payment(payment).state == PaymentState.SUCCEEDED
    assert Payment.objects.get().state == PaymentState.SUCCEEDED and told == []


def test_the_operator_is_told_once_of_a_charge_whose_end_stays_unknown(
    cast: Cast, fred: Client, stripe_server: StripeServer, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise Unavailable("Stripe is in trouble.")

    payment_begin(make_invoice(cast.account), card=save_card(stripe_server, cast.account))
    monkeypatch.setattr(StripeProcessor, "charge_find", away)
    for hours in (1, 25, 26):
        with clock.travel(clock.now() + timedelta(hours=hours)):
            assert charges_recover() == 1
    assert len(told) == 1 and "Stripe is in trouble" in told[0]


def test_a_page_that_was_asked_for_under_another_address_of_ours_is_found_again(
    cast: Cast, fred: Client, settings: Any
) -> None:
    invoice = make_invoice(cast.account)
    with dying_after("checkout/sessions"):
        hosted.payment_page_url(invoice, BACK)
    assert visit().stripe_id == "" and HostedPage.objects.count() == 1
    settings.PORTAL_URL = "http://another.example"
    assert "/c/pay/" in hosted.payment_page_url(invoice, "http://another.example/billing/")
    assert HostedPage.objects.count() == 1


def test_where_the_operator_has_paypal_an_invoice_is_paid_with_it_and_the_receipt_says_so(
    cast: Cast, fred: Client, stripe_server: StripeServer, settings: Any
) -> None:
    def offered() -> list[str]:
        return list(stripe_server.objects("checkout.session")[-1]["payment_method_types"])

    hosted.payment_page_url(make_invoice(cast.account), BACK)
    assert offered() == ["card"]
    settings.STRIPE_METHODS = ["card", "paypal"]
    hosted.payment_page_url(make_invoice(cast.account, currency="BRL"), BACK)
    assert offered() == ["card"], "PayPal does not pay in this currency"
    hosted.card_page_url(cast.account, BACK)
    assert offered() == ["card"], "a plan is charged to cards alone"
    invoice = make_invoice(cast.account)
    page = hosted.payment_page_url(invoice, BACK)
    assert offered() == ["card", "paypal"]
    assert stripe_server.enter_card(page, wallet="paypal")[0] == 303
    assert "payment has arrived" in came_back(fred)
    invoice.refresh_from_db()
    assert (invoice.state, Payment.objects.get().method) == (InvoiceState.PAID, PaymentMethod.PAYPAL)
    assert "card, PayPal or bank transfer" in fred.get(reverse("billing")).content.decode()


@contextmanager
def dying_after(address: str) -> Iterator[None]:
    """The process dies when the answer to a request to this address has come."""
    real = stripe.RequestsClient.request

    def request(self: Any, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        answer = real(self, method, url, *args, **kwargs)
        if address in url:
            raise Killed
        return answer

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stripe.RequestsClient, "request", request)
        with pytest.raises(Killed):
            yield
