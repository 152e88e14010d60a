"""What the tests of the pages need: prices, a count, billing details, an invoice."""

from datetime import date, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from apps.accounts.models import Account
from apps.billing.enums import InvoiceKind, InvoiceState
from apps.billing.models import Card, Invoice, InvoiceLine, MeterDay
from apps.billing.price_lists import prices_store
from apps.billing.registry import Counted
from apps.billing.services import details_save, meter_day_store
from apps.core import clock
from tests.billing.test_details_form import DETAILS

EXAMPLE = Path(__file__).resolve().parents[2] / "apps" / "billing" / "prices" / "example.toml"
NOBODYS = UUID("00000000-0000-7000-8000-0000deadbeef")


def today() -> date:
    return clock.now().date()


def make_prices() -> None:
    prices_store(EXAMPLE)


def make_count(*entities: UUID, unlicensed: int = 2, day: date | None = None) -> None:
    """Count these mailboxes as active, and two shared ones as free."""
    paid = [Counted("exchange", each, "Mailbox", 1_500_000_000, True, "active") for each in entities]
    free = [Counted("exchange", uuid4(), "Mailbox", 0, False, "unlicensed") for _ in range(unlicensed)]
    meter_day_store(day or today(), [*paid, *free])


def make_details(**changes: str) -> None:
    details_save({**DETAILS, **changes})


def make_card(account: Account, *, last4: str = "4242", is_active: bool = True) -> Card:
    return Card.objects.create(
        account=account,
        stripe_id=f"pm_{uuid4().hex}",
        brand="visa",
        last4=last4,
        exp_month=12,
        exp_year=2044,
        holder="Fred Finance",
        is_active=is_active,
    )


def make_invoice(
    account: Account, *, number: int = 42, due_in: int = 10, state: str = InvoiceState.OPEN
) -> Invoice:
    """An annual invoice over 119 EUR, due in so many days."""
    issued = today() - timedelta(days=20)
    invoice = Invoice.objects.create(
        account=account,
        series="INV",
        number=number,
        kind=InvoiceKind.ANNUAL,
        state=state,
        issued_on=issued,
        due_on=today() + timedelta(days=due_in),
        effective_on=issued,
        until=issued + timedelta(days=365),
        currency="EUR",
        net_minor=10_000,
        tax_minor=1_900,
        total_minor=11_900,
        tax_rate=19,
        details={
            "seller": {"name": "Everkeep", "address": ["Main Street 1"], "country": "DE"},
            "buyer": {
                **DETAILS,
                "title": "",
                "address_2": "",
                "address_3": "",
                "state": "",
                "country_name": "Germany",
            },
            "account": account.name,
        },
    )
    InvoiceLine.objects.create(
        account=account,
        invoice=invoice,
        service="exchange",
        unit="entity",
        words="Microsoft Exchange, per mailbox and year",
        quantity=4,
        unit_price_minor=2_500,
        total_minor=10_000,
        meter_day=MeterDay.objects.filter(service="exchange", unit="entity").first(),
    )
    return invoice
