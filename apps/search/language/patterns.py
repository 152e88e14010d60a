"""Words with open parts, `*` and `?`: what is allowed of them, and an expression that fits in linear time."""

import re
from collections.abc import Iterable
from typing import Final

MOST_WILD: Final = 6
LONGEST_PATTERN: Final = 64
WILD: Final = re.compile(r"([*?])")


def is_too_complicated(pattern: str) -> bool:
    return len(WILD.findall(pattern)) > MOST_WILD or len(pattern) > LONGEST_PATTERN


def expression(pieces: Iterable[str], letter: str) -> re.Pattern[str]:
    """Return what fits words made of the pieces; `letter` is the expression of what `?` stands for.

    What stands between two stars is taken where it comes first and never looked for again: another place
    could fit no more, and trying them all takes a time that grows with each star's power.
    """
    parts = [""]
    for piece in pieces:
        if piece == "*":
            parts.append("")
        else:
            parts[-1] += letter if piece == "?" else re.escape(piece)
    first, *rest = parts
    if not rest:
        return re.compile(first)
    inner = "".join(f"(?>{letter}*?{part})" for part in rest[:-1] if part)
    return re.compile(f"{first}{inner}{letter}*{rest[-1]}")
