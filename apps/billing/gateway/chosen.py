"""Which processor the settings name. Stripe's library is large: it is loaded when it is first used."""

from functools import lru_cache

from django.conf import settings

from .base import Processor
from .errors import NotSet


def required() -> Processor:
    """Who takes cards here. Raises NotSet where nobody does."""
    if not settings.STRIPE_KEY:
        raise NotSet("Cards cannot be used here.", do="Pay by bank transfer.")
    return _processor(settings.STRIPE_KEY, settings.STRIPE_WEBHOOK_SECRET, settings.STRIPE_BASE)


@lru_cache(maxsize=4)
def _processor(key: str, secret: str, base: str) -> Processor:
    from .stripe_gateway import StripeProcessor  # noqa: PLC0415

    return StripeProcessor(key, secret, base)
