"""Writes of billing: one transaction each, idempotent, with its line in the audit."""

from .day import run_billing_day
from .details import details_save
from .invoicing import invoice_credit, invoice_give_up, invoice_issue, invoice_mail, invoice_void
from .metering import meter_day_store
from .payments import (
    payment_begin,
    payment_failed,
    payment_recorded,
    payment_refunded,
    payment_succeeded,
)
from .plans import (
    subscription_cancel,
    subscription_change,
    subscription_confirm,
    subscription_keep,
    subscription_of,
    subscription_refuse,
    subscription_request,
)

__all__ = [
    "details_save",
    "invoice_credit",
    "invoice_give_up",
    "invoice_issue",
    "invoice_mail",
    "invoice_void",
    "meter_day_store",
    "payment_begin",
    "payment_failed",
    "payment_recorded",
    "payment_refunded",
    "payment_succeeded",
    "run_billing_day",
    "subscription_cancel",
    "subscription_change",
    "subscription_confirm",
    "subscription_keep",
    "subscription_of",
    "subscription_refuse",
    "subscription_request",
]
