"""An account with a trial, prices and billing details; a charger that does as it is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from apps.accounts.models import Account
from apps.billing import registry
from apps.billing.models import Card, Payment
from apps.billing.price_lists import prices_store
from apps.billing.registry import Counted
from apps.billing.services import (
    details_save,
    meter_day_store,
    payment_failed,
    payment_succeeded,
    run_billing_day,
)
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.core.errors import Unavailable
from apps.core.scope import account_scope
from tests.cast import Cast

BEGIN = date(2026, 1, 31)  # a month's last day, so that anchors are tried
SELLER = {"name": "Everkeep Ltd", "address": ["1 Quay", "Dublin"], "country": "IE", "tax_id": "IE6388047V"}
DETAILS = {
    "first_name": "Fred",
    "last_name": "Finance",
    "email": "bills@pizza-perfecto.example",
    "company": "Pizza Perfecto",
    "address_1": "18 Mozzarella Lane",
    "country": "DE",
    "city": "Berlin",
    "zip_code": "10115",
    "phone": "+49 30 1234",
    "tax_id": "DE136695976",
}
MAILBOXES = [uuid4() for _ in range(50)]


class FakeCharger:
    """Charges each payment once, however often asked. `answer`: yes, no, away, lost (charged, not told)."""

    def __init__(self) -> None:
        self.answer = "yes"
        self.taken: dict[UUID, int] = {}

    def is_on(self) -> bool:
        return True

    def takes(self, currency: str, amount_minor: int | None = None) -> bool:
        return True

    def charge(self, payment: Payment) -> None:
        if self.answer == "away":
            raise Unavailable("Stripe does not answer.")
        if self.answer == "no" and payment.public_id not in self.taken:
            payment_failed(payment.invoice, payment=payment, failure_code="card_declined", words="Declined.")
            return
        self.taken[payment.public_id] = payment.amount_minor
        if self.answer == "lost":
            raise Unavailable("The answer did not arrive.")
        payment_succeeded(
            payment.invoice,
            payment=payment,
            stripe_id=f"pi_{payment.public_id.hex}",
            amount_minor=payment.amount_minor,
        )


@pytest.fixture
def charger(monkeypatch: pytest.MonkeyPatch) -> FakeCharger:
    fake = FakeCharger()
    monkeypatch.setattr(registry, "_chargers", [fake])
    return fake


@pytest.fixture
def no_charger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_chargers", [])


@pytest.fixture
def account(cast: Cast, settings: Any) -> Iterator[Account]:
    """Pizza Perfecto, its trial ends on BEGIN, its details and prices are there; the test is in its scope."""
    settings.BILLING, settings.BILLING_SELLER, settings.BILLING_CURRENCY = True, SELLER, "EUR"
    prices_store(Path(__file__).parents[2] / "apps/billing/prices/example.toml")
    ends = datetime.combine(BEGIN, datetime.min.time(), UTC)
    Account.objects.filter(pk=cast.account.pk).update(trial_ends_at=ends)
    with account_scope(cast.account.pk), acting_as(SYSTEM), at(BEGIN - timedelta(days=10)):
        details_save(DETAILS)
        yield Account.objects.get(pk=cast.account.pk)


@pytest.fixture
def card(account: Account) -> Card:
    return Card.objects.create(account=account, stripe_id="pm_1", brand="Visa", last4="4242", is_active=True)


@contextmanager
def at(day: date, hour: int = 6) -> Iterator[None]:
    """Let it be this day."""
    with clock.travel(datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=hour)):
        yield


def mailboxes(paid: int, free: int = 0, gigabytes: int = 0) -> list[Counted]:
    """So many mailboxes, and sites of a size."""
    lines = [
        Counted("exchange", MAILBOXES[n], "User mailbox", 10**9, n < paid, "active" if n < paid else "paused")
        for n in range(paid + free)
    ]
    if gigabytes:
        lines.append(Counted("sharepoint", MAILBOXES[0], "Site", gigabytes * 10**9, False, "archived"))
    return lines


def live(account: Account, first: date, last: date, *, paid: int = 3, looks: int = 4, every: int = 1) -> None:
    """Count and bill up to `last`, each so many days, a few times a day, as the hourly task does each hour."""
    day = first
    while day <= last:
        for look in range(looks):
            with at(day, hour=look * 24 // looks):
                meter_day_store(day, mailboxes(paid, free=1))
                run_billing_day(account.pk, day)
        if day == last:
            break
        day = min(last, day + timedelta(days=every))
