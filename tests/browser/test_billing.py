"""Billing as finance staff use it, step by step as docs/guide/billing.md tells it."""

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from allauth.account.models import EmailAddress
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Locator, Page, expect
from pypdf import PdfReader

from apps.accounts.models import Account, Membership
from apps.billing.models import Invoice, Subscription
from apps.core import clock
from apps.core.scope import account_scope
from apps.notifications.rights import has_left
from apps.sandbox.stripe.testing import StripeServer
from tests.billing.page_makers import make_card, make_count, make_details, make_invoice, make_prices
from tests.browser.pictures import picture
from tests.browser.rig import Visit
from tests.cast import PASSWORD, Cast

PROVED_BY_BANK = "4000 0027 6000 3184"


@pytest.fixture
def account(
    cast: Cast, transactional_db: None, stripe_server: StripeServer, settings: Any, live_server: Any
) -> Iterator[Account]:
    settings.BILLING, settings.BILLING_CURRENCY, settings.PORTAL_URL = True, "EUR", live_server.url
    settings.BILLING_SELLER = {
        "name": "Everkeep",
        "country": "DE",
        "address": ["Main Street 1", "60311 Frankfurt"],
    }
    Account.objects.filter(pk=cast.account.pk).update(trial_ends_at=clock.now() + timedelta(days=6))
    with account_scope(cast.account.pk):
        make_prices()
        make_count(*(UUID(int=number * 0x10101) for number in range(1, 5)))
        yield cast.account


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("navigation", name="Billing").get_by_role("link", name=name, exact=True)


def enter_card(page: Page, number: str) -> None:
    """At the hosted page, also where the bank asks."""
    page.get_by_label("Card number").fill(number)
    page.get_by_label("Expiry").fill("12 / 44")
    page.get_by_label("CVC").fill("123")
    page.get_by_label("Name on card").fill("Fred Finance")
    page.get_by_role("button", name="Save card").or_(page.get_by_role("button", name="Pay")).click()
    page.get_by_role("button", name="Complete authentication").click()


def test_finance_subscribes_with_a_card_that_the_bank_asks_about(
    account: Account, cast: Cast, visit: Visit
) -> None:
    page = visit.page
    EmailAddress.objects.create(user=cast.finance, email=cast.finance.email, verified=True, primary=True)
    visit.open("/")
    page.get_by_label("Email").fill(cast.finance.email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Billing", level=1)).to_be_visible()
    visit.check("billing-review")
    picture(visit, "billing-review")
    page.get_by_role("link", name="Annual").click()
    expect(page.get_by_text("112.00 EUR").first).to_be_visible()
    page.get_by_role("link", name="Monthly").first.click()
    page.get_by_role("link", name="Continue with monthly").click()
    fill_in_details(page)
    page.get_by_role("button", name="Add a card").click()
    enter_card(page, PROVED_BY_BANK)
    expect(page.get_by_text("ending in 3184").first).to_be_visible()
    visit.check("billing-details")
    picture(visit, "billing-details")
    page.get_by_role("button", name="Subscribe", exact=True).click()
    expect(page.get_by_text("You are subscribed.")).to_be_visible()
    visit.check("billing-status")
    page.get_by_role("link", name="Why am I billed for this? Microsoft Exchange").click()
    expect(page.get_by_text("Free: has no licence").first).to_be_visible()
    visit.check("billing-why")
    picture(visit, "billing-why")
    tab(page, "Review").click()
    page.get_by_role("link", name="Cancel subscription…").click()
    visit.check("billing-cancel")
    page.get_by_role("button", name="Cancel subscription", exact=True).click()
    page.get_by_role("button", name="Keep the subscription").click()
    expect(page.get_by_text("The subscription goes on.")).to_be_visible()


def fill_in_details(page: Page) -> None:
    """First with a mistake, which is said at its field."""
    page.get_by_label("Country").select_option(label="Germany")
    page.get_by_label("Company tax ID").fill("DE136695977")
    page.get_by_label("Phone number").fill("+49 69 123456")
    page.get_by_label("Address line 1").fill("Mozarellaweg 18")
    page.get_by_label("City").fill("Frankfurt")
    page.get_by_label("Zip or postal code").fill("60311")
    page.get_by_role("button", name="Update billing details").click()
    expect(page.get_by_text("no valid tax ID of Germany")).to_be_visible()
    page.get_by_label("Company tax ID").fill("DE136695976")
    page.get_by_role("button", name="Update billing details").click()
    expect(page.get_by_text("The billing details are saved.")).to_be_visible()


def test_finance_asks_for_a_year_and_tries_another_card(account: Account, cast: Cast, visit: Visit) -> None:
    client = Client()
    client.force_login(cast.finance)
    visit.sign_in_as(client)
    page = visit.page
    make_details()
    make_card(account, last4="4444")
    visit.open(reverse("billing_annual"))
    page.get_by_label("Purchase order number").fill("PO-4350123")
    page.get_by_role("button", name="Request annual subscription").click()
    expect(page.get_by_text("Your request for an annual subscription was sent.")).to_be_visible()
    expect(page.get_by_text("Starts on")).to_be_visible()
    visit.check("billing-annual")
    picture(visit, "billing-annual")
    call_command("billing", "confirm", str(account.public_id), stdout=io.StringIO())
    tab(page, "Status").click()
    expect(page.get_by_text("Due invoices")).to_be_visible()
    tab(page, "Payment details").click()
    page.get_by_text("Add a card").click()
    enter_card(page, PROVED_BY_BANK)
    page.get_by_role("button", name=re.compile("^Activate.*3184")).click()
    row = page.get_by_role("row", name=re.compile("3184"))
    expect(row).to_contain_text("Active: payments are charged to it")
    page.get_by_role("button", name=re.compile("^Delete.*3184")).click()
    expect(row).to_have_count(0)


def test_finance_pays_an_overdue_invoice_and_takes_the_receipt(
    account: Account, cast: Cast, visit: Visit
) -> None:
    client = Client()
    client.force_login(cast.finance)
    visit.sign_in_as(client)
    page = visit.page
    Subscription.objects.create(
        account=account, interval="year", currency="EUR", state="past_due", auto_pay=False
    )
    make_invoice(account, due_in=-3)
    visit.open(reverse("support"))
    page.get_by_role("link", name="Open billing").click()
    visit.check("billing-overdue")
    picture(visit, "billing-status")
    page.get_by_role("button", name="Pay INV-000042").click()
    enter_card(page, PROVED_BY_BANK)
    expect(page.get_by_role("heading", name="Receipt INV-000042")).to_be_visible()
    visit.check("billing-receipt")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download INV-000042 as PDF").click()
    words = PdfReader(io.BytesIO(Path(taken.value.path()).read_bytes())).pages[0].extract_text()
    assert "INV-000042" in words and "119.00" in words
    tab(page, "History").click()
    visit.check("billing-history")
    assert Invoice.objects.get().state == "paid"


def test_an_installation_that_charges_nothing_says_so(cast: Cast, olivia: Visit) -> None:
    with account_scope(cast.account.pk):
        make_count(UUID(int=1))
    olivia.open("/billing/")
    olivia.check("billing-free")


def test_a_billing_address_that_gets_nothing_is_said_and_changed(
    account: Account, cast: Cast, visit: Visit, client: Client
) -> None:
    make_details(email=cast.viewer.email)
    Membership.objects.get(user=cast.viewer).delete()
    has_left(account.pk, cast.viewer)
    client.force_login(cast.finance)
    visit.sign_in_as(client)
    visit.open(reverse("billing_history"))
    expect(visit.page.get_by_role("button", name="Send bills there all the same")).to_be_visible()
    visit.check("billing-silent")
    visit.page.get_by_role("link", name="Enter another address").click()
    visit.page.get_by_label("Billing email").fill("bills@pizza-perfecto.example")
    visit.page.get_by_role("button", name="Update billing details").click()
    expect(visit.page.get_by_text("The billing details are saved.")).to_be_visible()
    expect(visit.page.get_by_text("No bill reaches")).to_have_count(0)
