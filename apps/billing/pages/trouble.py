"""What is wrong with the payments of the account, the worst thing first: for banners and the status page."""

from dataclasses import dataclass
from typing import Final, Literal

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from apps.accounts.enums import AccountState
from apps.accounts.models import Account
from apps.core.banners import Banner
from apps.core.permissions import Permission, allowed
from apps.core.scope import current_account_id
from apps.notifications.enums import Silence
from apps.notifications.services import gets_nothing

from ..charging import is_charged
from ..enums import PaymentState, SubscriptionState
from ..mails import KIND
from ..models import Payment, Subscription
from ..money import shown
from ..rules import AFTER_STOP
from ..services.details import details_of
from ..services.troubles import stops_on
from .invoices import InvoiceRow, unpaid

_WHO_CAN: Final = "Who manages billing in your account can settle it."
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
        return _ended(plan)
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


def _ended(plan: Subscription) -> Trouble | None:
    """A plan that was cancelled, and whose last day is over."""
    if plan.state != SubscriptionState.CANCELLED or plan.stopped_on is None:
        return None
    if not _is_stopped(Account.objects.get(pk=current_account_id())):
        return None
    text = (
        "Nothing new is backed up; what is kept can be restored and exported. Without another plan the account "
        f"is closed on {plan.stopped_on + AFTER_STOP:%-d %B %Y}."
    )
    return Trouble("Your plan has ended.", text, reverse("billing"), "Choose a plan", "bad")


def _is_stopped(account: Account) -> bool:
    """Whether its backups are stopped for want of a plan. One that is being closed says so itself."""
    return account.suspended_at is not None and account.state in (AccountState.TRIAL, AccountState.ACTIVE)


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
    """What a person with the right to see billing messages must not overlook; the way is for who may pay.

    That backups are stopped is no secret of billing: everybody else is told that much.
    """
    if not settings.BILLING:
        return None
    found = trouble_now() if allowed(Permission.BILLING_MESSAGES) else None
    if found is None:
        return _stopped_banner(request.account)  # type: ignore[attr-defined]
    if allowed(Permission.BILLING):
        return Banner(found.strong, found.text, reverse("billing_status"), "Open billing", "card")
    return Banner(found.strong, f"{found.text} {_WHO_CAN}", "", "", "card")


def _stopped_banner(account: Account) -> Banner | None:
    if not _is_stopped(account):
        return None
    text = f"Nothing new is backed up; what is kept can be restored and exported. {_WHO_CAN}"
    return Banner("Backups are stopped.", text, "", "", "card")
