"""What a place for packs must be able to do, and what it owes. One test suite runs on each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from ..errors import KeyRefused
from .locks import Lock

Bytes = bytes | bytearray | memoryview
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_MAX_KEY: Final = 512
HOW_TO_ADDRESS: Final = (
    "Use file:///folder, s3://bucket/prefix?endpoint=...&region=...&addressing=path, "
    "azure://account/container/prefix or gs://bucket/prefix."
)


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """Name and size of one object."""

    key: str
    size: int


@dataclass(frozen=True, slots=True)
class StoreDescription:
    """What a store is, in a person's words: for pages and reports. Nothing is contacted for it."""

    kind: str  # "Folder", "Amazon S3", "S3-compatible", "Azure Blob Storage", "Google Cloud Storage"
    place: str  # "/srv/vault", "bucket/prefix at host"
    lock: (
        Lock | None
    )  # what packs and journals get when they are written; None: they can be deleted at any time
    can_lock: bool  # whether this kind of store knows locks at all (the bucket may still not: store/probe.py)


class ObjectStore(Protocol):
    """A flat space of write-once objects.

    Duties of each store: it tries again by itself when a fault may pass, and raises StoreUnavailable when it
    does not; other refusals are StoreRefused or StoreFull. It may be used from several threads at once.
    Keys are as `checked_key` allows; others raise KeyRefused.
    """

    def put_if_absent(self, key: str, data: Bytes) -> bool:
        """Make `data` durable under `key`. True when written now, False when it was there.

        On return the object survives a power cut and `get` sees all of it; before, `get` sees nothing or all,
        never a part. A repeated call with the same data is harmless. An object of another size under that
        name raises ObjectConflict and stays as it is. Damage on the way is noticed and raises.
        """

    def get(self, key: str) -> bytes:
        """Return the whole object. Raises ObjectMissing."""

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        """Return exactly `length` (> 0) bytes. Raises ObjectMissing, ObjectTruncated."""

    def size(self, key: str) -> int | None:
        """Return the object's size, None when there is none."""

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield all objects whose key starts with `prefix` (a folder with its last "/", or ""), sorted by key.

        Remains of interrupted writes are never among them.
        """

    def delete(self, key: str) -> None:
        """Remove the object; no error when there is none. Raises ObjectLocked while a lock holds it."""

    def locked_until(self, key: str) -> datetime | None:
        """Return the moment (aware) until which the object cannot be deleted, None when it can now.

        Raises ObjectMissing.
        """

    def extend_lock(self, key: str, until: datetime) -> bool:
        """Keep the object at least until then. False when it is already; a lock is never shortened.

        Raises ObjectMissing, LockUnsupported (also where `describe().lock` is None).
        """

    def describe(self) -> StoreDescription:
        """Say what this store is and what it can do."""


def checked_key(key: str) -> str:
    """Return `key` when each of its segments is harmless on every store. Raises KeyRefused."""
    if len(key) > _MAX_KEY or not all(_SEGMENT.fullmatch(segment) for segment in key.split("/")):
        raise KeyRefused(f"{key!r} is not a name that the vault uses.")
    return key


def checked_prefix(prefix: str) -> str:
    """Return `prefix` when it is "" or a folder that ends in "/". Raises KeyRefused."""
    if prefix and not prefix.endswith("/"):
        raise KeyRefused(f"{prefix!r} is not a folder: it must end in '/'.")
    return f"{checked_key(prefix[:-1])}/" if prefix else prefix
