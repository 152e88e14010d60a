"""What the vault asks of the apps above it: whose bytes these are, and to fetch them again.

Filled in `AppConfig.ready()`. The vault knows blobs; who keeps content lists knows the items behind them.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class JournalClaim:
    """What a row says of one journal: the object name of its head, its link, and of what it is, in words."""

    position: int
    key: str
    link: str
    label: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """One app that keeps content lists. All is called in the account's scope.

    contents(account_id, after)   yields (position, content list) of what people can open, positions rising
                                  from beyond `after`
    mark(account_id, blob_ids)    marks every item whose content names one of these blobs to be fetched again,
                                  whatever snapshot it is in; returns how many items name each. A blob that no
                                  item names is left out. Called inside a transaction; calling again is harmless
    busy()                        tells whether backups of this installation run right now
    named(account_id)             yields a line per item that is damaged or lost, in a person's words
    journals(account_id, after)   yields what must lie in the store as journals, positions rising
    journals_of(account_id, entities)  the same of these entities alone
    named_anew(account_id, named) of blobs that are lost, returns those that something names since: `named` are
                                  blobs by the positions (of `contents`) whose content names them
    settle(account_id)            closes lost items whose blobs are all recorded again
    lost(account_id)              counts the items that are lost
    """

    contents: Callable[[int, int], Iterator[tuple[int, bytes]]]
    mark: Callable[[int, Collection[bytes]], Mapping[bytes, int]]
    busy: Callable[[], bool]
    named: Callable[[int], Iterator[str]]
    journals: Callable[[int, int], Iterator[JournalClaim]]
    journals_of: Callable[[int, Collection[UUID]], Iterator[JournalClaim]]
    named_anew: Callable[[int, Mapping[int, Collection[bytes]]], set[bytes]]
    settle: Callable[[int], None]
    lost: Callable[[int], int]


_catalogs: dict[str, Catalog] = {}


def register_catalog(name: str, catalog: Catalog) -> None:
    """Tell who keeps content lists; the last one of a name wins."""
    _catalogs[name] = catalog


def catalogs() -> list[tuple[str, Catalog]]:
    """Return the catalogs by name, always in one order."""
    return sorted(_catalogs.items(), key=lambda entry: entry[0])


def backups_run() -> bool:
    """Tell whether backups run right now, so that what can wait makes room."""
    return any(catalog.busy() for _, catalog in catalogs())


_tasks_by_shelf: list[Callable[[], Mapping[int, list[str]]]] = []


def register_tasks_by_shelf(found: Callable[[], Mapping[int, list[str]]]) -> None:
    """Tell which backup tasks of the account in force have a shelf of their own: names by shelf number."""
    _tasks_by_shelf[:] = [found]


def tasks_by_shelf() -> Mapping[int, list[str]]:
    """Return the names of backup tasks by the number of their shelf; shelf 0 has all that are not named."""
    return _tasks_by_shelf[0]() if _tasks_by_shelf else {}


@dataclass(frozen=True, slots=True)
class Ordered:
    """What people had deleted, so that gc is not surprised by it (V16). Called in the account's scope.

    dead(account_id, since)  at most so many blobs may have lost their last reference by it since that moment;
                          None: ever
    chains(account_id)    (entity, kind of data) of journals that a store would not let go of yet
    """

    dead: Callable[[int, datetime | None], int]
    chains: Callable[[int], Collection[tuple[UUID, str]]]


_ordered: dict[str, Ordered] = {}


def register_ordered(name: str, ordered: Ordered) -> None:
    """Tell what is deleted because somebody ordered it; the last one of a name wins."""
    _ordered[name] = ordered


def dead_by_order(account_id: int, since: datetime | None) -> int:
    """How many dead blobs deletions explain, at most."""
    return sum(ordered.dead(account_id, since) for ordered in _ordered.values())


def chains_given_up(account_id: int) -> set[tuple[UUID, str]]:
    """Journals that nobody wants any more and that some store still keeps."""
    return {chain for ordered in _ordered.values() for chain in ordered.chains(account_id)}
