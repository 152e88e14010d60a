"""Mails about money: to who may see billing, and to the billing address."""

import logging
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from apps.accounts.models import Account, Membership
from apps.core.mails import mail_after_commit
from apps.core.permissions import Permission
from apps.core.scope import account_scope, current_account_id
from apps.notifications.letters import Attachment, Letter
from apps.notifications.services import notify_addresses

from .enums import InvoiceAs, InvoiceKind, InvoiceState
from .links import paper_link
from .models import BillingDetails, Invoice
from .money import shown

log = logging.getLogger("everkeep.billing")
KIND: Final = "billing"
PAGE: Final = "/billing/status/"


def payers() -> list[str]:
    """The addresses of who may see billing, and the billing address."""
    members = Membership.objects.filter(
        account_id=current_account_id(), is_active=True, user__is_active=True
    ).select_related("user")
    people = [member.user.email for member in members if Permission.BILLING in member.permissions]
    details = BillingDetails.objects.first()
    return list(dict.fromkeys([*people, *([details.email] if details and details.email else [])]))


def still_pays(address: str) -> bool:
    """Whether letters about money go to an address today: one that waited is judged again when it is sent."""
    return address in {each.lower() for each in payers()}


def tell(
    name: str,
    *,
    link: str = PAGE,
    link_words: str = "Open billing",
    attachments: tuple[Attachment, ...] = (),
    **context: Any,
) -> None:
    """Write `templates/mails/billing_<name>.txt` to all of them, in the caller's transaction."""
    account = Account.objects.get(pk=current_account_id())
    letter = Letter(
        f"billing_{name}",
        {"account": account.name, **context},
        link=link,
        link_words=link_words,
        attachments=attachments,
    )
    notify_addresses(payers(), letter, kind=KIND)


def tell_of(name: str, invoice: Invoice, **context: Any) -> None:
    """The same about one invoice, with its paper: attached, or by a link that needs no sign-in (`links`)."""
    attached = _paper(invoice)
    tell(
        name,
        link=f"/billing/invoices/{invoice.public_id}/",
        link_words="See and pay" if invoice.state == InvoiceState.OPEN else "See it",
        attachments=attached,
        invoice=invoice,
        total=shown(invoice.total_minor, invoice.currency),
        left=shown(invoice.open_minor, invoice.currency),
        paper="" if attached else paper_link(invoice),
        **context,
    )


def mail_invoice(invoice: Invoice) -> None:
    """An invoice, a receipt or a credit note, whichever it is when it goes out.

    One that takes its paper along goes out once the caller's transaction is through: drawing takes a while, and
    whoever gives a number holds its series until then.
    """
    if not _is_attached():
        _mail(invoice)
        return
    Invoice.objects.filter(pk=invoice.pk).update(mail_due=True)
    transaction.on_commit(partial(_mail_of, current_account_id()), robust=True)


def _mail_of(account_id: int) -> None:
    with account_scope(account_id):
        mail_due_invoices()


def mail_due_invoices() -> int:
    """Send what waits for its paper, each once; asked each hour too, for what a killed worker left."""
    from .paper import invoice_pdf  # noqa: PLC0415 - reportlab takes a third of a second to load

    sent = 0
    for invoice in list(Invoice.objects.filter(mail_due=True).order_by("pk")):
        invoice_pdf(invoice)  # drawn, and kept, while nothing is held
        with transaction.atomic():
            now = Invoice.objects.select_for_update().get(pk=invoice.pk)
            if now.mail_due:
                now.mail_due = False
                now.save(update_fields=["mail_due"])
                _mail(now)
                sent += 1
    return sent


def _mail(invoice: Invoice) -> None:
    if invoice.kind == InvoiceKind.CREDIT:
        tell_of("credit", invoice)
    else:
        tell_of("receipt" if invoice.state == InvoiceState.PAID else "invoice", invoice)


def tell_operator(subject: str, text: str) -> None:
    """Something that only a person of the operator's can settle."""
    account = Account.objects.get(pk=current_account_id())
    to = [settings.BILLING_EMAIL] if settings.BILLING_EMAIL else []
    if not to:
        log.warning("account %s: %s. EVERKEEP_BILLING_EMAIL is not set.", account.public_id, subject)
    mail_after_commit(
        "billing_operator", to, subject=subject, text=text, account=account.name, number=account.public_id
    )


def _is_attached() -> bool:
    details = BillingDetails.objects.first()
    return details is not None and details.invoice_as == InvoiceAs.ATTACHMENT


def _paper(invoice: Invoice) -> tuple[Attachment, ...]:
    from .paper import invoice_pdf  # noqa: PLC0415 - reportlab takes a third of a second to load

    if not _is_attached():
        return ()
    return (Attachment(f"{invoice.reference}.pdf", "application/pdf", invoice_pdf(invoice)),)
