"""Prices, what an account agreed to, what was counted, what was billed, what was paid."""

from .agreed import BillingDetails, Card, Subscription
from .counted import MeterDay, MeterLine
from .hosted import HostedPage
from .invoices import Invoice, InvoiceLine, KeptInvoice, NumberSeries
from .payments import Payment, StripeEvent
from .prices import Price, PriceList

__all__ = [
    "BillingDetails",
    "Card",
    "HostedPage",
    "Invoice",
    "InvoiceLine",
    "KeptInvoice",
    "MeterDay",
    "MeterLine",
    "NumberSeries",
    "Payment",
    "Price",
    "PriceList",
    "StripeEvent",
    "Subscription",
]
