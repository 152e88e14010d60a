"""Money: integers of a currency's smallest unit. The rules of rounding stand in docs/billing.md."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

from apps.core.errors import InvalidRequest

# ISO 4217: how many digits stand behind the point, where it is not two.
_DIGITS: Final = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX"), 0),
    **dict.fromkeys(("UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
_ONE: Final = Decimal(1)


def digits(currency: str) -> int:
    """How many digits of an amount stand behind the point."""
    return _DIGITS.get(currency, 2)


def to_minor(text: str | int | Decimal, currency: str) -> int:
    """ "12.50", EUR → 1250. Raises InvalidRequest for what is no amount, or finer than the currency."""
    try:
        minor = Decimal(text).scaleb(digits(currency))
        whole = minor.to_integral_value()
    except (InvalidOperation, ValueError, TypeError) as error:
        raise InvalidRequest(f"“{text}” is not an amount.") from error
    if not minor.is_finite() or minor != whole:
        raise InvalidRequest(f"“{text}” is not an amount of {currency}.")
    return int(whole)


def half_up(amount: Decimal) -> int:
    """Round to the nearest whole, halves away from zero."""
    return int(amount.quantize(_ONE, rounding=ROUND_HALF_UP))


def line_total(quantity: Decimal, unit_price_minor: int) -> int:
    """What one line comes to: rounded by itself, so that what is printed adds up."""
    return half_up(quantity * unit_price_minor)


def tax_on(net_minor: int, percent: Decimal) -> int:
    """The tax on the sum of the lines, rounded once."""
    return half_up(net_minor * percent / 100)


def plain(minor: int, currency: str) -> str:
    """1250, EUR → "12.50"; thousands are parted by commas."""
    return f"{Decimal(minor).scaleb(-digits(currency)):,.{digits(currency)}f}"


def shown(minor: int, currency: str) -> str:
    """1250, EUR → "12.50 EUR"."""
    return f"{plain(minor, currency)} {currency}"
