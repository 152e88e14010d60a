"""Choices of billing. Values are stored: never renamed, never reused."""

from django.db import models


class Unit(models.TextChoices):
    """What is counted."""

    ENTITY = "entity", "Backed up entity"
    GB = "gb", "Stored GB"


class Interval(models.TextChoices):
    MONTH = "month", "Monthly"
    YEAR = "year", "Annual"


class SubscriptionState(models.TextChoices):
    """What stands between an account and its plan (docs/billing.md has the table)."""

    NONE = "none", "No plan"
    REQUESTED = "requested", "Requested"  # annual, waits for the operator
    ACTIVE = "active", "Active"
    PAST_DUE = "past_due", "Payment overdue"
    SUSPENDED = "suspended", "Suspended"  # nothing new is backed up; recovery works
    CANCELLED = "cancelled", "Cancelled"


class InvoiceAs(models.TextChoices):
    """How an invoice comes by mail."""

    LINK = "link", "Link"
    ATTACHMENT = "attachment", "Attachment"


class InvoiceKind(models.TextChoices):
    MONTHLY = "monthly", "Monthly"
    ANNUAL = "annual", "Annual"
    CREDIT = "credit", "Credit note"


class InvoiceState(models.TextChoices):
    DRAFT = "draft", "Draft"
    OPEN = "open", "Due"
    PAID = "paid", "Paid"
    VOID = "void", "Void"
    UNCOLLECTIBLE = "uncollectible", "Given up"


class PaymentMethod(models.TextChoices):
    CARD = "card", "Card"
    PAYPAL = "paypal", "PayPal"
    BANK = "bank", "Bank transfer"
    OTHER = "other", "Other"


class PagePurpose(models.TextChoices):
    """What somebody was sent to the card processor for."""

    CARD = "card", "Add a card"
    PAYMENT = "payment", "Pay an invoice"


class PageState(models.TextChoices):
    OPEN = "open", "Open"
    DONE = "done", "Done"
    CLOSED = "closed", "Closed"  # left, too old, or no longer needed


class PaymentState(models.TextChoices):
    PENDING = "pending", "In progress"
    NEEDS_ACTION = "needs_action", "Waits for you"
    SUCCEEDED = "succeeded", "Paid"
    FAILED = "failed", "Failed"
    REFUNDED = "refunded", "Refunded"
