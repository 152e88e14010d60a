"""What an address needs in its country: a state, a postal code of a certain form, or none."""

import re
from functools import cache
from typing import Final

import pycountry
from django.core.exceptions import ValidationError

# The post does not deliver there without it, and taxes depend on it.
NEED_STATE: Final = frozenset({"US", "CA", "AU", "BR", "IN", "MX", "MY"})
_WITHOUT: Final = (
    "AE AG AO AW BF BI BJ BO BS BW BZ CD CF CG CI CK CM DJ DM ER FJ GA GD GH GM GN GQ GY HK HM "
    "KI KM KN KP LY ML MO MR MW NA NR NU QA RW SB SC SL SR ST SY TD TF TG TK TL TO TV UG VU YE ZW"
)
NO_POSTAL_CODE: Final = frozenset(_WITHOUT.split(" "))
_FORMS: Final = {
    "AT": r"\d{4}",
    "AU": r"\d{4}",
    "BE": r"\d{4}",
    "BR": r"\d{5}-?\d{3}",
    "CA": r"[A-Z]\d[A-Z] ?\d[A-Z]\d",
    "CH": r"\d{4}",
    "CZ": r"\d{3} ?\d{2}",
    "DE": r"\d{5}",
    "DK": r"\d{4}",
    "ES": r"\d{5}",
    "FI": r"\d{5}",
    "FR": r"\d{5}",
    "GB": r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}",
    "IE": r"[A-Z]\d[\dW] ?[A-Z\d]{4}",
    "IL": r"\d{5}(\d{2})?",
    "IN": r"\d{6}",
    "IT": r"\d{5}",
    "JP": r"\d{3}-?\d{4}",
    "MX": r"\d{5}",
    "NL": r"\d{4} ?[A-Z]{2}",
    "NO": r"\d{4}",
    "PL": r"\d{2}-?\d{3}",
    "PT": r"\d{4}-?\d{3}",
    "SE": r"\d{3} ?\d{2}",
    "US": r"\d{5}(-\d{4})?",
}


@cache
def countries() -> list[tuple[str, str]]:
    """Code and common name of every country, by name."""
    named = [(each.alpha_2, getattr(each, "common_name", each.name)) for each in pycountry.countries]
    return sorted(named, key=lambda pair: pair[1])


def country_name(code: str) -> str:
    """The common name of a country; the code itself when it is none."""
    return dict(countries()).get(code, code)


def clean_state(country: str, given: str) -> str:
    """Return the state by its name, given by name or code. Raises ValidationError."""
    if country not in NEED_STATE:
        return given
    if not given:
        raise ValidationError("Addresses in this country need the state or province.")
    for each in pycountry.subdivisions.get(country_code=country):  # type: ignore[no-untyped-call]
        if given.casefold() in (each.name.casefold(), each.code.partition("-")[2].casefold()):
            return str(each.name)
    raise ValidationError(f"We do not know this state or province of {country_name(country)}.")


def clean_postal_code(country: str, given: str) -> str:
    """Return the postal code in capitals. Raises ValidationError where it is missing or has another form."""
    code = " ".join(given.upper().split())
    if not code:
        if country in NO_POSTAL_CODE:
            return ""
        raise ValidationError("Addresses in this country need a postal code.")
    form = _FORMS.get(country)
    if form and not re.fullmatch(form, code):
        raise ValidationError(f"Postal codes of {country_name(country)} look different.")
    return code
