"""Cards and payment pages: what a visit to Stripe leads to, for the account that made it and nobody else."""

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from apps.billing.charging import is_charged
from apps.billing.enums import InvoiceState, PageState, PaymentState
from apps.billing.errors import InvoiceSettled
from apps.billing.gateway import charges, hosted
from apps.billing.gateway.base import ChargeOrder, PaymentOutcome
from apps.billing.gateway.customers import customer_forget
from apps.billing.gateway.errors import Asked, NotSet
from apps.billing.gateway.stripe_gateway import StripeProcessor
from apps.billing.models import Card, HostedPage, Payment, Subscription
from apps.billing.services.cards import card_activate, card_delete, card_warn, last_day
from apps.core.errors import Conflict
from apps.core.scope import account_scope
from apps.sandbox.stripe.testing import StripeServer
from tests.billing.stripe_rig import BACK, came_back, make_invoice, post_event, save_card, visit
from tests.cast import Cast

pytestmark = pytest.mark.usefixtures("stripe_server")


@pytest.fixture
def at_home(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.finance)
    return client


def test_a_card_is_on_file_when_stripe_says_so_and_not_when_an_address_does(
    cast: Cast, at_home: Client, stripe_server: StripeServer
) -> None:
    with account_scope(cast.account.pk):
        page = hosted.card_page_url(cast.account, BACK)
        assert "Nothing was changed" in came_back(at_home)
        assert stripe_server.enter_card(page, "4000 0000 0000 9995")[0] == 402
        status, bank = stripe_server.enter_card(page, "4000 0025 0000 3155")
        assert status == 303
        assert not Card.objects.exists()
        way_back = stripe_server.prove(bank)[1]
        assert way_back.endswith(reverse("billing_stripe_return", args=[visit().public_id]))
        assert came_back(at_home).endswith("Your card was added.")
        card = Card.objects.get()
        assert (card.brand, card.last4, card.holder, card.is_active) == ("visa", "3155", "Olivia Romano", True)
        for told in stripe_server.held():
            assert post_event(told) == 200
        assert Card.objects.count() == 1


def test_a_visit_is_of_one_account(cast: Cast, stripe_server: StripeServer) -> None:
    with account_scope(cast.account.pk):
        page = hosted.card_page_url(cast.account, BACK)
        stripe_server.enter_card(page)
        mine = visit()
    stranger = Client()
    stranger.force_login(cast.stranger)
    assert stranger.get(reverse("billing_stripe_return", args=[mine.public_id])).status_code == 404
    # A page of Stripe's that belongs to another customer, under a visit of ours: nothing of it is taken over.
    with account_scope(cast.other_account.pk):
        theirs = hosted.card_page_url(cast.other_account, BACK)
        swapped = visit()
        HostedPage.objects.filter(pk=swapped.pk).update(stripe_id=mine.stripe_id)
        assert theirs
        assert "not heard from Stripe" in came_back(stranger)
        assert not Card.objects.exists()


def test_one_invoice_is_paid_once_from_two_tabs(
    cast: Cast, at_home: Client, stripe_server: StripeServer
) -> None:
    with account_scope(cast.account.pk):
        invoice = make_invoice(cast.account)
        first, second = (hosted.payment_page_url(invoice, BACK) for _ in range(2))
        assert first == second
        assert stripe_server.enter_card(first)[0] == 303
        assert stripe_server.enter_card(second)[0] == 200  # closed: it was completed already
        assert "Thank you: your payment has arrived." in came_back(at_home)
        came_back(at_home)
        invoice.refresh_from_db()
        payment = Payment.objects.get()
        assert (invoice.state, payment.state, payment.amount_minor) == (
            InvoiceState.PAID,
            PaymentState.SUCCEEDED,
            11900,
        )
        with pytest.raises(InvoiceSettled):
            hosted.payment_page_url(invoice, BACK)
        assert len(stripe_server.objects("charge")) == 1


def test_a_charge_closes_the_page_and_a_page_that_was_paid_stops_the_charge(
    cast: Cast, stripe_server: StripeServer
) -> None:
    with account_scope(cast.account.pk):
        card = save_card(stripe_server, cast.account)
        charged, paid = make_invoice(cast.account), make_invoice(cast.account, 500)
        page = hosted.payment_page_url(charged, BACK)
        assert charges.charge(charged, card).state == PaymentState.SUCCEEDED
        assert visit().state == PageState.CLOSED
        assert stripe_server.enter_card(page)[0] == 200  # nobody can pay there any more
        stripe_server.enter_card(hosted.payment_page_url(paid, BACK))
        assert charges.charge(paid, card).failure_code == "not_taken"
        paid.refresh_from_db()
        assert paid.state == InvoiceState.PAID
        taken = [each["amount"] for each in stripe_server.objects("charge")]
        assert sorted(taken) == [500, 11900]


def test_a_charge_that_the_bank_wants_confirmed_is_paid_on_the_page(
    cast: Cast, at_home: Client, stripe_server: StripeServer
) -> None:
    with account_scope(cast.account.pk):
        card = save_card(stripe_server, cast.account, "pm_card_authenticationRequired")
        invoice = make_invoice(cast.account)
        outcome = charges.charge(invoice, card)
        assert (outcome.state, outcome.failure_code) == (PaymentState.NEEDS_ACTION, "authentication_required")
        assert Payment.objects.get().state == PaymentState.NEEDS_ACTION
        page = hosted.payment_page_url(invoice, BACK)
        status, bank = stripe_server.enter_card(page, "4000 0027 6000 3184")
        assert status == 303 and "/c/3ds/" in bank
        assert stripe_server.prove(bank, "fail")[0] == 402
        stripe_server.prove(stripe_server.enter_card(page, "4000 0027 6000 3184")[1])
        assert "payment has arrived" in came_back(at_home)
        invoice.refresh_from_db()
        assert invoice.state == InvoiceState.PAID


def test_the_card_that_a_plan_needs_stays_and_a_deleted_one_is_gone_at_stripe(
    cast: Cast, stripe_server: StripeServer
) -> None:
    with account_scope(cast.account.pk):
        Subscription.objects.create(account=cast.account, state="active", interval="month")
        used, other = save_card(stripe_server, cast.account), save_card(stripe_server, cast.account)
        with pytest.raises(Conflict, match="charged to this card"):
            card_delete(used)
        assert card_activate(other).is_active
        card_delete(used)
        card_delete(used)  # a second tab
        assert [each.pk for each in Card.objects.all()] == [other.pk]
        at_stripe = {each["id"]: each["customer"] for each in stripe_server.objects("payment_method")}
        assert at_stripe[used.stripe_id] is None and at_stripe[other.stripe_id] is not None


def test_nothing_of_a_deleted_account_stays_at_stripe_but_what_was_paid(
    cast: Cast, stripe_server: StripeServer
) -> None:
    with account_scope(cast.account.pk):
        save_card(stripe_server, cast.account)
        assert customer_forget(cast.account.pk).proof == {"card_customer": 1}
        assert customer_forget(cast.account.pk).proof == {}
    assert [each["customer"] for each in stripe_server.objects("payment_method")] == [None]


def test_what_stripe_tells_of_a_card_is_noted_and_one_that_expires_is_warned_of_once(
    cast: Cast, stripe_server: StripeServer
) -> None:
    with account_scope(cast.account.pk):
        card = save_card(stripe_server, cast.account)
        Card.objects.filter(pk=card.pk).update(exp_month=12, exp_year=2026)
        card.refresh_from_db()
        assert last_day(card) == date(2026, 12, 31)
        assert not card_warn(date(2026, 12, 1)), "no plan is charged to it"
        Subscription.objects.create(account=cast.account, state="active")
        assert not card_warn(date(2026, 11, 30))
        assert card_warn(date(2026, 12, 1)) and not card_warn(date(2026, 12, 2))


def test_what_stripe_refuses_as_a_request_has_failed_and_the_operator_is_told(
    cast: Cast, stripe_server: StripeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(charges, "tell_operator", lambda subject, text: told.append(text))
    real = StripeProcessor.charge

    def charge(self: StripeProcessor, order: ChargeOrder) -> PaymentOutcome:
        if order.currency == "EUR":
            raise Asked("Stripe does not accept this (amount_too_small).")
        return real(self, order)

    monkeypatch.setattr(StripeProcessor, "charge", charge)
    with account_scope(cast.account.pk):
        card = save_card(stripe_server, cast.account)
        dinars = make_invoice(cast.account, currency="KWD")
        for invoice in (make_invoice(cast.account), dinars):
            assert charges.charge(invoice, card).failure_code == "not_asked"
            assert Payment.objects.get(invoice=invoice).state == PaymentState.FAILED
        assert "amount_too_small" in told[0] and "KWD" in told[1]
        assert not charges.charges_recover(), "none of them waits"
        with pytest.raises(NotSet):
            hosted.payment_page_url(dinars, BACK)
        assert not HostedPage.objects.exists()


def test_what_cards_cannot_pay_is_paid_by_hand(cast: Cast, stripe_server: StripeServer) -> None:
    with account_scope(cast.account.pk):
        plan = Subscription(account=cast.account, state="active", interval="month", currency="EUR")
        assert is_charged(plan)
        assert is_charged(plan, make_invoice(cast.account, 50))
        assert not is_charged(plan, make_invoice(cast.account, 49))
        assert not is_charged(Subscription(interval="month", currency="KWD"))


def test_who_asks_for_the_page_of_cards_again_gets_the_same_one(
    cast: Cast, stripe_server: StripeServer
) -> None:
    with account_scope(cast.account.pk):
        first = hosted.card_page_url(cast.account, BACK)
        assert hosted.card_page_url(cast.account, f"{BACK}details/") == first
        assert HostedPage.objects.get().back_to == "/billing/details/"
        stripe_server.enter_card(first)
        assert hosted.card_page_url(cast.account, BACK) != first
        assert Card.objects.count() == 1
