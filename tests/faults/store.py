"""A store that fails as a script says. A test in which a scripted fault was not reached fails."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TypeVar

from apps.vault.store.backends.base import Bytes, ObjectInfo, ObjectStore, StoreDescription
from apps.vault.store.errors import StoreFull, StoreUnavailable

T = TypeVar("T")


class Killed(BaseException):
    """The process ended here: nothing after it runs, no handler for ordinary errors sees it."""


class Kind(Enum):
    FAIL = "answers with a passing fault, nothing is done"
    LOST = "does it, but the answer is lost"
    FULL = "has no space left"
    SLOW = "takes its time"
    TORN = "stores half of it, then the process ends"
    KILL_BEFORE = "the process ends before it"
    KILL_AFTER = "the process ends after it"


@dataclass
class Fault:
    """What happens at the `call`-th call (from 1) of `method`; "" counts the calls of all methods."""

    kind: Kind
    call: int
    method: str = ""
    reached: bool = field(default=False, init=False)


class FaultyStore:
    """Wraps a good store. Counts calls, so that a test can first learn how many there are."""

    def __init__(self, store: ObjectStore, faults: Sequence[Fault] = ()) -> None:
        self.store, self.faults = store, list(faults)
        self.calls: dict[str, int] = {}

    @property
    def total(self) -> int:
        return sum(self.calls.values())

    def put_if_absent(self, key: str, data: Bytes) -> bool:
        half = memoryview(data)[: len(data) // 2]
        return self._do(
            "put_if_absent",
            lambda: self.store.put_if_absent(key, data),
            lambda: self.store.put_if_absent(key, half),
        )

    def get(self, key: str) -> bytes:
        return self._do("get", lambda: self.store.get(key))

    def get_range(self, key: str, offset: int, length: int) -> bytes:
        return self._do("get_range", lambda: self.store.get_range(key, offset, length))

    def size(self, key: str) -> int | None:
        return self._do("size", lambda: self.store.size(key))

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        return self._do("list", lambda: self.store.list(prefix))

    def delete(self, key: str) -> None:
        self._do("delete", lambda: self.store.delete(key))

    def locked_until(self, key: str) -> datetime | None:
        return self._do("locked_until", lambda: self.store.locked_until(key))

    def extend_lock(self, key: str, until: datetime) -> bool:
        return self._do("extend_lock", lambda: self.store.extend_lock(key, until))

    def describe(self) -> StoreDescription:
        return self.store.describe()

    def _do(self, method: str, work: Callable[[], T], torn: Callable[[], object] | None = None) -> T:
        self.calls[method] = self.calls.get(method, 0) + 1
        fault = self._due(method)
        if fault is None:
            return work()
        fault.reached = True
        match fault.kind:
            case Kind.KILL_BEFORE:
                raise Killed(method)
            case Kind.TORN:
                assert torn is not None, f"{method} cannot be torn"
                torn()
                raise Killed(method)
            case Kind.FAIL:
                raise StoreUnavailable(f"scripted fault in {method}")
            case Kind.FULL:
                raise StoreFull("scripted: no space left")
            case Kind.SLOW:
                time.sleep(0.02)
        result = work()
        if fault.kind is Kind.KILL_AFTER:
            raise Killed(method)
        if fault.kind is Kind.LOST:
            raise StoreUnavailable(f"scripted: the answer of {method} got lost")
        return result

    def _due(self, method: str) -> Fault | None:
        for fault in self.faults:
            count = self.calls.get(fault.method, 0) if fault.method else self.total
            if fault.method in ("", method) and count == fault.call and not fault.reached:
                return fault
        return None


@contextmanager
def faulty(store: ObjectStore, *faults: Fault) -> Iterator[FaultyStore]:
    """Give a store with these faults; afterwards all of them must have been reached."""
    wrapped = FaultyStore(store, faults)
    yield wrapped
    unreached = [fault for fault in faults if not fault.reached]
    assert not unreached, f"scripted faults were never reached: {unreached}"
