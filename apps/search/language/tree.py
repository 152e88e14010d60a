"""What a search asks for: the tree between the words that people type, or a form, and the index.

`Folder` and `Tag` name things whose ids only the catalog knows: the caller replaces them by `Ids` before the
index is asked (`resolved`). Times are aware and mean instants of the item itself (sent, starts, due, changed).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Field(StrEnum):
    """Where words are looked for. ANY is everywhere: names, people, text, and the text of attachments."""

    ANY = "any"
    NAME = "name"
    FROM = "from"
    TO = "to"
    TEXT = "text"
    ATTACHMENT = "attachment"
    PLACE = "place"


class Column(StrEnum):
    """What `Ids` are ids of."""

    ENTITY = "entity"
    PARENT = "parent"
    VERSION = "version"


@dataclass(frozen=True, slots=True)
class Word:
    """A word in any of its forms ("invoice" finds "invoices"); an address or a domain as it is."""

    text: str
    field: Field = Field.ANY


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words as they stand, side by side, in no other form."""

    text: str
    field: Field = Field.ANY


@dataclass(frozen=True, slots=True)
class Part:
    """A word of which parts are known: `*` stands for any letters, `?` for one."""

    pattern: str
    field: Field = Field.ANY


@dataclass(frozen=True, slots=True)
class Kind:
    """Items of a sub-service (`connectors.enums.SubService`)."""

    sub_service: str


@dataclass(frozen=True, slots=True)
class Attached:
    """Items with attachments."""


@dataclass(frozen=True, slots=True)
class Times:
    """Items whose own time is `low <= time < high`; None is open."""

    low: datetime | None = None
    high: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sizes:
    """Items of `low <= size < high` bytes; None is open."""

    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """Versions that a backup of day D held: first seen before or at `at`, gone only after it."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Deleted:
    """Items that went between: the version's end is `low <= end < high` and no version of the item follows."""

    low: datetime | None = None
    high: datetime | None = None


@dataclass(frozen=True, slots=True)
class Appeared:
    """Versions first seen between: new items, and items that changed."""

    low: datetime | None = None
    high: datetime | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """Items in folders of this name, or under a folder of this name."""

    name: str


@dataclass(frozen=True, slots=True)
class Tag:
    """Items of entities with this tag."""

    name: str


@dataclass(frozen=True, slots=True)
class Entity:
    """Items of entities whose name or address holds this."""

    name: str


@dataclass(frozen=True, slots=True)
class Ids:
    """Items whose entity, parent folder (`catalog.hash_of` of its id) or version is one of these."""

    column: Column
    values: frozenset[int]


@dataclass(frozen=True, slots=True)
class Everything:
    """No condition: what is left when nothing was typed."""


@dataclass(frozen=True, slots=True)
class All:
    """All of these hold."""

    parts: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one of these holds."""

    parts: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """This does not hold."""

    part: "Query"


Named = Folder | Tag | Entity
Leaf = Word | Phrase | Part | Kind | Attached | Times | Sizes | Kept | Deleted | Appeared | Ids | Everything
Query = Leaf | Named | All | Some | Not


def is_of_one_day(query: Query) -> bool:
    """Tell whether no two versions of one item can fit: a backup of one day holds each item once."""
    match query:
        case Kept():
            return True
        case All(parts):
            return any(map(is_of_one_day, parts))
        case _:
            return False


def resolved(query: Query, look_up: Callable[[Named], Ids]) -> Query:
    """Return the query with ids in place of names."""
    match query:
        case Folder() | Tag() | Entity():
            return look_up(query)
        case All(parts):
            return All(tuple(resolved(part, look_up) for part in parts))
        case Some(parts):
            return Some(tuple(resolved(part, look_up) for part in parts))
        case Not(part):
            return Not(resolved(part, look_up))
        case _:
            return query
