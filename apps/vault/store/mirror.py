"""Several stores that together hold one vault: written to the first, read from whichever has a good copy."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import groupby
from typing import Any, Final, TypeVar

from .backends.base import Bytes, ObjectInfo, ObjectStore, StoreDescription
from .errors import LockUnsupported, ObjectMissing, ObjectTruncated, StoreError

T = TypeVar("T")
Routes = Callable[[str], Sequence[int]]
REST_SECONDS: Final = 60.0  # a store that failed is asked last for so long: each try costs its retries

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Member:
    """One of the stores, by the number that routes name it with. A replica holds nothing of its own."""

    number: int
    store: ObjectStore
    replica: bool = False


class LateStore:
    """A store that is opened, and has proved its id, when it is first used: one that is down harms no other."""

    def __init__(self, opener: Callable[[], ObjectStore]) -> None:
        self._opener = opener
        self._opened: ObjectStore | None = None

    def put_if_absent(self, key: str, data: Bytes) -> bool:
        return self._store().put_if_absent(key, data)

    def get(self, key: str) -> bytes:
        return self._store().get(key)

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        return self._store().get_range(key, offset, length)

    def size(self, key: str) -> int | None:
        return self._store().size(key)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        yield from self._store().list(prefix)

    def delete(self, key: str) -> None:
        self._store().delete(key)

    def locked_until(self, key: str) -> datetime | None:
        return self._store().locked_until(key)

    def extend_lock(self, key: str, until: datetime) -> bool:
        return self._store().extend_lock(key, until)

    def describe(self) -> StoreDescription:
        return self._store().describe()

    def _store(self) -> ObjectStore:
        if self._opened is None:
            self._opened = self._opener()
        return self._opened


class MirrorStore:
    """An ObjectStore over several.

    - `put_if_absent` writes to the first member.
    - Reading asks the members in the order of `routes(key)`, then the others. What one of them lacks or fails
      to give comes from the next; an object counts as missing only when every member has said so.
    - `list` names what lies in any member that is no replica, and raises when one of these does not answer:
      half a list would pass for a whole one.
    - `delete` deletes from the replicas first, and from what `list` names only when all of them have: what one
      of them kept goes on being listed, so that whoever deletes finds it again. Raises then.

    `strict` reads what has a route from the first store of it alone: a check must not be shown the replica.
    """

    def __init__(
        self,
        members: Sequence[Member],
        *,
        routes: Routes | None = None,
        strict: bool = False,
        on_trouble: Callable[[int, StoreError], None] | None = None,
    ) -> None:
        assert members, "a mirror without stores"
        self._members = {member.number: member for member in members}
        self._first = members[0].store
        self._routes, self._strict, self._on_trouble = routes, strict, on_trouble
        self._resting: dict[int, float] = {}  # until when (monotonic) a failed member is asked last

    def put_if_absent(self, key: str, data: Bytes) -> bool:
        return self._first.put_if_absent(key, data)

    def get(self, key: str) -> bytes:
        return self._read(key, lambda store: store.get(key))

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        return self._read(key, lambda store: store.get_range(key, offset, length))

    def size(self, key: str) -> int | None:
        try:
            return self._read(key, lambda store: _size(store, key))
        except ObjectMissing:
            return None

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        lists = [member.store.list(prefix) for member in self._members.values() if not member.replica]
        for _, same in groupby(merge(*lists, key=lambda found: found.key), key=lambda found: found.key):
            yield next(same)

    def delete(self, key: str) -> None:
        members = list(self._members.values())
        self._delete(key, [member for member in members if member.replica])
        self._delete(key, [member for member in members if not member.replica])
        # Once more: until the last one was gone, somebody may have copied it to where it was gone already.
        self._delete(key, members)

    def _delete(self, key: str, members: Sequence[Member]) -> None:
        trouble: StoreError | None = None
        for member in members:
            try:
                member.store.delete(key)
            except StoreError as error:
                trouble = trouble or error
        if trouble:
            raise trouble

    def locked_until(self, key: str) -> datetime | None:
        return self._read(key, lambda store: store.locked_until(key))

    def extend_lock(self, key: str, until: datetime) -> bool:
        """Extend it wherever the object lies and can be locked. Raises LockUnsupported when that is nowhere."""
        extended: list[bool] = []
        refused: StoreError | None = None
        for member in self._in_order(key):
            try:
                extended.append(member.store.extend_lock(key, until))
            except (ObjectMissing, LockUnsupported) as error:
                refused = refused if isinstance(refused, LockUnsupported) else error
        if not extended:
            raise refused or ObjectMissing(f"There is no object {key}.")
        return any(extended)

    def describe(self) -> StoreDescription:
        return self._first.describe()

    def copies(self, key: str) -> Sequence[ObjectStore]:
        """Return the members that may hold `key`, the likeliest first: for who finds the first copy damaged."""
        return [member.store for member in self._in_order(key)]

    def _read(self, key: str, read: Callable[[ObjectStore], T]) -> T:
        absent: StoreError | None = None
        trouble: StoreError | None = None
        for member in self._in_order(key):
            try:
                return read(member.store)
            except (ObjectMissing, ObjectTruncated) as error:
                absent = absent or error
            except StoreError as error:
                trouble = trouble or error
                self._note(member, error)
        raise trouble or absent or ObjectMissing(f"There is no object {key}.")

    def _in_order(self, key: str) -> Sequence[Member]:
        wanted = [number for number in (self._routes(key) if self._routes else ()) if number in self._members]
        if wanted and self._strict:
            return [self._members[wanted[0]]]
        numbers = dict.fromkeys([*wanted, *self._members])
        now = time.monotonic()
        return sorted(
            (self._members[number] for number in numbers),
            key=lambda member: self._resting.get(member.number, 0.0) > now,
        )

    def _note(self, member: Member, error: StoreError) -> None:
        if self._resting.get(member.number, 0.0) <= time.monotonic():
            log.warning("Store %s is left out for a while: %s", member.number, error)
            if self._on_trouble:
                self._on_trouble(member.number, error)
        self._resting[member.number] = time.monotonic() + REST_SECONDS


class OneObject:
    """Serves one object from memory and everything else from `store`: to look into it before it is stored."""

    def __init__(self, store: ObjectStore, key: str, data: bytes) -> None:
        self._store, self._key, self._data = store, key, data

    def get(self, key: str) -> bytes:
        return self._data if key == self._key else self._store.get(key)

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        if key != self._key:
            return self._store.get_range(key, offset, length)
        if offset + length > len(self._data):
            raise ObjectTruncated(f"{key} ends before byte {offset + length}.")
        return self._data[offset : offset + length]

    def size(self, key: str) -> int | None:
        return len(self._data) if key == self._key else self._store.size(key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def copies_of(store: ObjectStore, key: str) -> Sequence[ObjectStore]:
    """Return where to look for a whole copy of `key`, the likeliest first; `store` when it is no mirror."""
    return store.copies(key) if isinstance(store, MirrorStore) else [store]


def _size(store: ObjectStore, key: str) -> int:
    found = store.size(key)
    if found is None:
        raise ObjectMissing(f"There is no object {key}.")
    return found
