"""Invoices as the pages show them: what stands where, and what can be done with one today."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse

from apps.core import clock
from apps.core.keyset import page_of

from ..enums import InvoiceKind, InvoiceState
from ..models import Invoice, InvoiceLine, Payment
from .counted import in_units
from .online import cards_possible

PAGE = 25


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One invoice on one day."""

    invoice: Invoice
    today: date

    def __getattr__(self, name: str) -> Any:
        return getattr(self.invoice, name)

    @property
    def is_overdue(self) -> bool:
        """Whether it should have been paid by now."""
        due = self.invoice.due_on
        return self.invoice.state == InvoiceState.OPEN and due is not None and due < self.today

    @property
    def status(self) -> str:
        """A status word of the house."""
        if self.is_overdue:
            return "overdue"
        words = {InvoiceState.OPEN: "due", InvoiceState.UNCOLLECTIBLE: "given_up"}
        return words.get(InvoiceState(self.invoice.state), str(self.invoice.state))

    @property
    def may_pay(self) -> bool:
        """Whether money is wanted for it."""
        return self.invoice.state == InvoiceState.OPEN and self.invoice.total_minor > 0

    @property
    def may_pay_online(self) -> bool:
        """Whether there is a page on which it can be paid."""
        return self.may_pay and cards_possible(self.invoice.currency, self.invoice.open_minor or None)

    @property
    def kind_words(self) -> str:
        """What the paper is called."""
        if self.invoice.kind == InvoiceKind.CREDIT:
            return "Credit note"
        return "Receipt" if self.invoice.state == InvoiceState.PAID else "Invoice"


@dataclass(frozen=True, slots=True)
class LineRow:
    """One line of an invoice."""

    line: InvoiceLine

    def __getattr__(self, name: str) -> Any:
        return getattr(self.line, name)

    @property
    def quantity_words(self) -> str:
        """How much of it."""
        return in_units(self.line.quantity, self.line.unit)

    @property
    def why_url(self) -> str:
        """The list behind it, where it rests on one day's count."""
        count = self.line.meter_day
        if count is None:
            return ""
        return f"{reverse('billing_why', args=[count.service, count.unit])}?day={count.day:%Y-%m-%d}"


def row_of(invoice: Invoice) -> InvoiceRow:
    """An invoice as it stands today."""
    return InvoiceRow(invoice, clock.now().date())


def issued() -> QuerySet[Invoice]:
    """Every invoice that was issued. The paper stays where it is: rows of a list do without it."""
    return Invoice.objects.exclude(state=InvoiceState.DRAFT).defer("pdf", "details")


def unpaid() -> list[InvoiceRow]:
    """What is to be paid, the oldest first."""
    return [row_of(invoice) for invoice in issued().filter(state=InvoiceState.OPEN).order_by("due_on", "pk")]


def history_context(query: Mapping[str, str]) -> dict[str, Any]:
    """One page of all invoices, newest first."""
    before, after = uuid_in(query, "before"), uuid_in(query, "after")
    page = page_of(issued(), keys=("issued_on", "pk"), size=PAGE, descending=True, before=before, after=after)
    here = reverse("billing_history")
    return {
        "invoices": [row_of(invoice) for invoice in page.items],
        "previous_url": f"{here}?before={page.previous}" if page.previous else "",
        "next_url": f"{here}?after={page.following}" if page.following else "",
        "sentence": "",
    }


def uuid_in(query: Mapping[str, str], name: str) -> UUID | None:
    """The id of a row that a query names; None for what is none."""
    try:
        return UUID(query.get(name, ""))
    except ValueError:
        return None


def invoice_context(invoice: Invoice) -> dict[str, Any]:
    """The page of one invoice."""
    row = row_of(invoice)
    lines = invoice.lines.select_related("meter_day")
    payments = Payment.objects.filter(invoice=invoice).order_by("at", "pk")
    return {
        "row": row,
        "lines": [LineRow(line) for line in lines],
        "payments": payments,
        "tax_words": f"Tax {invoice.tax_rate.normalize():f} %",
        "tax_note": invoice.tax_note,
        "facts": _facts(invoice, list(payments)),
    }


def _facts(invoice: Invoice, payments: list[Payment]) -> list[tuple[str, str]]:
    facts = [
        ("Issue date", _day(invoice.issued_on)),
        ("Due date", _day(invoice.due_on)),
        ("Pays for", f"{_day(invoice.effective_on)} to {_day(invoice.last_day)}"),
    ]
    if invoice.purchase_order:
        facts.append(("Purchase order", invoice.purchase_order))
    paid = [payment for payment in payments if payment.state == "succeeded"]
    if paid:
        facts.append(("Paid by", ", ".join(sorted({payment.get_method_display() for payment in paid}))))
    return facts


def _day(day: date | None) -> str:
    return f"{day:%-d %b %Y}" if day else "\N{EN DASH}"
