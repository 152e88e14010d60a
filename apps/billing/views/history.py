"""Invoices and receipts: the list, one of them, its paper, by mail, and paying it."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core.permissions import Permission

from ..access import invoice_for
from ..errors import InvoiceSettled
from ..gateway.hosted import payment_page_url
from ..links import invoice_of, paper_by_link, paper_for_member
from ..models import Invoice
from ..pages import invoices as page
from ..pages.frame import charged, leave, show
from ..services import invoice_mail
from ..services.details import details_of


@require_safe
@member_required(Permission.BILLING)
@charged
def history(request: MemberRequest) -> HttpResponse:
    """All invoices and receipts, newest first (BIL-09)."""
    return show(request, "billing/history.html", "billing_history", page.history_context(request.GET))


@require_safe
@member_required(Permission.BILLING)
@charged
def invoice(request: MemberRequest, invoice_id: UUID) -> HttpResponse:
    """One invoice: what was billed, the tax, the total, how it was paid."""
    found = invoice_for(invoice_id)
    context = page.invoice_context(found)
    return show(request, "billing/invoice.html", "billing_history", context, below=found.reference)


@require_safe
@member_required(Permission.BILLING)
def pdf(request: MemberRequest, invoice_id: UUID) -> HttpResponse:
    """The paper, for who has the right at this moment."""
    found = invoice_for(invoice_id)
    return _as_file(found, paper_for_member(found))


@require_safe
@never_cache
def paper(request: HttpRequest, token: str) -> HttpResponse:
    """The paper by the link of a mail, without a sign-in."""
    found = invoice_of(token)
    return _as_file(found, paper_by_link(found))


def _as_file(found: Invoice, content: bytes) -> HttpResponse:
    answer = HttpResponse(content, content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{found.reference}.pdf"'
    answer["X-Robots-Tag"] = "noindex"
    return answer


@require_POST
@member_required(Permission.BILLING)
@charged
def mail(request: MemberRequest, invoice_id: UUID) -> HttpResponse:
    """Send it once more to the billing address of today and to who may see billing, as link or attachment."""
    found = invoice_for(invoice_id)
    invoice_mail(found)
    details = details_of()
    address = f"{details.email} and to " if details and details.email else ""
    messages.success(request, f"{found.reference} is on its way to {address}everybody who may see billing.")
    return redirect("billing_invoice", found.public_id)


@require_POST
@member_required(Permission.BILLING)
@charged
def pay(request: MemberRequest, invoice_id: UUID) -> HttpResponse:
    """Open the hosted page that takes the money of one invoice, and lead there."""
    found = invoice_for(invoice_id)
    if not page.row_of(found).may_pay:
        raise InvoiceSettled(f"{found.reference} is not to be paid any more.", do="Open its page.")
    back = f"{settings.PORTAL_URL}{reverse('billing_invoice', args=[found.public_id])}"
    return leave(request, "billing_history", payment_page_url(found, back))
