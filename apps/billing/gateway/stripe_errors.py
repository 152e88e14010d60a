"""Stripe's errors as the kinds of trouble that the whole house knows."""

from typing import Final

import stripe

from apps.core.errors import ConsentLost, Forbidden, Gone, Malformed, RemoteError, Throttled, Unavailable

from .errors import Asked, KeyUsedTwice

LATER: Final = "We try again by ourselves."
_PLAIN: Final[tuple[tuple[type[stripe.StripeError], type[RemoteError], str, str], ...]] = (
    (stripe.RateLimitError, Throttled, "Stripe asks for patience.", LATER),
    (stripe.APIConnectionError, Unavailable, "Stripe could not be reached.", LATER),
    (
        stripe.AuthenticationError,
        ConsentLost,
        "Stripe refuses the key of this installation.",
        "Set EVERKEEP_STRIPE_KEY anew.",
    ),
    (
        stripe.PermissionError,
        Forbidden,
        "The key of this installation may not do this at Stripe.",
        "Give the key that right (docs/billing-stripe.md).",
    ),
    (stripe.IdempotencyError, KeyUsedTwice, "Stripe got the same order twice, and not the same.", "Try again."),
    (stripe.CardError, Asked, "The bank refused the card.", "Try another card."),
)


def told(error: stripe.StripeError) -> RemoteError:
    """The error to raise instead. Never holds the key, nor anything of a card."""
    request_id = error.request_id or ""
    for theirs, ours, said, do in _PLAIN:
        if isinstance(error, theirs):
            return ours(said, do=do, request_id=request_id)
    if isinstance(error, stripe.InvalidRequestError):
        if error.code == "resource_missing":
            return Gone("Stripe does not know this any more.", request_id=request_id)
        why = error.code or error.param or "no reason given"
        return Asked(f"Stripe does not accept this ({why}).", request_id=request_id)
    if (error.http_status or 0) >= 500 or error.http_status == 409:
        return Unavailable("Stripe is in trouble.", do=LATER, request_id=request_id)
    return Malformed("Stripe's answer cannot be understood.", request_id=request_id)
