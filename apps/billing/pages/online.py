"""Whether this installation can be paid online, and in which currencies."""

from django.conf import settings

from ..gateway.takes import methods_for, takes


def ways_words(currency: str) -> str:
    """How an invoice of this currency can be paid here, in a word or three."""
    if not cards_possible(currency):
        return "bank transfer"
    return "card, PayPal or bank transfer" if "paypal" in methods_for(currency) else "card or bank transfer"


def cards_possible(currency: str, amount_minor: int | None = None) -> bool:
    """Whether cards are taken for this currency, and so much of it; else invoices are paid by bank transfer."""
    return bool(settings.STRIPE_KEY) and takes(currency, amount_minor)
