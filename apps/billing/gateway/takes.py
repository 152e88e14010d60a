"""What Stripe takes by card: not every currency, and no sum below its minimum."""

from decimal import Decimal
from typing import Final

from ..money import to_minor

# Where Stripe counts otherwise than ISO 4217 does (docs.stripe.com/currencies, special cases).
STRANGE: Final = frozenset({"ISK", "UGX", "BHD", "JOD", "KWD", "OMR", "TND", "IQD", "LYD", "UYI", "MGA"})
# The same page, minimum amounts; of other currencies Stripe itself says so, and the charge fails.
_LEAST: Final = {
    **dict.fromkeys(("USD", "AUD", "BRL", "CAD", "CHF", "EUR", "INR", "NZD", "SGD"), "0.50"),
    **{"GBP": "0.30", "BGN": "1", "AED": "2", "PLN": "2", "RON": "2", "MYR": "2", "DKK": "2.50", "NOK": "3"},
    **{"SEK": "3", "HKD": "4", "MXN": "10", "THB": "10", "CZK": "15", "JPY": "50", "HUF": "175"},
}


def takes(currency: str, amount_minor: int | None = None) -> bool:
    """Whether cards can be charged in this currency, and, where an amount is given, so little."""
    code = currency.upper()
    if code in STRANGE:
        return False
    return amount_minor is None or amount_minor >= to_minor(Decimal(_LEAST.get(code, "0")), code)
