"""Which tax an invoice carries. Rates are data (`data/tax_rates.toml`); the rules stand in docs/billing.md."""

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from .errors import PricesWrong

SHIPPED: Final = Path(__file__).parent / "data" / "tax_rates.toml"
REVERSE_CHARGE: Final = (
    "Reverse charge: the recipient owes the VAT (Article 196 of Directive 2006/112/EC). "
    "VAT numbers: {seller} (supplier), {buyer} (recipient)."
)
OUTSIDE: Final = "Not subject to VAT: the place of supply is the recipient's country."


@dataclass(frozen=True, slots=True)
class Tax:
    """The rate in percent, and what the paper says about it."""

    percent: Decimal
    note: str = ""


@lru_cache(maxsize=4)
def _rates(path: str) -> dict[str, Any]:
    try:
        found = tomllib.loads(Path(path).read_text())
        for country in found.values():
            country["rates"] = sorted((rate["from"], Decimal(rate["percent"])) for rate in country["rates"])
    except (OSError, KeyError, TypeError, InvalidOperation, tomllib.TOMLDecodeError) as error:
        raise PricesWrong(f"The tax rates in {path} cannot be read: {error}") from error
    return found


def _country(code: str) -> dict[str, Any]:
    found: dict[str, Any] = _rates(settings.BILLING_TAX_RATES or str(SHIPPED)).get(code, {})
    return found


def is_eu(code: str) -> bool:
    """Tell whether a country belongs to the common VAT area."""
    return bool(_country(code).get("eu"))


def rate_of(code: str, on: date) -> Decimal:
    """The standard rate of a country on a day; zero where no rate is known."""
    known = [percent for begins, percent in _country(code).get("rates", []) if begins <= on]
    return known[-1] if known else Decimal(0)


def tax_for(country: str, tax_id: str, on: date) -> Tax:
    """The tax on what is sold to a customer of a country; `tax_id` is one that was found valid, or empty.

    At home: the home rate. Within the EU: reverse charge for who has a VAT number, else the customer's rate.
    Elsewhere: none. A seller without a country taxes nothing.
    """
    home = str(settings.BILLING_SELLER.get("country", ""))
    if not home:
        return Tax(Decimal(0))
    if country == home:
        return Tax(rate_of(home, on))
    if is_eu(home) and is_eu(country):
        if tax_id:
            seller = str(settings.BILLING_SELLER.get("tax_id", ""))
            return Tax(Decimal(0), REVERSE_CHARGE.format(seller=seller, buyer=tax_id))
        return Tax(rate_of(country, on))
    return Tax(Decimal(0), OUTSIDE)
