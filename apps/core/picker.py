"""One among very many, found by letters: what `components/picker.html` shows.

The server looks, with every letter or at a press of “Find”, and answers with a few. A choice is a radio button
of the form around it, so it is sent, kept and reached by keyboard as any other; without scripts “Find” sends
that form, and its view shows it again (`"find" in request.POST`).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final, TypeVar

from .errors import NotFound

T = TypeVar("T")
SHOWN: Final = 8
_NAME = re.compile(r"[a-z][a-z0-9-]{0,59}")


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    words: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Picker:
    """`url` answers with the options for the letters typed; `chosen` stands first, whatever is typed.

    `of` names for a reader of one among several pickers what each is for. Nothing was looked for yet when
    `looked` is False.
    """

    name: str
    label: str
    url: str
    text: str = ""
    chosen: Option | None = None
    found: tuple[Option, ...] = ()
    more: bool = False
    looked: bool = True
    of: str = ""

    @property
    def shown(self) -> int:
        return len(self.found)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks of a picker."""

    name: str
    text: str = ""
    chosen: str = ""

    @classmethod
    def of(cls, name: str, sent: Mapping[str, str]) -> "Asked":
        """Read it out of a form or an address. Raises NotFound for what is no name of a field."""
        if not _NAME.fullmatch(name):
            raise NotFound("There is no such field.", do="Open the page again.")
        return cls(name, sent.get(f"{name}-text", "").strip()[:100], sent.get(name, ""))


def few(rows: Iterable[T], option: Callable[[T], Option]) -> tuple[tuple[Option, ...], bool]:
    """Return the first of them as options, and whether there are more."""
    found = list(islice(rows, SHOWN + 1))
    return tuple(map(option, found[:SHOWN])), len(found) > SHOWN
