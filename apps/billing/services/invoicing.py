"""Issuing invoices and credit notes."""

from datetime import date

from ..models import Invoice, Subscription


def invoice_issue(subscription: Subscription, *, first: date, until: date, today: date) -> Invoice | None:
    """Bill a plan for the days from `first` up to `until`; None when there is nothing to pay for.

    The same invoice when it was issued already.
    """
    raise NotImplementedError


def invoice_mail(invoice: Invoice) -> None:
    """Send an invoice, or once paid its receipt, to who pays, as link or attachment."""
    raise NotImplementedError


def invoice_void(invoice: Invoice, *, why: str) -> Invoice:
    """Take an unpaid invoice back; returns its credit note. Raises InvoiceSettled."""
    raise NotImplementedError


def invoice_credit(invoice: Invoice, *, amount_minor: int, why: str) -> Invoice:
    """Issue a credit note for some of a paid invoice. Raises InvoiceSettled, InvalidRequest."""
    raise NotImplementedError


def invoice_give_up(invoice: Invoice) -> Invoice:
    """Expect no money for an invoice any more. Raises InvoiceSettled."""
    raise NotImplementedError
