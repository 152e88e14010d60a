"""Whatever happens to a plan, its invoices are what is computed plainly from the counts, to the cent."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from uuid import UUID

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Account
from apps.billing import mails
from apps.billing.enums import InvoiceState
from apps.billing.models import Invoice
from apps.billing.price_lists import prices_store
from apps.billing.registry import Counted
from apps.billing.services import (
    details_save,
    meter_day_store,
    payment_recorded,
    run_billing_day,
    subscription_cancel,
    subscription_change,
    subscription_keep,
    subscription_of,
    subscription_request,
)
from tests.billing.conftest import BEGIN, DETAILS, at
from tests.billing.plain_bills import PlainBooks, Prices, Quantities

DIGITS = {"EUR": 2, "JPY": 0, "KWD": 3}
PRICED = (("exchange", "entity"), ("onedrive", "entity"), ("sharepoint", "gb"))
FREE = ("paused", "archived", "deleting", "inactive", "unlicensed", "waiting")
PLACES = (  # country, number, what the paper's tax is for a seller in Ireland
    ("IE", "", Fraction(23)),
    ("DE", "", Fraction(19)),
    ("FI", "", Fraction(51, 2)),
    ("DE", "DE136695976", Fraction(0)),
    ("JP", "", Fraction(0)),
)
ACTS = (*["pay"] * 3, *["subscribe"] * 2, "nothing", "cancel", "keep", "prices", "details", "killed")


@dataclass(frozen=True)
class Step:
    """A day on which the worker runs, so many days after the one before; then something happens."""

    after: int
    paid: tuple[int, int]  # mailboxes, drives
    free: tuple[str, ...]  # mailboxes that are not paid for
    size: int  # bytes in a site
    act: str
    amounts: tuple[int, int, int]
    place: tuple[str, str, Fraction]


AMOUNTS = st.tuples(st.integers(0, 999), st.integers(0, 99_999), st.integers(0, 999))
STEPS = st.builds(
    Step,
    st.sampled_from((1, 1, 2, 4, 7, 8, 11, 16, 29, 45)),
    st.tuples(st.integers(0, 4), st.integers(0, 2)),
    st.lists(st.sampled_from(FREE), max_size=2).map(tuple),
    st.integers(0, 4 * 10**12),
    st.sampled_from(ACTS),
    AMOUNTS,
    st.sampled_from(PLACES),
)


@dataclass
class History:
    """The account as it is, and the plain books beside it: each step is taken by both."""

    account: Account
    folder: Path
    currency: str
    day: date = BEGIN - timedelta(days=10)
    books: PlainBooks = field(default_factory=lambda: PlainBooks(trial_ends=BEGIN))
    prices: Prices = field(default_factory=dict)

    def take(self, step: Step) -> None:
        self.day += timedelta(days=step.after)
        with at(self.day):
            lines = list(counted(step))
            meter_day_store(self.day, lines)
            self.books.counts[self.day] = quantities(step)
            if step.act != "killed":  # right after the count
                run_billing_day(self.account.pk, self.day)
                self.books.look(self.day)
            self.act(step)

    def act(self, step: Step) -> None:
        books = self.books
        is_running = books.state == "running"
        if step.act == "subscribe" and books.state in ("none", "ended") and not books.unpaid:
            subscription_request(interval="month")
            books.subscribe(self.day, self.prices)
        elif step.act == "cancel" and is_running and not books.cancelled:
            subscription_cancel(subscription_of())
            books.cancelled = True
        elif step.act == "keep" and is_running and books.cancelled:
            subscription_keep(subscription_of())
            books.cancelled = False
        elif step.act == "pay" and books.unpaid:
            owed = Invoice.objects.filter(state=InvoiceState.OPEN).earliest("effective_on", "pk")
            payment_recorded(owed, amount_minor=owed.total_minor, words="Transfer")
            books.pay_oldest(self.day)
        elif step.act == "prices":
            self.store_prices(step.amounts)
            subscription_change(subscription_of(), price_list="Standard")
            books.prices = self.prices if books.prices else {}
        elif step.act == "details":
            self.move(step.place)

    def move(self, place: tuple[str, str, Fraction]) -> None:
        country, tax_id, self.books.rate = place
        details_save({**DETAILS, "country": country, "tax_id": tax_id})

    def store_prices(self, amounts: tuple[int, int, int]) -> None:
        """A list that is valid from this day on."""
        text = f'name = "Standard"\nvalid_from = {self.day}\n'
        for (service, unit), minor in zip(PRICED, amounts, strict=True):
            amount = Decimal(minor).scaleb(-DIGITS[self.currency])
            text += f'[[price]]\nservice = "{service}"\nunit = "{unit}"\n'
            text += f'month = {{ {self.currency} = "{amount}" }}\n'
        file = self.folder / "prices.toml"
        file.write_text(text)
        prices_store(file)
        self.prices = dict(zip(PRICED, amounts, strict=True))

    def check(self) -> None:
        bills = list(Invoice.objects.prefetch_related("lines").order_by("number"))
        ours = [
            (one.effective_on, one.until, one.issued_on, sorted(line.total_minor for line in one.lines.all()))
            for one in bills
        ]
        assert ours == [(one.first, one.until, one.issued, sorted(one.lines)) for one in self.books.bills]
        for bill, plain in zip(bills, self.books.bills, strict=True):
            assert (bill.net_minor, bill.tax_minor) == (plain.net, plain.tax) and bill.currency == self.currency
            assert bill.total_minor == plain.net + plain.tax and bill.tax_rate == Decimal(float(plain.rate))
            assert all(
                line.total_minor == round_up(line.quantity, line.unit_price_minor) for line in bill.lines.all()
            )
        spans = self.books.periods
        assert all(first >= BEGIN for first, _ in spans), "the trial is free"
        assert all(until <= following for (_, until), (following, _) in pairwise(spans))


def round_up(quantity: Decimal, price: int) -> int:
    return int(Fraction(quantity) * price + Fraction(1, 2))


def counted(step: Step) -> Iterator[Counted]:
    for service, number in zip(("exchange", "onedrive"), step.paid, strict=True):
        for each in range(number):
            yield Counted(service, UUID(int=each), "Mailbox", 10**9, True, "active")
    for each, why in enumerate(step.free, start=100):
        yield Counted("exchange", UUID(int=each), "Mailbox", 10**9, False, why)
    if step.size:
        yield Counted("sharepoint", UUID(int=1), "Site", step.size, False, "archived")


def quantities(step: Step) -> Quantities:
    thousandths = int(Fraction(step.size, 10**6) + Fraction(1, 2))
    return {
        ("exchange", "entity"): Fraction(step.paid[0]),
        ("onedrive", "entity"): Fraction(step.paid[1]),
        ("sharepoint", "gb"): Fraction(thousandths, 1000),
    }


@pytest.fixture
def _quiet(no_charger: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is said about it all is proved elsewhere."""
    monkeypatch.setattr(mails, "notify_addresses", lambda *args, **kwargs: 0)


@pytest.mark.usefixtures("_quiet")
@settings(
    max_examples=8,
    derandomize=True,  # the same histories each time: whoever looks for faults lifts it and wants more of them
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    currency=st.sampled_from(sorted(DIGITS)),
    first=st.tuples(AMOUNTS, st.sampled_from(PLACES)),
    steps=st.lists(STEPS, min_size=12, max_size=24),
)
def test_invoices_are_the_counts_times_the_prices_and_each_day_is_billed_once_or_never(
    *,
    account: Account,
    tmp_path: Path,
    currency: str,
    first: tuple[tuple[int, int, int], tuple[str, str, Fraction]],
    steps: list[Step],
) -> None:
    with transaction.atomic():
        history = History(account, tmp_path, currency)
        with at(history.day):
            history.store_prices(first[0])
            history.move(first[1])
            subscription_change(subscription_of(), currency=currency)
            subscription_request(interval="month")
            history.books.subscribe(history.day, history.prices)
        for step in steps:
            history.take(step)
        history.check()
        transaction.set_rollback(True)
