"""Tax numbers by country: formats and check digits, offline."""

from typing import Any, Final

import pycountry
from stdnum import get_cc_module
from stdnum.eu import vat
from stdnum.exceptions import ValidationError

from .taxes import is_eu

MANDATORY: Final = {"IL"}
_PREFIX: Final = {"GR": "el"}


def country_name(code: str) -> str:
    """ "DE" → "Germany"; an unknown code as it is."""
    country = pycountry.countries.get(alpha_2=code)
    return country.name if country else code


def is_country(code: str) -> bool:
    """Tell whether there is such a country."""
    return len(code) == 2 and pycountry.countries.get(alpha_2=code) is not None


def tidy_tax_id(country: str, tax_id: str) -> str | None:
    """The number as it is written, EU numbers with their prefix; None where it is none of that country.

    A country whose format is not known takes any text.
    """
    text = tax_id.strip().upper()
    if is_eu(country):
        prefix = _PREFIX.get(country, country.lower()).upper()
        compact = "".join(sign for sign in text if sign.isalnum())
        if prefix != country:  # Greece is GR, its numbers begin with EL: people write both
            compact = compact.removeprefix(country)
        whole = compact if compact.startswith(prefix) else prefix + compact
        try:
            return str(vat.validate(whole))
        except ValidationError:
            return None
    modules = _modules(country)
    for module in modules:
        try:
            return str(module.validate(text))
        except ValidationError:
            continue
    return None if modules else text


def _modules(country: str) -> list[Any]:
    """What checks the numbers of a country that is not in the EU."""
    names = ("hp", "idnr") if country == "IL" else ("vat",)
    found = (get_cc_module(country.lower(), name) for name in names)
    return [module for module in found if module is not None]
