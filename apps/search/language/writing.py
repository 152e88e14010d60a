"""What somebody filled into a form, as the text that they could have typed.

The text is the one carrier: it stands in the search field and in the address, and `parse` makes the tree of it.
"""

import re
from datetime import date
from typing import Final

from apps.search.language.parsing import cleaned
from apps.search.language.vocabulary import Typed, typed_field

_PLAIN: Final = re.compile(r"[^\s()\",:<>=-][^\s()\",:<>=]*")
_OPERATORS: Final = frozenset({"AND", "OR", "NOT"})
_NAMES: Final = frozenset({Typed.KIND, Typed.IN, Typed.TAG, Typed.MAILBOX})


def clause(typed: Typed, value: str | date) -> str:
    """Return `from:ann` for a value that is to be taken as it is, whatever stands in it; "" for none.

    Several words are looked for each on its own, in quotation marks as they stand together; a name is one.
    """
    if isinstance(value, date):
        return f"{typed}:{value.isoformat()}"
    value = cleaned(value).strip()
    if typed in _NAMES:
        return _field(typed, _quoted(value) if re.search(r"[\s*?]", value) else _written(value))
    if len(value) > 2 and value[0] == value[-1] == '"' and value.count('"') == 2:
        return _field(typed, value if _speaks(value) else "")
    words = [written for word in value.split() if (written := _written(word))]
    return _field(typed, f"({' '.join(words)})" if len(words) > 1 else "".join(words))


def joined(*clauses: str) -> str:
    """Return all of them as one text."""
    return " ".join(filter(None, clauses))


def _field(typed: Typed, value: str) -> str:
    return f"{typed}:{value}" if value else ""


def _written(word: str) -> str:
    """Return a word so that it is read as one; "" for what has no letter or figure."""
    if not _speaks(word):
        return ""
    plain = _PLAIN.fullmatch(word) and word not in _OPERATORS and typed_field(word) is None
    return word if plain and not _vague(word) else _quoted(word)


def _vague(word: str) -> bool:
    """Whether so little of the word is known that the search would refuse it: then `*` and `?` are letters."""
    return ("*" in word or "?" in word) and sum(one.isalnum() for one in word) < 2


def _quoted(value: str) -> str:
    inner = " ".join(value.replace('"', " ").split())
    return f'"{inner}"' if _speaks(inner) else ""


def _speaks(text: str) -> bool:
    return any(one.isalnum() for one in text)
