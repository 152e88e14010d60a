"""Whether this installation can be paid online."""

from django.conf import settings


def ways_words() -> str:
    """How an invoice can be paid here, in a word or three."""
    if not cards_possible():
        return "bank transfer"
    return "card, PayPal or bank transfer" if "paypal" in settings.STRIPE_METHODS else "card or bank transfer"


def cards_possible() -> bool:
    """Whether this installation takes cards; elsewhere invoices are paid by bank transfer."""
    return bool(settings.STRIPE_KEY)
