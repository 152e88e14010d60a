"""One folder of a store, as a store of its own: an account's vault inside the operator's bucket."""

from collections.abc import Iterator
from datetime import datetime

from .base import Bytes, ObjectInfo, ObjectStore, StoreDescription, checked_key, checked_prefix


class PrefixedStore:
    """Forwards to `store` with `prefix` ("name/") before each key."""

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        self._store, self._prefix = store, checked_prefix(prefix)

    @property
    def place(self) -> tuple[ObjectStore, str]:
        """The store around, and the folder in it."""
        return self._store, self._prefix

    def put_if_absent(self, key: str, data: Bytes) -> bool:
        return self._store.put_if_absent(self._prefix + checked_key(key), data)

    def get(self, key: str) -> bytes:
        return self._store.get(self._prefix + checked_key(key))

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        return self._store.get_range(self._prefix + checked_key(key), offset, length)

    def size(self, key: str) -> int | None:
        return self._store.size(self._prefix + checked_key(key))

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        for found in self._store.list(self._prefix + checked_prefix(prefix)):
            yield ObjectInfo(found.key[len(self._prefix) :], found.size)

    def delete(self, key: str) -> None:
        self._store.delete(self._prefix + checked_key(key))

    def locked_until(self, key: str) -> datetime | None:
        return self._store.locked_until(self._prefix + checked_key(key))

    def extend_lock(self, key: str, until: datetime) -> bool:
        return self._store.extend_lock(self._prefix + checked_key(key), until)

    def describe(self) -> StoreDescription:
        return self._store.describe()
