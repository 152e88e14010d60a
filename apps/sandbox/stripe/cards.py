"""The numbers that Stripe's test mode knows (docs.stripe.com/testing) and how each of them behaves."""

from dataclasses import dataclass
from typing import Any

from .errors import StripeFault

WORDS = {
    "generic_decline": ("card_declined", "Your card was declined."),
    "insufficient_funds": ("card_declined", "Your card has insufficient funds."),
    "lost_card": ("card_declined", "Your card was declined."),
    "expired_card": ("expired_card", "Your card has expired."),
    "incorrect_cvc": ("incorrect_cvc", "Your card's security code is incorrect."),
    "processing_error": ("processing_error", "An error occurred while processing your card. Try again later."),
    "authentication_required": (
        "authentication_required",
        "Your card was declined. This transaction requires authentication.",
    ),
}
WITHOUT_DECLINE_CODE = ("expired_card", "incorrect_cvc", "processing_error")


@dataclass(frozen=True)
class Behaviour:
    """`refused` at a charge, and at set-up too unless `attaches`. `asks`: always, or until it was set up."""

    brand: str = "visa"
    refused: str = ""
    attaches: bool = False
    asks: str = ""


CARDS: dict[str, Behaviour] = {
    "4242424242424242": Behaviour(),
    "5555555555554444": Behaviour("mastercard"),
    "378282246310005": Behaviour("amex"),
    "4000000000000002": Behaviour(refused="generic_decline"),
    "4000000000009995": Behaviour(refused="insufficient_funds"),
    "4000000000009987": Behaviour(refused="lost_card"),
    "4000000000000069": Behaviour(refused="expired_card"),
    "4000000000000127": Behaviour(refused="incorrect_cvc"),
    "4000000000000119": Behaviour(refused="processing_error"),
    "4000000000000341": Behaviour(refused="generic_decline", attaches=True),
    "4000002500003155": Behaviour(asks="until_set_up"),
    "4000002760003184": Behaviour(asks="always"),
    "4000000000003220": Behaviour(asks="always"),
    "4000008260003178": Behaviour(refused="insufficient_funds", attaches=True, asks="always"),
}
# The names that test code uses instead of numbers: each use makes a payment method of its own.
NAMED = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_amex": "378282246310005",
    "pm_card_chargeDeclined": "4000000000000002",
    "pm_card_chargeDeclinedInsufficientFunds": "4000000000009995",
    "pm_card_chargeDeclinedExpiredCard": "4000000000000069",
    "pm_card_chargeCustomerFail": "4000000000000341",
    "pm_card_authenticationRequired": "4000002760003184",
    "pm_card_authenticationRequiredOnSetup": "4000002500003155",
}


def behaviour(number: str) -> Behaviour:
    return CARDS.get(number, Behaviour())


def check_number(number: str) -> None:
    """Raises what Stripe says of a number that cannot be one."""
    digits = [int(digit) for digit in reversed(number) if digit.isdigit()]
    doubled = [digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits)]
    if not 12 <= len(digits) <= 19 or len(digits) != len(number) or sum(doubled) % 10:
        said = "Your card number is incorrect."
        raise StripeFault(402, "card_error", said, code="incorrect_number", param="number")
    if number not in CARDS:
        said = "Your card was declined. Your request was in test mode, but used a non test card."
        raise StripeFault(402, "card_error", said, code="card_declined", decline_code="test_mode_live_card")


def error_of(refused: str) -> dict[str, Any]:
    """The error object of a refusal, without the intent."""
    code, message = WORDS[refused]
    error: dict[str, Any] = {"type": "card_error", "code": code, "message": message}
    if refused not in WITHOUT_DECLINE_CODE:
        error["decline_code"] = refused
    return error
