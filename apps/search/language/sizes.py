"""Sizes as people type them: >5mb, <=10 kB, between units of a thousand as pages state them."""

import re
from typing import Final

from apps.search.language.problems import QueryProblem
from apps.search.language.tree import Sizes
from apps.search.language.vocabulary import Typed

_UNITS: Final = {"": 1, "b": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_SIZE: Final = re.compile(
    r"(?P<sign>>=|<=|>|<)?\s*(?P<amount>\d{1,12}(?:\.\d{1,3})?)\s*(?P<unit>[kmgt]?)i?b?(?:ytes?)?", re.ASCII
)
_HINT: Final = "Write “size>5mb” or “size<10kb”."


def sizes_of(typed: Typed, value: str) -> Sizes:
    """Return the sizes that `size`, `larger` or `smaller` with this value asks for."""
    found = _SIZE.fullmatch(value.casefold().strip())
    sign = {Typed.LARGER: ">", Typed.SMALLER: "<"}.get(typed) or (found and found["sign"])
    if found is None or (typed is not Typed.SIZE and found["sign"]):
        raise QueryProblem(f"“{value[:60]}” is not a size that can be read.", _HINT)
    if not sign:
        raise QueryProblem(f"“size:{value[:60]}” does not say whether more or less.", _HINT)
    size = round(float(found["amount"]) * _UNITS[found["unit"]])
    return {
        ">": Sizes(low=size + 1),
        ">=": Sizes(low=size),
        "<": Sizes(high=size),
        "<=": Sizes(high=size + 1),
    }[sign]
