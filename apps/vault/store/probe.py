"""Trying a store out before backups are trusted to it: each thing that the vault will ask of it, once."""

import contextlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Final

from .backends.base import ObjectStore
from .backends.locks import cannot_lock
from .backends.remote import RemoteStore
from .errors import ObjectLocked, StoreError

FOLDER: Final = "everkeep-probe/"
log = logging.getLogger(__name__)
_BYTES: Final = 70_000
_MOST_LISTED: Final = 1_000  # of its own objects: a server may name others without end
_LOCKED_FOR: Final = timedelta(minutes=2)  # more than the clocks of two machines differ


class Outcome(StrEnum):
    """How a step went."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"  # a step before it failed
    NOTED = "noted"  # nothing is wrong; something is worth knowing


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One step: `name` is stable, `label`, `what` and `do` are a person's words."""

    name: str
    label: str
    outcome: Outcome
    what: str = ""
    do: str = ""

    @property
    def failed(self) -> bool:
        return self.outcome is Outcome.FAILED


class _Noted(Exception):
    """Nothing is wrong, but this should be known."""

    def __init__(self, what: str, do: str) -> None:
        super().__init__(what)
        self.what, self.do = what, do


def probe(store: ObjectStore) -> list[ProbeResult]:
    """Write, read, range, list, delete, lock: return how each went. Never raises for what the store does.

    Writes one small object and removes it. Where the store locks, a second one stays for about two minutes, as
    it must; the next probe removes it. A store that will hold backups must have no FAILED among the results.
    """
    key, data = f"{FOLDER}{secrets.token_hex(8)}", secrets.token_bytes(_BYTES)
    results = [_step("write", "Write an object", lambda: _write(store, key, data))]
    steps: list[tuple[str, str, Callable[[], str]]] = [
        ("read", "Read it back", lambda: _same(store.get(key), data)),
        ("range", "Read a part of it", lambda: _same(store.get_range(key, 1_000, 9_000), data[1_000:10_000])),
        ("list", "List objects", lambda: _list(store, key)),
        ("delete", "Delete it", lambda: _delete(store, key)),
        ("lock", "Protect it against deletion", lambda: _lock(store)),
    ]
    for name, label, work in steps:
        # Without the object nothing can be learned, and without deletion nothing about its prevention.
        blocked = results[0].failed or (name == "lock" and results[-1].failed)
        results.append(ProbeResult(name, label, Outcome.SKIPPED) if blocked else _step(name, label, work))
    return results


def _step(name: str, label: str, work: Callable[[], str]) -> ProbeResult:
    try:
        return ProbeResult(name, label, Outcome.PASSED, work())
    except _Noted as note:
        return ProbeResult(name, label, Outcome.NOTED, note.what, note.do)
    except StoreError as error:
        return ProbeResult(name, label, Outcome.FAILED, error.what, error.do)
    except Exception as error:
        # What answers may be anything, and break a provider's library anywhere: that is a result, too.
        log.exception("The probe's step %s failed in an unknown way.", name)
        what = f"The server's answer makes no sense ({type(error).__name__})."
        return ProbeResult(name, label, Outcome.FAILED, what, "Check the store's address.")


def _wrong(what: str) -> StoreError:
    return StoreError(what, do="This server does not do what it says: use another.")


def _write(store: ObjectStore, key: str, data: bytes) -> str:
    if not store.put_if_absent(key, data):
        raise _wrong("An object that was never written is said to be there.")
    if store.put_if_absent(key, data):
        raise _wrong("An object that is there was written once more.")
    return ""


def _same(found: bytes, expected: bytes) -> str:
    if found != expected:
        raise _wrong("What comes back is not what was written.")
    return ""


def _list(store: ObjectStore, key: str) -> str:
    if not any(found.key == key for found in islice(store.list(FOLDER), _MOST_LISTED)):
        raise _wrong("The list does not show what is there.")
    return ""


def _delete(store: ObjectStore, key: str) -> str:
    """Delete the probe's object, and those that earlier probes had to leave locked."""
    try:
        store.delete(key)
    except ObjectLocked as error:
        raise _Noted(
            f"The bucket locks every object by itself, key envelopes among them ({error.what})",
            "Better remove the bucket's default: Everkeep locks packs itself, and old keys must be deletable.",
        ) from error
    if store.size(key) is not None:
        raise _wrong("What was deleted is still there.")
    for found in list(islice(store.list(FOLDER), _MOST_LISTED)):
        with contextlib.suppress(ObjectLocked):
            store.delete(found.key)
    return ""


def _lock(store: ObjectStore) -> str:
    about = store.describe()
    if about.lock is None or not isinstance(store, RemoteStore):
        raise _Noted(
            "Backups here are not immutable: whoever holds its credentials can delete them.",
            "Add a lock to this store." if about.can_lock else "",
        )
    bucket = store.bucket_locks()
    if bucket.possible is False:
        raise cannot_lock(f"The bucket {store.bucket}")
    key = f"{FOLDER}locked-{secrets.token_hex(8)}"
    store.put_if_absent(key, b"Everkeep tried whether this can be deleted.")
    store.extend_lock(key, datetime.now(UTC) + _LOCKED_FOR)
    if store.locked_until(key) is None or not store.refuses_deletion(key):
        raise cannot_lock(f"The bucket {store.bucket} accepts locks and does not enforce them: it")
    by_itself = f" The bucket's own default: {bucket.default}." if bucket.default else ""
    return f"Packs and journals are kept at least {about.lock.days} days ({about.lock.mode}).{by_itself}"
