"""Whether a plan is charged by itself, or its invoices are paid by hand."""

from .enums import Interval
from .models import Subscription
from .registry import charger


def is_charged(subscription: Subscription) -> bool:
    """Monthly, not switched off by the operator, and this installation can charge cards."""
    return subscription.auto_pay and subscription.interval == Interval.MONTH and charger() is not None
