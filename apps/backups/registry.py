"""What upper apps say and are told before a snapshot or an entity goes. Filled in their `AppConfig.ready()`."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from .models import BackupTask, Entity


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who names snapshots.

    `in_use` returns those of these keys that work which is under way still reads: they stay for now. `parting`
    is called in the transaction in which these go, to settle what names them.
    """

    in_use: Callable[[Collection[int]], set[int]]
    parting: Callable[[Collection[int]], None]


_readers: dict[str, Reader] = {}


def register_reader(name: str, reader: Reader) -> None:
    """Add somebody who reads snapshots; a second call of the same name replaces the first."""
    _readers[name] = reader


def in_use(snapshot_ids: Collection[int]) -> set[int]:
    """Return those that somebody reads right now."""
    return set[int]().union(*(reader.in_use(snapshot_ids) for reader in _readers.values()))


def part(snapshot_ids: Collection[int]) -> None:
    """Tell everybody that these go."""
    for reader in _readers.values():
        reader.parting(snapshot_ids)


Settler = Callable[[UUID], str]
_settlers: list[Settler] = []


def register_settler(settle: Settler) -> None:
    """Call `settle(public id)` before an entity is destroyed, in the account's scope.

    It ends what hands the entity's data out. It returns why the deletion has to wait, "" when it may go on; it
    may be called many times.
    """
    _settlers.append(settle)


def settled(entity_id: UUID) -> str:
    """Let every app settle its own; returns the first reason to wait."""
    return next((reason for settle in _settlers if (reason := settle(entity_id))), "")


Forgetter = Callable[[int, Collection[int]], None]
_forgetters: dict[str, Forgetter] = {}


def register_forgetter(name: str, forget: Forgetter) -> None:
    """Call `forget(entity, versions)`, keys of rows, in the transaction in which versions of the catalog go."""
    _forgetters[name] = forget


def forgotten(entity_id: int, version_ids: Collection[int]) -> None:
    """Tell everybody that these versions go."""
    for forget in _forgetters.values():
        forget(entity_id, version_ids)


@dataclass(frozen=True, slots=True)
class ErasedVersions:
    """Versions of items of one kind of data that go for good: `ids` of the rows, `keys` of the items."""

    entity: UUID
    sub_service: str
    ids: Collection[int]
    keys: Collection[str]


Eraser = Callable[[ErasedVersions], dict[str, int]]
_erasers: dict[str, Eraser] = {}


def register_eraser(name: str, erase: Eraser) -> None:
    """Call `erase` in the transaction in which versions are erased, to take away what else is kept of them.

    It returns what it took away or has to leave, in numbers: they stand in the certificate.
    """
    _erasers[name] = erase


def erase_elsewhere(versions: ErasedVersions) -> dict[str, int]:
    """Let every app take away what it keeps of these; returns their numbers."""
    found: dict[str, int] = {}
    for erase in _erasers.values():
        for name, count in erase(versions).items():
            found[name] = found.get(name, 0) + count
    return found


Keeper = Callable[[UUID, Collection[str]], Iterable[bytes]]
_keepers: dict[str, Keeper] = {}


def register_keeper(name: str, contents: Keeper) -> None:
    """Let `contents` give the content lists that an app keeps of an entity's items, beside the catalog.

    It is given the entity and the items' keys. Where their bytes lie is followed when the items are erased.
    """
    _keepers[name] = contents


def kept_elsewhere(entity: UUID, keys: Collection[str]) -> Iterator[bytes]:
    """Yield the content lists that upper apps keep of these items."""
    for contents in _keepers.values():
        yield from contents(entity, keys)


Remains = Callable[[int], bool]
_remains: dict[str, Remains] = {}


def register_remains(name: str, there: Remains) -> None:
    """Let `there` tell for an account whether it still stores words of what was erased: a certificate waits."""
    _remains[name] = there


def remains_elsewhere(account_id: int) -> bool:
    """Tell whether any app still stores words of what was erased in this account."""
    return any(there(account_id) for there in _remains.values())


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that needs somebody now, though backups may be in order: "3 critical alerts are open"."""

    number: int
    words: str
    url: str


Warner = Callable[[BackupTask | None, Entity | None], Warned | None]
_warners: dict[str, Warner] = {}


def register_warner(name: str, warn: Warner) -> None:
    """Let reports tell what `warn` finds in the sight of their reader, of a task, a mailbox or (None) all."""
    _warners[name] = warn


def warned_of(task: BackupTask | None, entity: Entity | None) -> list[Warned]:
    """Return what every app warns of, as the actor in force sees it."""
    return [found for warn in _warners.values() if (found := warn(task, entity)) is not None]
