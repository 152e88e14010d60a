"""The pages of billing: who sees what, what is said, and what each button does."""

import base64
import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pypdf import PdfReader

from apps.accounts.enums import Role
from apps.accounts.models import Account, Membership, User
from apps.activity.models import SecurityEvent
from apps.backups.models import Entity
from apps.billing.enums import InvoiceState, PaymentState, SubscriptionState
from apps.billing.links import OPEN_FOR, paper_link
from apps.billing.mails import tell
from apps.billing.models import BillingDetails, Invoice, Payment, PriceList, Subscription
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.core.scope import account_scope
from apps.notifications.models import Delivery
from apps.notifications.rights import has_left, has_refused
from apps.notifications.sending import send_due
from tests.backups.makers import make_connection, make_protected, make_task
from tests.billing.page_makers import make_card, make_count, make_details, make_invoice, make_prices, today
from tests.billing.test_details_form import DETAILS
from tests.cast import Cast, member, prove_again
from tests.security.url_table import TABLE


@pytest.fixture
def priced(cast: Cast, settings: Any) -> Iterator[Account]:
    """An account on trial for six more days, four mailboxes counted, where something is charged."""
    settings.BILLING, settings.BILLING_CURRENCY = True, "EUR"
    settings.BILLING_SELLER = {"name": "Everkeep", "country": "DE", "address": ["Main Street 1"]}
    midnight = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    Account.objects.filter(pk=cast.account.pk).update(trial_ends_at=midnight + timedelta(days=6))
    cast.account.refresh_from_db()
    with account_scope(cast.account.pk):
        make_prices()
        make_count(*(UUID(int=number) for number in range(4)))
        yield cast.account


@pytest.fixture
def fred(cast: Cast) -> Client:
    return at_desk(cast.finance)


def at_desk(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def text(client: Client, name: str, *args: object, query: str = "") -> str:
    answer = client.get(reverse(name, args=args) + query)
    assert answer.status_code == 200, (name, answer.status_code, answer.get("Location"))
    return answer.content.decode()


def codes() -> list[str]:
    return list(SecurityEvent.objects.order_by("-pk").values_list("code", flat=True)[:3])


def test_while_billing_is_off_the_page_says_that_all_is_free_and_what_is_counted(
    cast: Cast, fred: Client
) -> None:
    with account_scope(cast.account.pk):
        make_count(UUID(int=1), UUID(int=2))
    page = text(fred, "billing")
    assert "This installation is free" in page and "Nothing is charged" in page
    assert 'class="ek-right">4</td>' in page and 'class="ek-right">2</td>' in page
    for name in ("billing_status", "billing_details", "billing_history", "billing_annual"):
        assert fred.get(reverse(name)).headers["Location"] == reverse("billing")


def test_a_month_and_a_year_are_shown_with_their_sums_and_the_day_of_the_first_payment(
    priced: Account, fred: Client
) -> None:
    page = text(fred, "billing")
    assert "11.20 EUR" in page and "112.00 EUR" in page and "depends on your country" in page
    assert "6 mailboxes" in page and "4 mailboxes" in page and "2.80 EUR" in page
    assert f"{today() + timedelta(days=6):%-d %B %Y}" in page
    make_details()
    page = text(fred, "billing", query="?interval=year")
    assert "13.33 EUR" in page and "133.28 EUR" in page and "28.00 EUR" in page, "with 19 % tax"


def test_finance_subscribes_during_the_trial_and_pays_from_its_end_on(priced: Account, fred: Client) -> None:
    assert fred.post(reverse("billing_subscribe")).status_code == 400, "the details are missing"
    page = text(fred, "billing_details", query="?plan=month")
    assert "fill in the billing details" in page and "disabled" in page
    answer = fred.post(reverse("billing_details") + "?plan=month", DETAILS)
    assert answer.headers["Location"].endswith("?plan=month")
    assert BillingDetails.objects.get().tax_id == "DE136695976"
    assert fred.post(reverse("billing_subscribe")).status_code == 302
    plan = Subscription.objects.get()
    assert (plan.state, plan.started_on) == (SubscriptionState.ACTIVE, today() + timedelta(days=6))
    page = text(fred, "billing_status")
    assert "Monthly" in page and "Nothing due yet" in page
    assert {"billing.details_changed", "billing.subscribed"} <= set(
        SecurityEvent.objects.filter(actor_label__contains="Fred").values_list("code", flat=True)
    )


def test_where_no_prices_are_stored_nobody_is_offered_to_subscribe(priced: Account, fred: Client) -> None:
    PriceList.objects.all().delete()
    page = text(fred, "billing_details", query="?plan=month")
    assert "ask support for prices in EUR" in page and "disabled" in page


def test_details_that_do_not_fit_their_country_are_refused_at_their_field(
    priced: Account, fred: Client
) -> None:
    answer = fred.post(reverse("billing_details"), {**DETAILS, "tax_id": "DE136695977"})
    assert answer.status_code == 200 and "no valid tax ID of Germany" in answer.content.decode()
    assert not BillingDetails.objects.exists()


def test_a_year_is_asked_for_and_taken_back(priced: Account, fred: Client) -> None:
    make_details()
    wanted = {"contact_name": "Fred", "contact_email": "fred.finance@pizza-perfecto.example"}
    too_early = {**wanted, "wanted_start": today().isoformat()}
    assert "The earliest day is" in fred.post(reverse("billing_annual"), too_early).content.decode()
    start = today() + timedelta(days=6)
    order = {**wanted, "wanted_start": start.isoformat(), "purchase_order": "4350123"}
    assert fred.post(reverse("billing_annual"), order).status_code == 302
    plan = Subscription.objects.get()
    assert (plan.state, plan.purchase_order, plan.wanted_start) == ("requested", "4350123", start)
    assert "Your request for an annual subscription was sent" in text(fred, "billing")
    assert fred.post(reverse("billing_withdraw")).status_code == 302
    assert Subscription.objects.get().state == SubscriptionState.NONE


def test_the_operator_reads_whom_to_ask_about_a_year(
    priced: Account, fred: Client, settings: Any, capsys: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.BILLING_EMAIL = "support@everkeep.example"
    make_details()
    wanted = {"contact_name": "Mia www.evil.example", "contact_email": "mia@pizza-perfecto.example"}
    order = {**wanted, "wanted_start": (today() + timedelta(days=6)).isoformat(), "purchase_order": "4350123"}
    with django_capture_on_commit_callbacks(execute=True):
        fred.post(reverse("billing_annual"), order)
    (letter,) = [one for one in mail.outbox if one.to == ["support@everkeep.example"]]
    call_command("billing", "requests")
    for said in (str(letter.body), capsys.readouterr().out):
        assert "Mia evil example <mia@pizza-perfecto.example>" in said and "4350123" in said


def test_ending_a_subscription_wants_a_fresh_proof_and_can_be_taken_back(priced: Account, fred: Client) -> None:
    make_details()
    fred.post(reverse("billing_subscribe"))
    cancel = reverse("billing_cancel")
    assert fred.post(cancel).headers["Location"].startswith(reverse("sudo"))
    assert not Subscription.objects.get().cancel_at_end
    prove_again(fred)
    assert "Cancel the monthly subscription?" in text(fred, "billing_cancel")
    fred.post(cancel)
    assert Subscription.objects.get().cancel_at_end and codes()[0] == "billing.cancelled"
    assert "Keep the subscription" in text(fred, "billing")
    fred.post(reverse("billing_keep"))
    assert not Subscription.objects.get().cancel_at_end


# ---- cards ----


def test_one_card_is_active_and_another_one_takes_its_place(priced: Account, fred: Client) -> None:
    first, second = make_card(priced), make_card(priced, last4="0005", is_active=False)
    page = text(fred, "billing_details")
    assert "Visa ending in 4242" in page and "12/2044" in page
    fred.post(reverse("billing_card_activate", args=[second.public_id]))
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.is_active, second.is_active) == (False, True)
    assert "billing.card_activated" in codes()


def test_no_card_is_asked_for_where_none_can_be_charged(priced: Account, fred: Client, settings: Any) -> None:
    make_details()
    by_hand = "One invoice a month, payable within 14 days, by bank transfer."
    assert by_hand in text(fred, "billing"), "no card processor"
    settings.STRIPE_KEY = "sk_test_everkeep"
    invoice = make_invoice(priced)
    assert "By card, on the same day of each month." in text(fred, "billing")
    assert "add a card" in fred.get(reverse("billing_details"), {"plan": "month"}).content.decode()
    pay = reverse("billing_pay", args=[invoice.public_id])
    assert pay in fred.get(reverse("billing_history")).content.decode()
    Subscription.objects.create(account=priced, currency="ISK")
    Invoice.objects.update(currency="ISK")
    PriceList.objects.filter(currency="EUR").update(currency="ISK")
    assert by_hand in text(fred, "billing")
    page = fred.get(reverse("billing_details"), {"plan": "month"}).content.decode()
    assert "add a card" not in page and "Cards are not accepted for ISK here" in page
    for name in ("billing_history", "billing_status"):
        assert pay not in fred.get(reverse(name)).content.decode()


# ---- what stands on every page ----


def test_messages_about_payments_are_for_who_may_see_them(priced: Account, cast: Cast, fred: Client) -> None:
    make_details()
    Subscription.objects.create(account=priced, currency="EUR", interval="year", state="active", auto_pay=False)
    invoice = make_invoice(priced)
    support = reverse("support")
    assert "Payment due." in fred.get(support).content.decode()
    assert reverse("billing_status") in fred.get(support).content.decode()
    invoice.__class__.objects.filter(pk=invoice.pk).update(due_on=today() - timedelta(days=3))
    assert "Payment overdue." in fred.get(support).content.decode()
    Payment.objects.create(
        account=priced, invoice=invoice, amount_minor=11_900, currency="EUR", state=PaymentState.FAILED,
        attempt=1, words="There was not enough money on the card.",
    )  # fmt: skip
    page = fred.get(support).content.decode()
    assert "Payment failed." in page and "not enough money" in page
    Subscription.objects.update(state=SubscriptionState.SUSPENDED)
    assert "Backups are suspended." in fred.get(support).content.decode()
    assert "Backups are suspended." not in at_desk(cast.viewer).get(support).content.decode()
    reader = member(priced, "meg@pizza-perfecto.example", Role.CUSTOM, extra_permissions=["billing_messages"])
    page = at_desk(reader).get(support).content.decode()
    assert "Backups are suspended." in page and reverse("billing_status") not in page


def test_that_nothing_is_backed_up_is_seen_by_everybody_also_when_a_plan_has_ended(
    priced: Account, cast: Cast, fred: Client
) -> None:
    make_details()
    support, vera = reverse("support"), at_desk(cast.viewer)
    Account.objects.filter(pk=priced.pk).update(state="active", suspended_at=clock.now())
    plan = Subscription.objects.create(account=priced, currency="EUR", state="suspended", stopped_on=today())
    make_invoice(priced, due_in=-40)
    page = vera.get(support).content.decode()
    assert "Backups are stopped." in page and "119.00" not in page and "Open billing" not in page
    Invoice.objects.update(state=InvoiceState.UNCOLLECTIBLE)
    Subscription.objects.filter(pk=plan.pk).update(state=SubscriptionState.CANCELLED)
    assert "Backups are stopped." in vera.get(support).content.decode()
    closes = f"{today() + timedelta(days=30):%-d %B %Y}"
    for page in (fred.get(support).content.decode(), text(fred, "billing_status")):
        assert "Your plan has ended." in page and closes in page
    Account.objects.filter(pk=priced.pk).update(suspended_at=None)
    Subscription.objects.update(state=SubscriptionState.ACTIVE)
    assert "Backups are stopped." not in vera.get(support).content.decode()


def test_the_trial_banner_leads_who_may_to_the_plans(priced: Account, cast: Cast, fred: Client) -> None:
    page = fred.get(reverse("support")).content.decode()
    assert "6 days of your trial left" in page and f'href="{reverse("billing")}">Subscribe</a>' in page
    page = at_desk(cast.viewer).get(reverse("support")).content.decode()
    assert "6 days of your trial left" in page and "Subscribe" not in page


# ---- invoices ----


def test_an_overdue_invoice_is_listed_and_its_page_adds_up(priced: Account, fred: Client) -> None:
    invoice = make_invoice(priced, due_in=-3)
    make_invoice(priced, number=41, state=InvoiceState.PAID)
    page = text(fred, "billing_status")
    assert "INV-000042" in page and "Overdue" in page and "119.00 EUR" in page and "INV-000041" not in page
    page = text(fred, "billing_history")
    assert "INV-000042" in page and "INV-000041" in page and "Paid" in page
    page = text(fred, "billing_invoice", invoice.public_id)
    for words in (
        "100.00 EUR",
        "Tax 19 %",
        "19.00 EUR",
        "119.00 EUR",
        "25.00 EUR",
        "Why am I billed for this?",
    ):
        assert words in page


def test_the_paper_is_for_who_has_the_right_when_they_click(priced: Account, cast: Cast, fred: Client) -> None:
    invoice = make_invoice(priced)
    paper = reverse("billing_pdf", args=[invoice.public_id])
    answer = fred.get(paper)
    assert answer.headers["Content-Type"] == "application/pdf"
    words = "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    assert "INV-000042" in words and "119.00" in words
    assert codes()[0] == "billing.invoice_downloaded"
    Membership.objects.filter(user=cast.finance).update(role=Role.AUDITOR)
    assert fred.get(paper).status_code == 403
    assert at_desk(cast.stranger).get(paper).status_code == 404


def test_the_link_of_a_mail_opens_one_paper_for_some_weeks(
    priced: Account, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = make_invoice(priced)
    path = paper_link(invoice).partition("://")[2].partition("/")[2]
    answer = client.get(f"/{path}")
    assert answer.content.startswith(b"%PDF") and "no-store" in answer.headers["Cache-Control"]
    assert client.get(f"/{path}").status_code == 200
    assert codes().count("billing.invoice_downloaded") == 1, "one row a day, however often it is fetched"
    told = base64.urlsafe_b64decode(path.rstrip("/").rpartition("/")[2].partition(":")[0] + "==")
    assert str(priced.public_id) in told.decode(), "no number of ours"
    assert client.get(f"/{path[:-2]}x/").status_code == 404, "forged"
    monkeypatch.setattr("time.time", lambda: clock.now().timestamp() + OPEN_FOR.total_seconds() + 60)
    assert client.get(f"/{path}").status_code == 404, "too old"


# ---- why am I billed for this? ----


@pytest.fixture
def counted(priced: Account) -> tuple[Entity, Entity]:
    """Two mailboxes with names, one of limited access, counted yesterday."""
    task = make_task(make_connection(priced))
    seen, limited = make_protected(task, "Agata Brown"), make_protected(task, "Bob Smith")
    Entity.objects.filter(pk=limited.pk).update(limited=True)
    make_count(seen.public_id, limited.public_id, day=today() - timedelta(days=1))
    return seen, limited


def test_names_behind_a_bill_are_for_who_sees_backups(
    priced: Account, counted: tuple[Entity, Entity], cast: Cast, fred: Client
) -> None:
    query = f"?day={today() - timedelta(days=1):%Y-%m-%d}"
    right = ["billing", "view", "backups_page"]
    some = at_desk(member(priced, "meg@pizza-perfecto.example", Role.CUSTOM, extra_permissions=right))
    for name in ("billing_why", "billing_why_csv"):
        seen_by = {}
        for who, client in {"owner": at_desk(cast.owner), "finance": fred, "some": some}.items():
            answer = client.get(reverse(name, args=["exchange", "entity"]) + query)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
            page = body.decode()
            seen_by[who] = ("Agata Brown" in page, "Bob Smith" in page)
            assert page.count("Free: has no licence") == 2, who
            assert all(entity.public_id.hex[-8:].upper() in page or who != "finance" for entity in counted)
        assert seen_by == {"owner": (True, True), "finance": (False, False), "some": (True, False)}, name


def test_a_long_list_is_read_page_by_page(priced: Account, fred: Client) -> None:
    make_count(*(UUID(int=number) for number in range(120)), day=today() - timedelta(days=1))
    url = reverse("billing_why", args=["exchange", "entity"]) + f"?day={today() - timedelta(days=1):%Y-%m-%d}"
    found, pages = 0, 0
    while url:
        page = fred.get(url).content.decode()
        found, pages = found + page.count("ek-cell-name"), pages + 1
        following = page.partition("Next<svg")[0].rpartition('href="')[2].partition('"')[0]
        url = following.replace("&amp;", "&") if "Next<svg" in page else ""
    assert (found, pages) == (122, 3)


# ---- finance sees billing and nothing else ----

PERSONAL = {
    "account_state", "api_account", "api_me", "approvals", "my_security", "password_change", "sudo", "support",
}  # fmt: skip


def test_finance_reads_no_page_but_billing_and_their_own() -> None:
    open_to_nobody_in_particular = {"anonymous", "invited", "partner"}
    found = {
        name
        for name, row in TABLE.items()
        if row.data is None
        and row.expected("finance") == 200
        and all(row.expected(person) != 200 for person in open_to_nobody_in_particular)
        and not name.startswith("billing")
    }
    assert found <= PERSONAL


def test_a_billing_address_whose_person_left_is_said_and_allowed_only_knowingly(
    priced: Account, cast: Cast, fred: Client
) -> None:
    make_details(email=cast.viewer.email.upper())

    def said() -> str:
        pages = [text(fred, name) for name in ("billing", "billing_details", "billing_history")]
        assert len({"No bill reaches" in page for page in pages}) == 1
        return pages[0]

    def bills() -> bool:
        with acting_as(SYSTEM):
            Delivery.objects.all().delete()
            tell("cancelled")
            return Delivery.objects.filter(address=cast.viewer.email).exists()

    assert "No bill reaches" not in said() and bills()
    Membership.objects.filter(user=cast.viewer).update(is_active=False)
    assert "cannot sign in here now" in said() and "all the same" not in said() and not bills()
    Membership.objects.get(user=cast.viewer).delete()
    has_left(priced.pk, cast.viewer)
    assert "of somebody who left" in said() and not bills()
    allow = reverse("billing_address_allow")
    assert fred.post(allow).headers["Location"].startswith(reverse("sudo")) and not bills()
    prove_again(fred)
    assert fred.post(allow).status_code == 302 and codes()[0] == "billing.address_allowed"
    assert "No bill reaches" not in said() and bills()
    assert has_refused(cast.viewer.email, "exceptions"), "bills only"
    assert fred.post(allow).status_code == 409
    make_details(email="else@pizza-perfecto.example"), make_details(email=cast.viewer.email)
    assert "of somebody who left" in said() and not bills(), "allowed as long as it stood there"


@acting_as(SYSTEM)
def test_a_bill_that_waits_is_judged_again_when_it_is_sent(priced: Account, cast: Cast) -> None:
    make_details(email="before@pizza-perfecto.example")
    tell("cancelled")
    Membership.objects.filter(user=cast.finance).update(role=Role.AUDITOR)
    make_details(email="bills@pizza-perfecto.example")
    tell("cancelled")
    make_details(email=cast.viewer.email)
    tell("cancelled")
    Delivery.objects.filter(address=cast.owner.email).delete()
    send_due()
    made = Delivery.objects.values_list("address", "state")
    assert sorted(made) == [
        ("before@pizza-perfecto.example", "stopped"),
        ("bills@pizza-perfecto.example", "stopped"),
        (cast.finance.email, "stopped"),
        (cast.viewer.email, "delivered"),
    ]
