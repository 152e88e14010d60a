"""What all clouds have in common: write once, try again, look after every lock. Subclasses speak to one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TypeVar

from ..errors import (
    ObjectConflict,
    ObjectLocked,
    ObjectMissing,
    ObjectTruncated,
    StoreRefused,
    StoreUnavailable,
)
from .base import Bytes, ObjectInfo, StoreDescription, checked_key, checked_prefix
from .locks import LOCK_SLACK, BucketLocks, Lock, cannot_lock, holds_data
from .retry import Retry

T = TypeVar("T")


class Taken(Exception):
    """The name is in use."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a store says of an object. `version` is "" where there are no versions."""

    size: int
    locked_until: datetime | None = None  # may be past
    version: str = ""


class RemoteStore(ABC):
    """Objects of one bucket (or container) below one prefix. The duties are those of base.ObjectStore.

    The methods with `_once` ask the server once and raise the vault's errors; here they are tried again.
    """

    kind: str  # StoreDescription.kind

    def __init__(self, bucket: str, prefix: str, retry: Retry | None, lock: Lock | None) -> None:
        self.bucket, self.prefix = bucket, checked_prefix(prefix)
        self._retry, self._lock = retry or Retry(), lock

    # What a subclass says to its server.

    @abstractmethod
    def _head_once(self, key: str) -> Head | None:
        """Return what the server says of an object, None when it is not there."""

    @abstractmethod
    def _write_once(self, key: str, view: memoryview) -> None:
        """Write an object that should not be there, with its lock. Raises Taken.

        What an outage stops may be kept and gone on with by the next call.
        """

    @abstractmethod
    def _read_once(self, key: str) -> bytes:
        """Return the whole object, compared with the checksum that the server has of it."""

    @abstractmethod
    def _read_range_once(self, key: str, offset: int, length: int) -> bytes:
        """Return at most `length` bytes."""

    @abstractmethod
    def _pages(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield objects in order by their full name."""

    @abstractmethod
    def _delete_once(self, key: str, version: str) -> None:
        """Remove this version of an object, so that nothing of it is left."""

    @abstractmethod
    def _lock_once(self, key: str, lock: Lock, until: datetime) -> None:
        """Prolong an object's lock."""

    @abstractmethod
    def _bucket_locks_once(self) -> BucketLocks:
        """Return what the bucket says of locks."""

    @abstractmethod
    def _place(self) -> str:
        """Return the server that is asked, "" for the usual one."""

    # What every store owes.

    def put_if_absent(self, key: str, data: Bytes) -> bool:
        checked_key(key)
        view = memoryview(data)
        written = self._retry.call(lambda: self._put_once(key, view))
        if self._lock is not None and holds_data(key):
            self._ensure_lock(key, self._lock.until() - LOCK_SLACK)
        return written

    def get(self, key: str) -> bytes:
        checked_key(key)
        return self._retry.call(lambda: self._read_once(key))

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        checked_key(key)
        data = self._retry.call(lambda: self._read_range_once(key, offset, length))
        if len(data) != length:
            raise ObjectTruncated(f"{key} ends before byte {offset + length}.")
        return data

    def size(self, key: str) -> int | None:
        found = self._head(key)
        return None if found is None else found.size

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        skip = len(self.prefix)
        # Some servers say a name twice: rclone's does when several writes made its folder at once.
        found = self._pages(self.prefix + checked_prefix(prefix))
        for key, same in groupby(found, key=lambda each: each.key):
            yield ObjectInfo(key[skip:], next(same).size)

    def delete(self, key: str) -> None:
        """Where a bucket keeps versions, all of the object's go: a deleted key envelope must be gone."""
        deleted: set[str] = set()
        while (found := self._head(key)) is not None and found.version not in deleted:
            if (until := _still(found)) is not None:
                raise ObjectLocked(f"{key} is protected until {until:%Y-%m-%d %H:%M} UTC.", item=key)
            self.delete_version(key, found.version)
            deleted.add(found.version)

    def locked_until(self, key: str) -> datetime | None:
        found = self._head(key)
        if found is None:
            raise ObjectMissing(f"There is no object {key}.")
        return _still(found)

    def extend_lock(self, key: str, until: datetime) -> bool:
        lock = self._lock
        if lock is None:
            raise cannot_lock("This store is set up without a lock, so it")
        if self._is_locked(key, until):
            return False
        self._retry.call(lambda: self._lock_once(key, lock, until))
        return True

    def describe(self) -> StoreDescription:
        server, place = self._place(), f"{self.bucket}/{self.prefix}".rstrip("/")
        return StoreDescription(
            kind=self.kind, place=f"{place} at {server}" if server else place, lock=self._lock, can_lock=True
        )

    # For store/probe.py and s3_versions.py.

    def delete_version(self, key: str, version: str) -> None:
        """Remove one version, whatever we know of its lock. Raises ObjectLocked, StoreRefused."""
        checked_key(key)
        self._retry.call(lambda: self._delete_once(key, version))

    def bucket_locks(self) -> BucketLocks:
        """Ask the bucket whether it can lock, and what it locks by itself. Raises StoreError."""
        return self._retry.call(self._bucket_locks_once)

    def refuses_deletion(self, key: str) -> bool:
        """Ask the server itself to delete an object that should be locked. True when it did not."""
        found = self._head(key)
        if found is None:
            raise ObjectMissing(f"There is no object {key}.")
        try:
            self.delete_version(key, found.version)
        except (ObjectLocked, StoreRefused):
            return True
        return self._head(key) is not None

    # Shared steps.

    def _head(self, key: str) -> Head | None:
        checked_key(key)
        return self._retry.call(lambda: self._head_once(key))

    def _put_once(self, key: str, view: memoryview) -> bool:
        if self._is_there(key, len(view)):
            return False
        try:
            self._write_once(key, view)
        except Taken:
            # Somebody was first; most likely we ourselves, by a try whose answer got lost.
            if not self._is_there(key, len(view)):
                raise StoreUnavailable(f"{key} was reported as taken, but is not there.") from None
            return False
        return True

    def _is_there(self, key: str, size: int) -> bool:
        found = self._head_once(key)
        if found is not None and found.size != size:
            raise ObjectConflict(f"{key} exists with {found.size} bytes instead of {size}.")
        return found is not None

    def _new_lock(self, key: str) -> tuple[Lock, datetime] | None:
        """Return what makes a new object immutable from its first moment on."""
        return (self._lock, self._lock.until()) if self._lock is not None and holds_data(key) else None

    def _ensure_lock(self, key: str, until: datetime) -> None:
        """Trust no server with it: some ignore the lock of an upload in parts, some ignore all locks."""
        if self.extend_lock(key, until) and not self._is_locked(key, until):
            raise cannot_lock(f"{self.bucket} accepts locks and forgets them: it")

    def _is_locked(self, key: str, until: datetime) -> bool:
        held = self.locked_until(key)
        return held is not None and held >= until


def read_twice(read: Callable[[], tuple[bytes, bool]]) -> bytes:
    """Return what `read` gives, once more when its checksum is wrong: damage on the way passes.

    What is damaged in the store itself is handed out: the vault's own authentication says which blobs it hit.
    """
    data, good = read()
    return data if good else read()[0]


def _still(head: Head) -> datetime | None:
    until = head.locked_until
    return until if until is not None and until > datetime.now(UTC) else None
