"""`a[b][0][c]=d`: nested parameters as Stripe's clients write them into forms and queries."""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl

from .errors import invalid

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_PART = re.compile(r"\[([^\[\]]*)\]")


def read(text: str) -> dict[str, Any]:
    """Return the nested parameters; lists by their numbers, or in their order for `a[]`."""
    found: dict[str, Any] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        match = _KEY.fullmatch(key)
        if match is None:
            raise invalid(f"Invalid parameter name: {key}")
        _put(found, [match.group(1), *_PART.findall(match.group(2))], value)
    return {key: _lists(value) for key, value in found.items()}


def _put(into: dict[str, Any], path: list[str], value: str) -> None:
    for part, following in pairwise(path):
        into = into.setdefault(part if part else str(len(into)), {})
        if not isinstance(into, dict):
            raise invalid(f"Invalid parameter: {part}[{following}]")
    last = path[-1]
    into[last if last else str(len(into))] = value


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _lists(each) for key, each in value.items()}
    if inner and all(key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def check_known(given: dict[str, Any], known: Iterable[str]) -> None:
    """Raise as Stripe does at a parameter that it does not know: a slip of the client's, never passed over."""
    strange = sorted(set(given) - set(known) - {"expand"})
    if strange:
        raise invalid(f"Received unknown parameter: {strange[0]}", param=strange[0], code="parameter_unknown")


def check_methods(given: dict[str, Any]) -> None:
    """Since the version of 2026-09-30 it is `allowed_payment_method_types`."""
    if "payment_method_types" in given:
        raise invalid(
            "The payment_method_types parameter is no longer supported.",
            param="payment_method_types",
            code="payment_method_types_no_longer_supported",
        )


def number(value: Any, param: str) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise invalid(f"Invalid integer: {value}", param=param, code="parameter_invalid_integer") from None


def truth(value: Any) -> bool:
    return str(value).lower() in ("true", "1")
