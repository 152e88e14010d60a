"""A piece of HTML that is drawn once and copied for every row that is alike, with what differs put in.

The template engine takes two milliseconds for a row of a large table, fifty times a page, to draw nearly the
same buttons. So it draws one row of each sort, with a mark wherever rows of one sort differ.
"""

import re
import secrets
from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid4

from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

# Nobody outside this process knows the marks, so no name in a row can read like one.
_SECRET: Final = secrets.token_hex(8)
MARK_ID: Final[UUID] = uuid4()
"""Stands for an id also in addresses, which take nothing but an id."""
_MARKS: Final = re.compile(f"(ek-{_SECRET}-[a-z_]+-|{MARK_ID}|{MARK_ID.hex})")


def mark(name: str) -> str:
    """Stands in a template's context for the word `name` of every row; letters and _ only."""
    return f"ek-{_SECRET}-{name}-"


class Stencil:
    """Drawn HTML, cut at its marks."""

    def __init__(self, html: str) -> None:
        # Split by a pattern in brackets: what stands between two marks, a mark, and so on.
        self._pieces = _MARKS.split(html)
        self._marks = self._pieces[1::2]

    def filled(self, public_id: UUID, words: Mapping[str, str]) -> SafeString:
        """Return the HTML of one row. Words that are no SafeString are escaped. Raises KeyError."""
        put = {str(MARK_ID): str(public_id), MARK_ID.hex: public_id.hex}
        put |= {mark(name): conditional_escape(word) for name, word in words.items()}
        pieces = self._pieces.copy()
        pieces[1::2] = [put[each] for each in self._marks]
        return SafeString("".join(pieces))
