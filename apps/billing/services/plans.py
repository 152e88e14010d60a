"""The plan of an account, from request to end."""

from datetime import date

from ..models import Subscription


def subscription_of() -> Subscription:
    """The plan of the account in force; one of state NONE when there was never one."""
    raise NotImplementedError


def subscription_request(
    *,
    interval: str,
    wanted_start: date | None = None,
    purchase_order: str = "",
    contact_name: str = "",
    contact_email: str = "",
) -> Subscription:
    """Subscribe. Monthly begins at once and is charged from the trial's end on; annual waits for the operator.

    Raises DetailsMissing, PriceUnknown, Conflict.
    """
    raise NotImplementedError


def subscription_confirm(subscription: Subscription, *, today: date | None = None) -> Subscription:
    """The operator says yes to an annual request: the invoice is issued, payable in 30 days."""
    raise NotImplementedError


def subscription_refuse(subscription: Subscription, *, why: str) -> Subscription:
    """The operator says no to an annual request, or who asked takes it back."""
    raise NotImplementedError


def subscription_cancel(subscription: Subscription) -> Subscription:
    """End a plan with the last day that is paid for."""
    raise NotImplementedError


def subscription_keep(subscription: Subscription) -> Subscription:
    """Take a cancellation back before its day has come."""
    raise NotImplementedError


def subscription_change(
    subscription: Subscription,
    *,
    currency: str | None = None,
    auto_pay: bool | None = None,
    price_list: str | None = None,
) -> Subscription:
    """What only the operator changes, for the invoices to come."""
    raise NotImplementedError
