"""Killed at any request to Stripe, before it leaves or when its answer has come: money counts once."""

from collections.abc import Callable
from itertools import count

import pytest

from apps.billing.enums import InvoiceState, PageState, PaymentState
from apps.billing.gateway import charges, hosted
from apps.billing.models import BillingDetails, Card, HostedPage, Invoice, Payment
from apps.core.errors import Conflict
from apps.core.scope import account_scope
from apps.sandbox.stripe.testing import StripeServer
from tests.billing.stripe_rig import BACK, Killed, clean_up_later, killed_at, make_invoice, save_card, visit
from tests.cast import Cast


def at_every_call(act: Callable[[], object], check: Callable[[], None], prepare: Callable[[], None]) -> int:
    """Kill `act` at its first request, its second, and so on until it survives; `check` after each time."""
    deaths = 0
    for number in count():
        for after in (False, True):
            prepare()
            try:
                with killed_at(number, after=after):
                    act()
            except Killed:
                deaths += 1
            else:
                return deaths
            check()
    raise AssertionError("unreachable")


def test_a_charge_is_taken_once_and_never_lost(cast: Cast, stripe_server: StripeServer) -> None:
    with account_scope(cast.account.pk):
        card = save_card(stripe_server, cast.account)
        invoices: list[Invoice] = []

        def charge() -> None:
            charges.charge(invoices[-1], card)

        def check() -> None:
            clean_up_later()
            charges_of = [each for each in stripe_server.objects("charge") if each["paid"]]
            assert len(charges_of) == len(invoices)
            payment = Payment.objects.get(invoice=invoices[-1])
            invoices[-1].refresh_from_db()
            assert (payment.state, invoices[-1].state) == (PaymentState.SUCCEEDED, InvoiceState.PAID)
            assert payment.stripe_id == charges_of[-1]["payment_intent"]

        assert at_every_call(charge, check, lambda: invoices.append(make_invoice(cast.account))) >= 4


def test_a_refused_charge_fails_once(cast: Cast, stripe_server: StripeServer) -> None:
    with account_scope(cast.account.pk):
        card = save_card(stripe_server, cast.account, "pm_card_chargeCustomerFail")
        invoices: list[Invoice] = []

        def check() -> None:
            clean_up_later()
            payment = Payment.objects.get(invoice=invoices[-1])
            assert (payment.state, payment.failure_code) == (PaymentState.FAILED, "generic_decline")

        def charge() -> None:
            charges.charge(invoices[-1], card)

        assert at_every_call(charge, check, lambda: invoices.append(make_invoice(cast.account))) >= 4
        assert len(stripe_server.objects("charge")) == len(invoices)


def test_a_visit_leads_to_one_page_and_one_card(cast: Cast, stripe_server: StripeServer) -> None:
    with account_scope(cast.account.pk):

        def forget() -> None:
            Card.objects.all().delete()
            HostedPage.objects.all().delete()
            BillingDetails.objects.all().delete()

        def add() -> None:
            page = hosted.card_page_url(cast.account, BACK)
            stripe_server.enter_card(page)
            hosted.page_look(visit())

        def check() -> None:
            clean_up_later()
            finished = [
                each for each in stripe_server.objects("checkout.session") if each["status"] == "complete"
            ]
            ours = HostedPage.objects.filter(state=PageState.DONE).values_list("stripe_id", flat=True)
            assert Card.objects.count() == len(ours)
            assert set(ours) <= {each["id"] for each in finished}
            BillingDetails.objects.filter(stripe_customer="").delete()

        assert at_every_call(add, check, forget) >= 6
        # The customer was made before each death, and is the same one all the time.
        assert len(stripe_server.objects("customer")) == 1


def test_money_is_given_back_once(cast: Cast, stripe_server: StripeServer) -> None:
    with account_scope(cast.account.pk):
        card = save_card(stripe_server, cast.account)
        payments: list[Payment] = []

        def prepare() -> None:
            invoice = make_invoice(cast.account)
            charges.charge(invoice, card)
            payments.append(Payment.objects.get(invoice=invoice))

        def check() -> None:
            payment = charges.refund(Payment.objects.get(pk=payments[-1].pk), 1000)
            assert payment.refunded_minor == 1000
            given = [each["amount"] for each in stripe_server.objects("refund")]
            assert given == [1000] * len(payments)

        def give_back() -> None:
            charges.refund(payments[-1], 1000)

        assert at_every_call(give_back, check, prepare) >= 6


@pytest.mark.parametrize("kind", ["lost", "500", "429", "refused"])
def test_trouble_at_stripe_leaves_a_charge_open_until_it_is_known(
    cast: Cast, stripe_server: StripeServer, kind: str
) -> None:
    with account_scope(cast.account.pk):
        card = save_card(stripe_server, cast.account)
        invoice = make_invoice(cast.account)
        stripe_server.fault(kind, method="POST", path="payment_intents")
        assert charges.charge(invoice, card).state == PaymentState.PENDING
        with pytest.raises(Conflict, match="being charged"):
            hosted.payment_page_url(invoice, BACK)  # nobody is sent to pay by hand what may be paid already
        if kind == "500":
            stripe_server.control("clock", {"advance_seconds": 25 * 3600})  # the key's answer is forgotten
        clean_up_later()
        invoice.refresh_from_db()
        assert invoice.state == InvoiceState.PAID
        assert len([each for each in stripe_server.objects("charge") if each["paid"]]) == 1
