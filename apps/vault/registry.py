"""What the vault asks of the apps above it: whose bytes these are, and to fetch them again.

Filled in `AppConfig.ready()`. The vault knows blobs; who keeps content lists knows the items behind them.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass


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
    """

    contents: Callable[[int, int], Iterator[tuple[int, bytes]]]
    mark: Callable[[int, Collection[bytes]], Mapping[bytes, int]]
    busy: Callable[[], bool]
    named: Callable[[int], Iterator[str]]


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
