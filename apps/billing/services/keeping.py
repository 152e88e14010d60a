"""What stays of an account that is deleted: the paper of its invoices, as the law wants."""

from django.db import transaction

from apps.accounts.models import Account
from apps.accounts.registry import StepResult

from ..models import Invoice, KeptInvoice


def papers_keep(account_id: int) -> StepResult:
    """Copy every issued invoice to where no account is needed. Called again, it finds what it copied."""
    from ..paper import invoice_pdf  # noqa: PLC0415 - reportlab takes a third of a second to load

    public_id = Account.objects.values_list("public_id", flat=True).get(pk=account_id)
    kept = 0
    for invoice in Invoice.objects.filter(number__isnull=False).order_by("pk"):
        assert invoice.number is not None and invoice.issued_on is not None, "it was issued"
        with transaction.atomic():
            kept += KeptInvoice.objects.get_or_create(
                series=invoice.series,
                number=invoice.number,
                defaults={
                    "kind": invoice.kind,
                    "state": invoice.state,
                    "account_public_id": public_id,
                    "issued_on": invoice.issued_on,
                    "currency": invoice.currency,
                    "net_minor": invoice.net_minor,
                    "tax_minor": invoice.tax_minor,
                    "total_minor": invoice.total_minor,
                    "pdf": invoice_pdf(invoice),
                },
            )[1]
    return StepResult(proof={"invoices": kept} if kept else {})
