"""What Stripe takes by card: not every currency, no sum below its minimum, none that has too many digits.

Source: docs.stripe.com/currencies, "Special cases" and "Minimum and maximum charge amounts", read in 2026.
The minimums are those of the currency that is paid out; what is converted must reach the like of that one: they
are exact where charges and the bank account are of one currency, and near elsewhere. A currency that is not in
the table has no minimum of its own: Stripe itself refuses what is too little (and a currency that it does not
know), the charge has failed then, and the operator is told.
"""

from decimal import Decimal
from typing import Final

from django.conf import settings

from ..money import to_minor

# Where Stripe counts otherwise than ISO 4217 does.
STRANGE: Final = frozenset({"ISK", "UGX", "BHD", "JOD", "KWD", "OMR", "TND", "IQD", "LYD", "UYI", "MGA"})
_LEAST: Final = {
    **dict.fromkeys(("USD", "AUD", "BRL", "CAD", "CHF", "EUR", "INR", "NZD", "SGD"), "0.50"),
    **{"GBP": "0.30", "BGN": "1", "AED": "2", "PLN": "2", "RON": "2", "MYR": "2", "DKK": "2.50", "NOK": "3"},
    **{"SEK": "3", "HKD": "4", "MXN": "10", "THB": "10", "CZK": "15", "JPY": "50", "HUF": "175"},
}
_DIGITS: Final = {"IDR": 12, "INR": 9, "COP": 10, "HUF": 10, "JPY": 10, "LBP": 11}
_DIGITS_ELSEWHERE: Final = 8

# docs.stripe.com/payments/paypal/accept-a-payment: for businesses in Europe, in these currencies.
PAYPAL_IN: Final = frozenset(
    ["EUR", "GBP", "USD", "CHF", "CZK", "DKK", "NOK", "PLN", "SEK", "AUD", "CAD", "HKD", "NZD", "SGD"]
)  # fmt: skip


def methods_for(currency: str) -> tuple[str, ...]:
    """What somebody can choose on the page where an invoice of this currency is paid."""
    with_paypal = "paypal" in settings.STRIPE_METHODS and currency.upper() in PAYPAL_IN
    return ("card", "paypal") if with_paypal else ("card",)


def takes(currency: str, amount_minor: int | None = None) -> bool:
    """Whether cards can be charged in this currency, and, where an amount is given, so much of it."""
    code = currency.upper()
    if code in STRANGE:
        return False
    if amount_minor is None:
        return True
    least = to_minor(Decimal(_LEAST.get(code, "0")), code)
    return least <= amount_minor and len(str(amount_minor)) <= _DIGITS.get(code, _DIGITS_ELSEWHERE)
