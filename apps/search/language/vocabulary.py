"""The fields that people type before a colon, and the values that some of them take."""

import difflib
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from apps.search.language.problems import QueryProblem
from apps.search.language.tree import Field


class Typed(StrEnum):
    """Fields by their first name; their other names are in `OTHER_NAMES`."""

    FROM = "from"
    TO = "to"
    SUBJECT = "subject"
    TEXT = "text"
    ATTACHMENT = "attachment"
    PLACE = "place"
    KIND = "kind"
    IN = "in"
    TAG = "tag"
    MAILBOX = "mailbox"
    HAS = "has"
    SIZE = "size"
    LARGER = "larger"
    SMALLER = "smaller"
    BEFORE = "before"
    AFTER = "after"
    SINCE = "since"
    UNTIL = "until"
    ON = "on"
    AS_OF = "asof"
    DELETED = "deleted"
    CHANGED = "changed"


OTHER_NAMES: Final[dict[str, Typed]] = {
    "sender": Typed.FROM,
    "recipient": Typed.TO,
    "cc": Typed.TO,
    "bcc": Typed.TO,
    "name": Typed.SUBJECT,
    "title": Typed.SUBJECT,
    "body": Typed.TEXT,
    "description": Typed.TEXT,
    "file": Typed.ATTACHMENT,
    "filename": Typed.ATTACHMENT,
    "attachments": Typed.ATTACHMENT,
    "location": Typed.PLACE,
    "type": Typed.KIND,
    "folder": Typed.IN,
    "owner": Typed.MAILBOX,
    "during": Typed.ON,
    "date": Typed.ON,
    "as-of": Typed.AS_OF,
}

NAMES: Final[dict[str, Typed]] = {**{typed.value: typed for typed in Typed}, **OTHER_NAMES}

DATES: Final = frozenset(
    {Typed.BEFORE, Typed.AFTER, Typed.SINCE, Typed.UNTIL, Typed.ON, Typed.AS_OF, Typed.DELETED, Typed.CHANGED}
)

# Where the words of a field are looked for.
PLACES: Final[dict[str, Field]] = {
    Typed.FROM: Field.FROM,
    Typed.TO: Field.TO,
    Typed.SUBJECT: Field.NAME,
    Typed.TEXT: Field.TEXT,
    Typed.ATTACHMENT: Field.ATTACHMENT,
    Typed.PLACE: Field.PLACE,
}

# Fields whose value may be a list, "a,b": either.
LISTS: Final = frozenset(
    {Typed.FROM, Typed.TO, Typed.ATTACHMENT, Typed.KIND, Typed.IN, Typed.TAG, Typed.MAILBOX}
)

# Values of `connectors.enums.SubService`, by what people call them; the first name of each is ours.
KINDS: Final[dict[str, str]] = {
    "mail": "mail",
    "calendar": "calendars",
    "contacts": "contacts",
    "tasks": "tasks",
    "notes": "notes",
    "settings": "settings",
    "mails": "mail",
    "email": "mail",
    "emails": "mail",
    "message": "mail",
    "messages": "mail",
    "calendars": "calendars",
    "event": "calendars",
    "events": "calendars",
    "meeting": "calendars",
    "meetings": "calendars",
    "appointment": "calendars",
    "appointments": "calendars",
    "contact": "contacts",
    "people": "contacts",
    "person": "contacts",
    "task": "tasks",
    "todo": "tasks",
    "note": "notes",
    "setting": "settings",
}

FIRST_NAMES: Final = ("mail", "calendar", "contacts", "tasks", "notes", "settings")


def typed_field(name: str) -> Typed | None:
    """Return the field of this name, in any letters."""
    return NAMES.get(name.casefold())


def unknown_field(name: str) -> QueryProblem:
    """Return the problem of a name before a colon that is no field, with the one that was probably meant."""
    close = difflib.get_close_matches(name.casefold(), NAMES, n=1, cutoff=0.6)
    meant = f"Did you mean “{close[0]}:”? " if close else ""
    return QueryProblem(
        f"There is no field “{name}:”.",
        f"{meant}Put it in quotation marks to look for it as words, or choose one of "
        f"{listed(f'{typed.value}:' for typed in (Typed.FROM, Typed.TO, Typed.SUBJECT, Typed.KIND))}.",
    )


def kind_of(word: str) -> str:
    """Return the sub-service that the word names."""
    if (found := KINDS.get(word.strip().casefold())) is None:
        raise QueryProblem(f"“{word}” is no kind of data.", f"After “kind:” comes {listed(FIRST_NAMES)}.")
    return found


def listed(names: Iterable[str]) -> str:
    """Return "a, b or c"."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last
