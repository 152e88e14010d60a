"""The paper of an invoice, handed out with its line in the audit: by permission, or by the link of a mail.

Such a link is for who has no sign-in: signed, good for some weeks, and for what that one invoice says.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from apps.accounts.models import Account
from apps.activity.audit import audit
from apps.activity.models import SecurityEvent
from apps.core import clock
from apps.core.errors import NotFound
from apps.core.scope import account_scope

from .enums import InvoiceState
from .models import Invoice

OPEN_FOR: Final = timedelta(days=30)
_SALT: Final = "everkeep.billing.paper"


def paper_link(invoice: Invoice) -> str:
    """The whole address at which the PDF of an invoice can be fetched for OPEN_FOR."""
    account = Account.objects.values_list("public_id", flat=True).get(pk=invoice.account_id)
    token = signing.dumps([str(account), str(invoice.public_id)], salt=_SALT)
    return f"{settings.PORTAL_URL}{reverse('billing_paper', args=[token])}"


def invoice_of(token: str) -> Invoice:
    """The invoice that a link names. Raises NotFound where it is forged, too old, or of nothing."""
    try:
        account, public_id = signing.loads(token, salt=_SALT, max_age=OPEN_FOR)
        with account_scope(Account.objects.get(public_id=UUID(account)).pk):
            invoice = (
                Invoice.objects.filter(public_id=UUID(public_id)).exclude(state=InvoiceState.DRAFT).first()
            )
    except (signing.BadSignature, ValueError, TypeError, Account.DoesNotExist):
        invoice = None
    if invoice is None:
        raise NotFound(
            "This link has expired, or it is not whole.",
            do="Sign in and open Billing, or ask for the invoice to be mailed again.",
        )
    return invoice


def paper_for_member(invoice: Invoice) -> bytes:
    """The PDF, for the person in force, who was found to have the right."""
    return _handed_out(invoice, "")


def paper_by_link(invoice: Invoice) -> bytes:
    """The PDF, for whoever holds the link of a mail."""
    with account_scope(invoice.account_id):
        return _handed_out(invoice, " by the link of a mail")


def _handed_out(invoice: Invoice, how: str) -> bytes:
    with transaction.atomic():
        from .paper import invoice_pdf  # noqa: PLC0415 - reportlab takes a third of a second to load

        content = invoice_pdf(invoice)
        said = f"{invoice.reference} was downloaded{how}."
        # A link is fetched by whoever has it, and by their mail's scanners: a row a day, not one each time.
        rows = SecurityEvent.objects.filter(
            subject_id=invoice.public_id, code="billing.invoice_downloaded", description=said
        )
        if not (how and rows.filter(at__gte=clock.now() - timedelta(days=1)).exists()):
            audit("billing.invoice_downloaded", description=said, subject_id=invoice.public_id)
    return content
