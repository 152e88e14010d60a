"""What is live in a vault: whatever an app that keeps content lists says is referenced.

Apps register in `AppConfig.ready()`:

    register_references("catalog", contents=live_contents, writers_gone=writers_gone)

Garbage collection (vault/gc) is the one reader. An app that keeps content lists and does not register loses its
blobs; an app that registers nothing at all makes gc refuse.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from .errors import ReferencesUnreadable
from .store.content import decode_content
from .store.errors import ContentCorrupt

Contents = Callable[[int], Iterable[Iterable[bytes]]]
"""Account id → every content list that must stay readable, those of a running draft too, in groups.

Called in the account's scope. Lists between which references move (versions of one entity) are one group, read
by one database statement (V12): else one could be deleted behind the scan and written anew ahead of it. Between
groups gc renews its lease, inside one it writes nothing: SQLite could not, with the statement open.
"""

WritersGone = Callable[[int, datetime], bool]
"""Account id, moment → True when nobody can write a reference any more who began before the moment (V11).

It takes away the leases of the dead, so that a process that wakes up later cannot write; it does not wait.
"""


@dataclass(frozen=True, slots=True)
class _Source:
    contents: Contents
    writers_gone: WritersGone


_sources: dict[str, _Source] = {}


def register_references(name: str, *, contents: Contents, writers_gone: WritersGone) -> None:
    """Tell what `name` (an app's word, unique) keeps alive and who writes such references."""
    _sources[name] = _Source(contents, writers_gone)


def registered_references() -> list[str]:
    """Return who has registered, sorted."""
    return sorted(_sources)


def live_blobs(account_id: int) -> Iterator[Iterator[bytes]]:
    """Yield, group by group, the id of every blob that something references, as often as it does.

    Memory: one content list. Raises ReferencesUnreadable: with a list that does not parse, nobody knows what
    is live.
    """
    for name, source in sorted(_sources.items()):
        for group in source.contents(account_id):
            yield _blobs(name, group)


def _blobs(name: str, contents: Iterable[bytes]) -> Iterator[bytes]:
    for content in contents:
        try:
            parts = decode_content(content)
        except ContentCorrupt as error:
            raise ReferencesUnreadable(
                f"A content list of the {name} cannot be read: {error.what}",
                do="Nothing was removed. Repair or remove the item it belongs to.",
            ) from error
        for part in parts:
            yield from part.blobs


def writers_gone(account_id: int, began_before: datetime) -> bool:
    """Tell whether no writer of any app is left that began before the moment (V11)."""
    return all(source.writers_gone(account_id, began_before) for source in _sources.values())
