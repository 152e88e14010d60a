"""A query said back in words, so that people see what was looked for.

Said from the query alone: which other forms of a word the index holds would tell of what is hidden.
"""

from datetime import datetime, timedelta

from django.utils import timezone

from .kinds import kind_of
from .language.tree import (
    All,
    Appeared,
    Attached,
    Deleted,
    Entity,
    Everything,
    Field,
    Folder,
    Ids,
    Kept,
    Kind,
    Not,
    Part,
    Phrase,
    Query,
    Sizes,
    Some,
    Tag,
    Times,
    Word,
)

_PLACES = {
    Field.ANY: "",
    Field.NAME: " in the name",
    Field.FROM: " among the senders",
    Field.TO: " among the recipients",
    Field.TEXT: " in the text",
    Field.ATTACHMENT: " in attachments",
    Field.PLACE: " as the place",
}
_UNITS = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"))


def understood(query: Query) -> str:
    """Return one line: "“invoice” in any form, after 1 Sep 2026, not “draft” in any form"."""
    return "" if isinstance(query, Everything) else _said(query)


def _said(query: Query) -> str:  # noqa: PLR0911 - one line for each kind of leaf
    match query:
        case All(parts):
            return ", ".join(_inner(part) for part in parts)
        case Some(parts):
            return " or ".join(_inner(part) for part in parts)
        case Not(part):
            return f"not {_inner(part)}"
        case Word(text, field):
            return f"“{text}”{_PLACES[field]}"
        case Phrase(text, field):
            return f"exactly “{text}”{_PLACES[field]}"
        case Part(pattern, field):
            return f"words like “{pattern}”{_PLACES[field]}"
        case _:
            return _condition(query)


def _inner(query: Query) -> str:
    return f"({_said(query)})" if isinstance(query, All | Some) else _said(query)


def _condition(query: Query) -> str:  # noqa: PLR0911 - one line for each kind of leaf
    match query:
        case Kind(sub_service):
            return kind_of(sub_service).label.lower()
        case Attached():
            return "with attachments"
        case Times(low, high):
            return _span(low, high, "of any time")
        case Sizes(low, high):
            return _sizes(low, high)
        case Kept(at):
            return f"as of {_day(at)}"
        case Deleted(low, high):
            return "deleted" + (f" {_span(low, high, '')}" if low or high else "")
        case Appeared(low, high):
            return "new or changed" + (f" {_span(low, high, '')}" if low or high else "")
        case Folder(name):
            return f"in folders named “{name}”"
        case Tag(name):
            return f"of mailboxes tagged “{name}”"
        case Entity(name):
            return f"of the mailbox “{name}”"
        case Ids():
            return "of what was chosen"
        case _:
            return "everything"


def _span(low: datetime | None, high: datetime | None, always: str) -> str:
    if low and high:
        last = high - timedelta(microseconds=1)
        return f"on {_day(low)}" if _day(low) == _day(last) else f"from {_day(low)} to {_day(last)}"
    if low:
        return f"since {_day(low)}"
    return f"before {_day(high)}" if high else always


def _sizes(low: int | None, high: int | None) -> str:
    if low is not None and high is not None:
        return f"between {_size(low)} and {_size(high)}"
    if low is not None:
        return f"{_size(low)} and larger"
    return f"smaller than {_size(high)}" if high is not None else "of any size"


def _size(size: int) -> str:
    for unit, word in _UNITS:
        if size >= unit:
            return f"{size / unit:.3g} {word}"
    return f"{size} B"


def _day(moment: datetime) -> str:
    local = timezone.localtime(moment)
    midnight = (local.hour, local.minute) == (0, 0)
    at_end = local.hour == 23 and local.minute == 59
    return f"{local.day} {local:%b %Y}" + ("" if midnight or at_end else f", {local:%H:%M}")
