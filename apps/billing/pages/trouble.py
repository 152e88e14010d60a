"""What is wrong with the payments of the account, the worst thing first: for banners and the status page."""

from dataclasses import dataclass
from typing import Final, Literal

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from apps.core.banners import Banner
from apps.core.permissions import Permission, allowed
from apps.notifications.enums import Silence
from apps.notifications.services import gets_nothing

from ..charging import is_charged
from ..enums import PaymentState, SubscriptionState
from ..mails import KIND
from ..models import Payment, Subscription
from ..money import shown
from ..services.details import details_of
from ..services.troubles import stops_on
from .invoices import InvoiceRow, unpaid

_ENDED: Final = (PaymentState.FAILED, PaymentState.NEEDS_ACTION)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fact, its reason, and the way to settle it."""

    strong: str
    text: str
    url: str
    words: str
    tone: Literal["bad", "part"] = "part"


def trouble_now() -> Trouble | None:
    """The worst thing about the payments of the account in force; None when nothing is wanted of it."""
    plan = Subscription.objects.first()
    if plan is None:
        return None
    open_invoices = unpaid()
    if plan.state == SubscriptionState.SUSPENDED:
        return _suspended(open_invoices)
    if not open_invoices:
        return None
    first = open_invoices[0]
    tried = Payment.objects.filter(invoice=first.invoice).order_by("-at", "-pk").first()
    if tried is not None and tried.state in _ENDED:
        return _not_paid(first, tried)
    if first.is_overdue:
        return _wanted(first, "Payment overdue.", "was due on")
    return None if is_charged(plan, first.invoice) else _wanted(first, "Payment due.", "is due on")


def _suspended(open_invoices: list[InvoiceRow]) -> Trouble:
    text = "Nothing new is backed up until what is open is paid. What is kept can be restored and exported."
    if not open_invoices:
        return Trouble("Backups are suspended.", text, reverse("support"), "Ask support", "bad")
    first = open_invoices[0]
    return Trouble("Backups are suspended.", text, _page_of(first), f"See and pay {_amount(first)}", "bad")


def _not_paid(row: InvoiceRow, payment: Payment) -> Trouble:
    if payment.state == PaymentState.NEEDS_ACTION:
        text = f"Your bank wants you to confirm the payment of {_amount(row)} for {row.reference}."
        return Trouble("A payment waits for you.", text, _page_of(row), "See and confirm it", "bad")
    why = f" {payment.words.rstrip('.')}." if payment.words else ""
    text = f"{_amount(row)} for {row.reference} could not be charged.{why} {_stops(row)}"
    return Trouble("Payment failed.", text, reverse("billing_details"), "Update card details", "bad")


def _wanted(row: InvoiceRow, strong: str, when: str) -> Trouble:
    text = f"{_amount(row)} for {row.reference} {when} {row.invoice.due_on:%-d %B %Y}."
    if row.is_overdue:
        text = f"{text} {_stops(row)}"
    tone: Literal["bad", "part"] = "bad" if row.is_overdue else "part"
    return Trouble(strong, text, _page_of(row), f"See and pay {_amount(row)}", tone)


def _stops(row: InvoiceRow) -> str:
    return f"Backups go on until {stops_on(row.invoice):%-d %B %Y}; what is kept stays in reach after it."


def _amount(row: InvoiceRow) -> str:
    return shown(row.open_minor, row.invoice.currency)


def _page_of(row: InvoiceRow) -> str:
    return reverse("billing_invoice", args=[row.invoice.public_id])


def silent_address() -> tuple[str, Silence] | None:
    """The billing address and why no bill reaches it; None when they do, or none was given."""
    details = details_of()
    if details is None or not details.email:
        return None
    why = gets_nothing(details.email, KIND)
    return (details.email, why) if why else None


def billing_banner(request: HttpRequest) -> Banner | None:
    """What a person with the right to see billing messages must not overlook; the way is for who may pay."""
    if not settings.BILLING or not allowed(Permission.BILLING_MESSAGES):
        return None
    found = trouble_now()
    if found is None:
        return None
    if allowed(Permission.BILLING):
        return Banner(found.strong, found.text, reverse("billing_status"), "Open billing", "card")
    text = f"{found.text} Who manages billing in your account can settle it."
    return Banner(found.strong, text, "", "", "card")
