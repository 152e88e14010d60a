"""Invoices and credit notes. What was issued is not changed and not deleted."""

from datetime import date, timedelta
from typing import Any

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from ..enums import InvoiceKind, InvoiceState, PaymentState
from ..errors import InvoiceIssued
from .agreed import Subscription
from .counted import MeterDay

MUTABLE = {"state", "pdf", "paid_at", "told", "mail_due"}
UNPAID = (InvoiceState.OPEN, InvoiceState.UNCOLLECTIBLE)


class NumberSeries(models.Model):
    """The last number given out in a series. Its row is the lock that keeps numbers free of gaps."""

    series = models.CharField(max_length=10, unique=True)
    last = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "number_series"

    def __str__(self) -> str:
        return f"{self.series} {self.last}"


class Invoice(AccountModel):
    """A bill, or with negative amounts a credit note for one. `details` is all that its paper says."""

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, null=True, related_name="invoices")
    credits = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="credit_notes")
    series = models.CharField(max_length=10, blank=True)
    number = models.PositiveBigIntegerField(null=True)  # none while it is a draft
    kind = models.CharField(max_length=10, choices=InvoiceKind)
    state = models.CharField(max_length=14, choices=InvoiceState, default=InvoiceState.DRAFT)
    issued_on = models.DateField(null=True)
    due_on = models.DateField(null=True)
    effective_on = models.DateField()  # first day of what it pays for
    until = models.DateField()  # first day that it pays for no more
    currency = models.CharField(max_length=3)
    net_minor = models.BigIntegerField(default=0)
    tax_minor = models.BigIntegerField(default=0)
    total_minor = models.BigIntegerField(default=0)
    tax_rate = models.DecimalField(max_digits=5, decimal_places=2, default=0)  # percent
    tax_note = models.CharField(max_length=300, blank=True)
    details = models.JSONField(default=dict)
    purchase_order = models.CharField(max_length=60, blank=True)
    pdf = models.BinaryField(null=True)  # made when it is first asked for
    paid_at = models.DateTimeField(null=True)
    told = models.SmallIntegerField(null=True)  # the last reminder, in days from the due day
    # Goes out with its paper, which is drawn once the number is given and nothing is held any more.
    mail_due = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "invoice"
        constraints = [
            models.UniqueConstraint(fields=["series", "number"], name="invoice_number_once"),
            # A period is billed once, whoever is killed where; a void invoice makes room for a new one.
            models.UniqueConstraint(
                fields=["subscription", "effective_on"],
                condition=models.Q(state__in=["draft", "open", "paid", "uncollectible"])
                & ~models.Q(kind="credit"),
                name="invoice_once_a_period",
            ),
            models.CheckConstraint(
                condition=models.Q(total_minor=models.F("net_minor") + models.F("tax_minor")),
                name="invoice_adds_up",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-issued_on"], name="invoice_newest"),
            models.Index(fields=["state", "due_on"], name="invoice_due"),
            models.Index(fields=["account"], condition=models.Q(mail_due=True), name="invoice_mail_due"),
        ]

    def __str__(self) -> str:
        return self.reference or "Draft"

    @property
    def reference(self) -> str:
        """The number that people quote: "INV-000042"."""
        return f"{self.series}-{self.number:06d}" if self.number else ""

    @property
    def last_day(self) -> date:
        """The last day that it pays for."""
        return self.until - timedelta(days=1)

    @property
    def paid_minor(self) -> int:
        """What came, less what went back."""
        came = self.payments.filter(state__in=[PaymentState.SUCCEEDED, PaymentState.REFUNDED])
        total = came.aggregate(total=models.Sum(models.F("amount_minor") - models.F("refunded_minor")))["total"]
        return int(total or 0)

    @property
    def open_minor(self) -> int:
        """What is still to pay."""
        return max(0, self.total_minor - self.paid_minor) if self.state in UNPAID else 0

    @property
    def credited_minor(self) -> int:
        """What credit notes took off, as a positive number."""
        return -int(self.credit_notes.aggregate(total=models.Sum("total_minor"))["total"] or 0)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding and self.number is not None:
            changed = kwargs.get("update_fields")
            if changed is None or not set(changed) <= MUTABLE:
                raise InvoiceIssued("An issued invoice is not changed.", do="Issue a credit note.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        if self.number is not None:
            raise InvoiceIssued("An issued invoice is not deleted.", do="Issue a credit note.")
        return super().delete(*args, **kwargs)


class InvoiceLine(AccountModel):
    """One service of an invoice; `meter_day` is the count it rests on."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField(default=1)
    service = models.CharField(max_length=20)
    unit = models.CharField(max_length=10, blank=True)
    words = models.CharField(max_length=200)
    quantity = models.DecimalField(max_digits=14, decimal_places=3)
    unit_price_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    meter_day = models.ForeignKey(MeterDay, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        db_table = "invoice_line"
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["invoice", "position"], name="invoice_line_once")]

    def __str__(self) -> str:
        return self.words

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise InvoiceIssued("A line of an invoice is not changed.", do="Issue a credit note.")
        super().save(*args, **kwargs)


class KeptInvoice(models.Model):
    """The paper of an invoice whose account is gone: the law wants it kept, and no number to be missing."""

    series = models.CharField(max_length=10)
    number = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=10, choices=InvoiceKind)
    state = models.CharField(max_length=14, choices=InvoiceState)
    account_public_id = models.UUIDField()
    issued_on = models.DateField()
    currency = models.CharField(max_length=3)
    net_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    pdf = models.BinaryField()

    class Meta:
        db_table = "kept_invoice"
        constraints = [models.UniqueConstraint(fields=["series", "number"], name="kept_invoice_once")]

    def __str__(self) -> str:
        return f"{self.series}-{self.number:06d}"
