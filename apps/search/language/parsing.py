"""What somebody typed, as a tree: Whoosh's parser reads it, this maps its queries to ours.

Whoosh's own plugins take what they cannot read for words. Ours stop there and say what to type instead.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from whoosh import query as whoosh

from apps.search.language import tree
from apps.search.language.dates import HINT, span_of
from apps.search.language.grammar import parser
from apps.search.language.patterns import LONGEST_PATTERN, MOST_WILD, is_too_complicated
from apps.search.language.problems import QueryProblem
from apps.search.language.sizes import sizes_of
from apps.search.language.vocabulary import DATES, LISTS, PLACES, Typed, kind_of

LONGEST: Final = 2000
MOST_CONDITIONS: Final = 100
_KEYBOARDS: Final = str.maketrans(
    {**dict.fromkeys("“”„«»", '"'), **dict.fromkeys("\u055e\u061f\u1367\uff1f", "?"), "\uff1a": ":"}
)
_EDGES: Final = ".,;:!?()[]{}<>'\"`\u00b4\u2018\u2019\u2026"
_FEWEST_LETTERS: Final = 2


class _Clock(NamedTuple):
    now: datetime
    zone: tzinfo


def parse(text: str, *, now: datetime, zone: tzinfo) -> tree.Query:
    """Return what is asked for; nothing typed is `Everything`. Days are those of the person's time zone."""
    if len(text) > LONGEST:
        raise QueryProblem(
            f"That is too long: {len(text)} characters, {LONGEST} are possible.", "Keep the words that matter."
        )
    if not (typed := cleaned(text)).strip():
        return tree.Everything()
    read = parser().parse(typed, normalize=False)
    if (found := _mapped(read, _Clock(now, zone))) is None:
        raise QueryProblem(
            f"There is nothing to look for in “{text.strip()[:60]}”.", "Type a word, a name or an address."
        )
    if _conditions(found) > MOST_CONDITIONS:
        raise QueryProblem(f"That is more than {MOST_CONDITIONS} conditions.", "Ask for fewer things at once.")
    return found


def cleaned(text: str) -> str:
    """Return the text without control characters, and with plain signs for those that other keyboards have."""
    shown = "".join(" " if unicodedata.category(one) in {"Cc", "Cs"} else one for one in text)
    return unicodedata.normalize("NFC", shown).translate(_KEYBOARDS)


def _conditions(query: tree.Query) -> int:
    match query:
        case tree.All(parts) | tree.Some(parts):
            return sum(_conditions(part) for part in parts)
        case tree.Not(part):
            return _conditions(part)
        case _:
            return 1


def _mapped(read: whoosh.Query, clock: _Clock) -> tree.Query | None:
    """Return ours for one of Whoosh's queries; None where nothing in it can be looked for, as in "&"."""
    match read:
        case whoosh.And() | whoosh.Or():
            parts = [part for sub in read if (part := _mapped(sub, clock)) is not None]
            return _all(parts) if isinstance(read, whoosh.And) else _some(parts)
        case whoosh.Not():
            part = _mapped(read.query, clock)
            return None if part is None else tree.Not(part)
        case _:
            return _leaf(read, clock)


def _leaf(read: whoosh.Query, clock: _Clock) -> tree.Query | None:
    match read:
        case whoosh.Phrase():
            return _quoted(read.fieldname, " ".join(read.words), clock)
        case whoosh.Prefix():
            return _part(read.fieldname, f"{read.text}*")
        case whoosh.Wildcard():
            return _wild(read.fieldname, read.text, clock)
        case whoosh.Term():
            return _term(read.fieldname, read.text, clock)
        case _:
            return None


def _all(parts: list[tree.Query]) -> tree.Query | None:
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, tree.All) else (part,))]
    return tree.All(tuple(flat)) if len(flat) > 1 else flat[0] if flat else None


def _some(parts: list[tree.Query]) -> tree.Query | None:
    flat = [inner for part in parts for inner in (part.parts if isinstance(part, tree.Some) else (part,))]
    return tree.Some(tuple(flat)) if len(flat) > 1 else flat[0] if flat else None


def _speaks(text: str) -> bool:
    """Whether there is anything that a word is made of."""
    return any(one.isalnum() for one in text)


def _term(fieldname: str, text: str, clock: _Clock) -> tree.Query | None:
    if fieldname in LISTS and "," in text:
        values = [value for value in text.split(",") if _speaks(value)]
        return _some([part for value in values if (part := _term(fieldname, value, clock)) is not None])
    if fieldname in PLACES or fieldname == tree.Field.ANY:
        word = text.strip(_EDGES)
        return tree.Word(word, PLACES.get(fieldname, tree.Field.ANY)) if _speaks(word) else None
    return _condition(Typed(fieldname), text, clock)


def _quoted(fieldname: str, text: str, clock: _Clock) -> tree.Query | None:
    words = " ".join(text.split())
    if fieldname in PLACES or fieldname == tree.Field.ANY:
        return tree.Phrase(words, PLACES.get(fieldname, tree.Field.ANY)) if _speaks(words) else None
    return _condition(Typed(fieldname), words, clock)


def _wild(fieldname: str, text: str, clock: _Clock) -> tree.Query | None:
    """Return the part of a word; one "?" at the end of a word asks, and stands for no letter."""
    if text.endswith("?") and text.count("?") == 1 and "*" not in text:
        return _term(fieldname, text[:-1], clock) if _speaks(text) else None
    return _part(fieldname, text)


def _part(fieldname: str, pattern: str) -> tree.Query:
    if fieldname not in PLACES and fieldname != tree.Field.ANY:
        raise QueryProblem(
            f"“{fieldname}:” takes no “*” or “?”.",
            "A part of the name is enough without them."
            if fieldname == Typed.MAILBOX
            else "Write the whole value, or look for a part of a word in from:, to:, subject: or text:.",
        )
    if " " in pattern:
        raise QueryProblem(
            "“*” and “?” stand for letters of one word, not of a phrase.", "Leave the quotation marks out."
        )
    part = re.sub(r"\*+", "*", pattern.strip(_EDGES.replace("?", "")))
    known = [one for one in part if one.isalnum()]
    if len(known) < _FEWEST_LETTERS and not any(ord(one) > 0x2E7F for one in known):
        raise QueryProblem(
            f"“{pattern[:60]}” would find nearly every word.",
            "Give at least two letters of the word, as in “inv*”.",
        )
    if is_too_complicated(part):
        raise QueryProblem(
            f"“{part[:LONGEST_PATTERN]}” is too complicated to look for.",
            f"Use at most {MOST_WILD} of “*” and “?”, and {LONGEST_PATTERN} letters.",
        )
    return tree.Part(part, PLACES.get(fieldname, tree.Field.ANY))


def _condition(typed: Typed, value: str, clock: _Clock) -> tree.Query:
    """Return what a field other than one of words asks for."""
    if typed in DATES:
        return _dated(typed, value, clock)
    if not _speaks(value):
        raise QueryProblem(f"“{typed}:” is followed by nothing that can be read.", f"Write “{typed}:name”.")
    if typed in {Typed.SIZE, Typed.LARGER, Typed.SMALLER}:
        return sizes_of(typed, value)
    if typed is Typed.KIND:
        return tree.Kind(kind_of(value))
    if typed is Typed.HAS:
        return _having(value)
    return _NAMED[typed](value)


def _having(value: str) -> tree.Query:
    if value.casefold() not in {"attachment", "attachments", "file", "files"}:
        raise QueryProblem(
            f"“has:{value[:60]}” cannot be looked for.", "What can be asked is “has:attachment”."
        )
    return tree.Attached()


def _dated(typed: Typed, value: str, clock: _Clock) -> tree.Query:
    if typed is Typed.DELETED and (answer := value.casefold()) in {"yes", "no", "any", "ever"}:
        return tree.Not(tree.Deleted()) if answer == "no" else tree.Deleted()
    low, high = span_of(value, now=clock.now, zone=clock.zone)
    if typed in _ONE_DATE and ".." in value:
        raise QueryProblem(f"“{typed}:” takes one date.", f"Write “on:{value}”. {HINT}")
    if typed is Typed.AS_OF and high:
        return tree.Kept(high - timedelta(microseconds=1))
    return _SPANS[typed](low, high)


_NAMED: Final[dict[Typed, Callable[[str], tree.Query]]] = {
    Typed.IN: tree.Folder,
    Typed.TAG: tree.Tag,
    Typed.MAILBOX: tree.Entity,
}
_ONE_DATE: Final = frozenset({Typed.BEFORE, Typed.AFTER, Typed.SINCE, Typed.UNTIL, Typed.AS_OF})
_SPANS: Final[dict[Typed, Callable[[datetime | None, datetime | None], tree.Query]]] = {
    Typed.BEFORE: lambda low, high: tree.Times(high=low),
    Typed.AFTER: lambda low, high: tree.Times(low=high),
    Typed.SINCE: lambda low, high: tree.Times(low=low),
    Typed.UNTIL: lambda low, high: tree.Times(high=high),
    Typed.ON: tree.Times,
    Typed.DELETED: tree.Deleted,
    Typed.CHANGED: tree.Appeared,
}
