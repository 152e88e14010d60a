"""Whether this installation can be paid online."""

from django.conf import settings


def cards_possible() -> bool:
    """Whether this installation takes cards; elsewhere invoices are paid by bank transfer."""
    return bool(settings.STRIPE_KEY)
