"""What the second audit of billing found about charges, credit notes and pages."""

from datetime import timedelta
from unittest.mock import patch

import pytest

from apps.accounts.models import Account
from apps.billing import registry
from apps.billing.enums import Interval, InvoiceState, PagePurpose, PaymentState, SubscriptionState
from apps.billing.gateway.tasks import settle_account
from apps.billing.models import Card, HostedPage, Invoice, Payment, Subscription
from apps.billing.services import (
    invoice_credit,
    invoice_void,
    payment_failed,
    payment_recorded,
    run_billing_day,
    subscription_request,
)
from apps.billing.services.troubles import next_try
from apps.notifications.models import Delivery
from tests.billing.conftest import BEGIN, FakeCharger, at, live
from tests.billing.page_makers import make_invoice

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_credit_notes_in_parts_add_up_to_the_invoice(account: Account) -> None:
    small = {"net_minor": 333, "tax_minor": 63, "total_minor": 396, "state": InvoiceState.PAID}
    invoice = make_invoice(account)
    Invoice.objects.filter(pk=invoice.pk).update(**small)
    notes = [invoice_credit(invoice, amount_minor=198, why="half") for _ in range(2)]
    assert [sum(getattr(note, part) for note in notes) for part in ("net_minor", "tax_minor")] == [-333, -63]


def test_a_stolen_card_is_not_charged_again_but_another_one_is(
    account: Account, card: Card, no_charger: None
) -> None:
    invoice = make_invoice(account)
    first = Payment.objects.create(
        account=account, invoice=invoice, attempt=1, amount_minor=1, currency="EUR", card=card
    )
    payment_failed(invoice, payment=first, failure_code="stolen_card", words="Refused.")
    assert next_try(invoice) is None
    Card.objects.update(is_active=False)
    Card.objects.create(account=account, stripe_id="pm_2", is_active=True)
    assert next_try(invoice) == first.at.date() + timedelta(days=1)


def test_a_charge_that_nobody_can_ask_for_any_more_counts_as_failed_after_a_week(
    account: Account, card: Card, charger: FakeCharger, monkeypatch: pytest.MonkeyPatch
) -> None:
    charger.answer = "away"
    subscription_request(interval=Interval.MONTH)
    live(account, BEGIN, BEGIN, looks=2)
    monkeypatch.setattr(registry, "_chargers", [])  # the key is taken out
    for days, state in ((6, PaymentState.PENDING), (8, PaymentState.FAILED)):
        with at(BEGIN + timedelta(days=days)):
            run_billing_day(account.pk, BEGIN + timedelta(days=days))
        assert Payment.objects.get().state == state
    assert Subscription.objects.get().state == SubscriptionState.PAST_DUE
    live(account, BEGIN + timedelta(days=9), BEGIN + timedelta(days=9), looks=1)
    assert Delivery.objects.filter(letter="billing_overdue").exists()
    assert next_try(Invoice.objects.get()) is None, "with a key again it might be paid twice"
    live(account, BEGIN + timedelta(days=21), BEGIN + timedelta(days=21), looks=1)
    assert Subscription.objects.get().state == SubscriptionState.SUSPENDED


@pytest.mark.parametrize("how", ["void", "record"])
def test_an_open_payment_page_is_looked_after_when_its_invoice_is_settled_otherwise(
    account: Account, no_charger: None, how: str
) -> None:
    invoice = make_invoice(account)
    page = {"account": account, "purpose": PagePurpose.PAYMENT, "amount_minor": 11_900, "back_to": "/"}
    HostedPage.objects.create(invoice=invoice, **page)
    with patch.object(settle_account, "after_commit") as settled:
        if how == "void":
            invoice_void(invoice, why="wrong")
        else:
            payment_recorded(invoice, amount_minor=100, words="Transfer 1")
    settled.assert_called_once_with(account_id=account.pk)
