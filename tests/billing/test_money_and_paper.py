"""Amounts to the cent, taxes by rule, numbers without a gap, papers that can be read back."""

import ast
import threading
from datetime import date, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from apps.accounts.models import Account
from apps.billing.anchors import next_after
from apps.billing.enums import Interval, Unit
from apps.billing.errors import InvoiceIssued, InvoiceSettled, PriceAgreed
from apps.billing.meter import charges, days_behind
from apps.billing.models import (
    BillingDetails,
    Invoice,
    InvoiceLine,
    MeterDay,
    MeterLine,
    NumberSeries,
    PriceList,
)
from apps.billing.money import half_up, line_total, plain, tax_on, to_minor
from apps.billing.numbers import number_next
from apps.billing.paper import drawn
from apps.billing.price_lists import prices_store
from apps.billing.services import (
    details_save,
    invoice_issue,
    invoice_void,
    meter_day_store,
    subscription_of,
    subscription_request,
)
from apps.billing.services.metering import lines_forget
from apps.billing.tax_ids import tidy_tax_id
from apps.billing.taxes import tax_for
from apps.core.errors import InvalidRequest
from tests.billing.conftest import BEGIN, DETAILS, SELLER, at, mailboxes

pytestmark = pytest.mark.database
APP = Path(__file__).parents[2] / "apps/billing"
NAMES = ["Łukasz Żółć", "Ελένη Παπαδοπούλου", "Юлия Щербакова", "דנה כהן"]


def issue(today: date = BEGIN, *, paid: int = 3, gigabytes: int = 0) -> Invoice:
    """Subscribe and bill the first month."""
    subscription_request(interval=Interval.MONTH)
    meter_day_store(today, mailboxes(paid, free=1, gigabytes=gigabytes))
    until = next_after(today, today.day, Interval.MONTH)
    invoice = invoice_issue(subscription_of(), first=today, until=until, today=today)
    assert invoice is not None
    return invoice


def test_no_float_is_near_money() -> None:
    for path in APP.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            is_float = isinstance(node, ast.Constant) and isinstance(node.value, float)
            waits = path.parent.name == "gateway"  # seconds of the network
            assert (waits or not is_float) and getattr(node, "id", "") != "float", f"{path}: a float"


def test_amounts_know_their_currency_and_round_halves_up() -> None:
    assert [to_minor("12.50", "EUR"), to_minor("450", "JPY"), to_minor("0.925", "KWD")] == [1250, 450, 925]
    assert [plain(1137500, "GBP"), plain(450, "JPY"), plain(925, "KWD")] == ["11,375.00", "450", "0.925"]
    assert [half_up(Decimal(x)) for x in ("0.5", "1.5", "2.4999", "-0.5")] == [1, 2, 2, -1]
    for wrong in ("12.505", "x", "NaN", "1e-9"):
        with pytest.raises(InvalidRequest):
            to_minor(wrong, "EUR")


@pytest.mark.parametrize(
    ("country", "tax_id", "percent", "says"),
    [
        ("IE", "", "23", ""),
        ("DE", "DE136695976", "0", "Reverse charge"),
        ("DE", "", "19", ""),
        ("FI", "", "25.5", ""),
        ("US", "", "0", "Not subject to VAT"),
        ("IL", "516179157", "0", "Not subject to VAT"),
    ],
)
def test_the_tax_follows_from_country_and_number(
    settings: Any, country: str, tax_id: str, percent: str, says: str
) -> None:
    settings.BILLING_SELLER = SELLER
    tax = tax_for(country, tax_id, BEGIN)
    assert (tax.percent, tax.note.startswith(says)) == (Decimal(percent), True)


def test_tax_numbers_are_checked_by_country() -> None:
    assert tidy_tax_id("DE", "136 695 976") == "DE136695976"
    assert {tidy_tax_id("GR", f"{prefix}094259216") for prefix in ("", "EL", "GR")} == {"EL094259216"}
    assert tidy_tax_id("IL", "516179157") == "516179157"
    assert tidy_tax_id("BW", "anything") == "ANYTHING"
    assert [tidy_tax_id("DE", "DE136695977"), tidy_tax_id("IL", "516179158")] == [None, None]


@pytest.mark.django_db
def test_details_are_whole_and_israel_wants_a_number(account: Account) -> None:
    with pytest.raises(InvalidRequest, match="company tax ID"):
        details_save({**DETAILS, "country": "IL", "tax_id": ""})
    with pytest.raises(InvalidRequest, match="is not a tax ID of Germany"):
        details_save({**DETAILS, "tax_id": "DE1"})
    with pytest.raises(InvalidRequest, match="state"):
        details_save({**DETAILS, "country": "US", "tax_id": ""})


@pytest.mark.django_db
def test_a_stored_price_is_never_another_and_a_plan_keeps_its_own(account: Account, tmp_path: Path) -> None:
    shipped = (APP / "prices/example.toml").read_text()
    dearer = tmp_path / "prices.toml"
    dearer.write_text(shipped.replace('"2.80"', '"9.80"'))
    with pytest.raises(PriceAgreed):
        prices_store(dearer)
    first = issue()
    dearer.write_text(dearer.read_text().replace("2026-01-01", "2026-01-15"))
    assert all(is_new for _, is_new in prices_store(dearer))
    following = date(2026, 2, 28)
    meter_day_store(following, mailboxes(3))
    second = invoice_issue(subscription_of(), first=following, until=date(2026, 3, 31), today=following)
    assert second is not None and second.total_minor == first.total_minor == 3 * 280


@pytest.mark.django_db
def test_what_was_issued_is_not_changed_and_not_deleted(account: Account) -> None:
    invoice = issue()
    invoice.net_minor = 1
    with pytest.raises(InvoiceIssued):
        invoice.save()
    with pytest.raises(InvoiceIssued):
        invoice.delete()
    with pytest.raises(InvoiceIssued):
        InvoiceLine.objects.get().save()
    note = invoice_void(Invoice.objects.get(), why="a mistake")
    assert (note.total_minor, note.credits) == (-840, invoice)
    with pytest.raises(InvoiceSettled):
        invoice_void(Invoice.objects.get(pk=invoice.pk), why="twice")


@pytest.mark.django_db
@pytest.mark.parametrize("name", NAMES)
def test_the_paper_reads_back_in_every_script(account: Account, name: str) -> None:
    details_save({"company": name, "tax_id": ""})
    invoice = issue(gigabytes=7)
    text = PdfReader(BytesIO(drawn(invoice))).pages[0].extract_text()
    assert name in text and drawn(invoice) == drawn(invoice)
    for said in ("Invoice INV-000001", "VAT 19%", "8.40", "1.61", "per mailbox and month", "1 Quay"):
        assert said in text
    assert f"{plain(invoice.total_minor, 'EUR')} EUR" in text
    BillingDetails.objects.update(company="Somebody else")
    assert name in PdfReader(BytesIO(drawn(Invoice.objects.get()))).pages[0].extract_text()


@pytest.mark.django_db
def test_the_count_is_the_highest_of_seven_days_and_an_outage_takes_the_newest(account: Account) -> None:
    for ago, paid in ((9, 9), (6, 4), (5, 7), (0, 2)):
        meter_day_store(BEGIN - timedelta(days=ago), mailboxes(paid))
    assert not meter_day_store(BEGIN, mailboxes(50)), "a day is counted once"
    prices = PriceList.objects.get(currency="EUR")
    (charge,) = charges(prices, Interval.MONTH, BEGIN)
    assert (charge.billable, charge.day.day) == (7, BEGIN - timedelta(days=5))
    (late,) = charges(prices, Interval.MONTH, BEGIN + timedelta(days=40))
    assert (late.billable, late.day.day) == (2, BEGIN)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.decimals(0, 10**6, places=3), st.integers(0, 10**6)), min_size=1, max_size=9),
    st.sampled_from([Decimal(0), Decimal("8.1"), Decimal("25.5"), Decimal(27)]),
)
def test_what_is_printed_adds_up_and_no_line_is_a_cent_off(
    lines: list[tuple[Decimal, int]], percent: Decimal
) -> None:
    totals = [line_total(quantity, price) for quantity, price in lines]
    for total, (quantity, price) in zip(totals, lines, strict=True):
        assert abs(total - quantity * price) <= Decimal("0.5")
    net = sum(totals)
    assert abs(tax_on(net, percent) - net * percent / 100) <= Decimal("0.5")


@pytest.mark.django_db
def test_the_operator_sees_and_does_it_by_commands(account: Account, capsys: Any, tmp_path: Path) -> None:
    call_command("billing", "prices", str(APP / "prices/example.toml"))
    issue(paid=10)
    with at(BEGIN):
        call_command("billing", "record-payment", "INV-1", "28.00", "Transfer 1")
        call_command("billing", "record-payment", "inv-000001", "28.00", "Transfer 1")
        call_command("billing", "credit", "INV-000001", "5", "goodwill")
        call_command("billing", "auto-pay", str(account.public_id), "off")
    said = capsys.readouterr().out
    assert "was stored already" in said and "INV-000001  2026-01-31  Paid  28.00 EUR, open 0.00 EUR" in said
    assert "CRN-000001" in said and "paid by hand" in said
    call_command("billing", "paper", "INV-000001", str(tmp_path / "paper.pdf"))
    assert "Invoice / Receipt" in PdfReader(tmp_path / "paper.pdf").pages[0].extract_text()
    with pytest.raises(CommandError, match="not paid"):
        call_command("billing", "credit", "CRN-000001", "1", "no")


@pytest.mark.django_db(transaction=True)
def test_numbers_have_no_gap_though_one_of_two_connections_rolls_back() -> None:
    given_out: list[int] = []
    trouble: list[BaseException] = []

    def work(breaks_off: bool) -> None:
        try:
            for _ in range(10):
                try:
                    with transaction.atomic():
                        number = number_next("T")
                        if breaks_off:
                            raise LookupError
                    given_out.append(number)
                except LookupError:
                    continue
        except BaseException as error:
            trouble.append(error)
        finally:
            connection.close()

    NumberSeries.objects.create(series="T")
    threads = [threading.Thread(target=work, args=(breaks,)) for breaks in (False, True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trouble == [] and sorted(given_out) == list(range(1, 21))


@pytest.mark.django_db
def test_mailboxes_are_counted_by_the_rule_and_finance_reads_no_name(account: Account) -> None:
    from apps.backups.enums import EntityState
    from apps.backups.metering import counted, names
    from apps.backups.models import Entity
    from apps.backups.services.tasks import create_task
    from apps.connectors.enums import EntityKind, Service
    from apps.core import clock
    from tests.backups.makers import make_connection

    task = create_task(connection=make_connection(account), service=Service.EXCHANGE, name="Mail")
    cases = [
        ("active", {"state": EntityState.ACTIVE, "first_snapshot_at": clock.now(), "licensed": True}),
        ("waiting", {"state": EntityState.ACTIVE}),
        ("unlicensed", {"state": EntityState.ACTIVE, "licensed": False}),
        ("paused", {"state": EntityState.PAUSED}),
        ("archived", {"state": EntityState.ARCHIVED, "size": 2 * 10**9}),
        ("inactive", {"state": EntityState.NOT_ACTIVE, "size": 5}),
        (None, {"state": EntityState.NOT_ACTIVE}),
    ]
    for index, (_, fields) in enumerate(cases):
        Entity.objects.create(
            account=account, task=task, remote_id=str(uuid4()), kind=EntityKind.USER_MAILBOX,
            name=f"Box {index}", **fields,
        )  # fmt: skip
    lines = list(counted())
    assert sorted(line.why for line in lines) == sorted(why for why, _ in cases if why)
    assert [line.why for line in lines if line.billable] == ["active"]
    assert {line.label for line in lines} == {"User mailbox"}, "no name is copied"
    assert len(names([line.entity_public_id for line in lines])) == 6
    meter_day_store(BEGIN, lines)
    assert MeterDay.objects.get(unit=Unit.GB).billable == Decimal("2.000")


@pytest.mark.django_db
def test_an_account_that_was_emptied_is_not_billed_for_what_it_had(account: Account) -> None:
    assert not meter_day_store(BEGIN - timedelta(days=1), []), "never anything, nothing to remember"
    meter_day_store(BEGIN, mailboxes(3))
    for day in range(1, 9):
        assert meter_day_store(BEGIN + timedelta(days=day), [])
    after = BEGIN + timedelta(days=40)  # Everkeep was off since
    assert {count.billable for count in days_behind(after).values()} == {0}
    kept = days_behind(BEGIN + timedelta(days=6))
    assert kept["exchange", "entity"].billable == 3, "a week's highest count"
    lines_forget(BEGIN + timedelta(days=10))
    assert MeterLine.objects.exists()
    lines_forget(BEGIN + timedelta(days=11))
    assert not MeterLine.objects.exists()
