"""From an address, with or without credentials, to a store."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from ..errors import StoreRefused
from .base import HOW_TO_ADDRESS, ObjectStore
from .credentials import checked_credentials
from .local import LocalStore
from .locks import Lock, LockMode


def open_store(
    url: str, *, credentials: Mapping[str, str] | None = None, lock: Lock | None = None
) -> ObjectStore:
    """Return the store at `url`, one of

        file:///absolute/folder
        s3://bucket/prefix          options endpoint, region, addressing (auto, path, virtual)
        azure://account/container/prefix        option endpoint
        gs://bucket/prefix                      option endpoint

    `endpoint` is the https address of another server than the provider's usual one. All but folders take the
    options `lock` (governance, compliance) with `lock_days`; the argument `lock` goes before them.

    With `credentials` (credentials.py) the store is a customer's: only they are used, never the operator's from
    the environment. Without, the operator's chain is asked. Always give a customer's, even if empty: None would
    let him reach whatever the operator can. Nothing is contacted yet. Raises StoreRefused, showing no secret.
    """
    given = None if credentials is None else tuple(sorted(credentials.items()))
    return _opened(url, given, lock)


@lru_cache(maxsize=32)
def _opened(url: str, given: tuple[tuple[str, str], ...] | None, lock: Lock | None) -> ObjectStore:
    address = _parsed(url)
    credentials = None if given is None else checked_credentials(address.scheme, dict(given))
    lock = lock or address.lock
    if address.scheme == "file":
        if lock:
            raise StoreRefused("A folder cannot protect backups against deletion.", do="Give no lock.")
        return LocalStore(Path(address.path))
    return _KINDS[address.scheme](address, credentials, lock)


# Imported only when needed: each of these libraries costs half a second that few starts want to pay.


def _s3(address: "Address", credentials: Mapping[str, str] | None, lock: Lock | None) -> ObjectStore:
    from .s3 import S3Store, s3_address  # noqa: PLC0415

    return S3Store(s3_address(address, credentials), lock=lock)


def _azure(address: "Address", credentials: Mapping[str, str] | None, lock: Lock | None) -> ObjectStore:
    from .azure import AzureStore, azure_address  # noqa: PLC0415

    return AzureStore(azure_address(address, credentials), lock=lock)


def _gs(address: "Address", credentials: Mapping[str, str] | None, lock: Lock | None) -> ObjectStore:
    from .gcs import GCSStore, gcs_address  # noqa: PLC0415

    return GCSStore(gcs_address(address, credentials), lock=lock)


_KINDS: Final = {"s3": _s3, "azure": _azure, "gs": _gs}
# Names become part of host names: nothing that could point elsewhere.
_NAMES: Final = {
    "s3": re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}"),
    "azure": re.compile(r"[a-z0-9]{3,24}"),
    "gs": re.compile(r"[a-z0-9][a-z0-9._-]{1,221}"),
}


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address. `options` are those that only its kind of store understands."""

    scheme: str
    host: str  # bucket or account
    path: str
    options: Mapping[str, str]
    lock: Lock | None


def _parsed(url: str) -> Address:
    parts = urlsplit(url)
    if parts.fragment:
        raise StoreRefused("The address of the store has a #: write it as %23.", do=HOW_TO_ADDRESS)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/") and not parts.query:
        return Address("file", "", unquote(parts.path), {}, None)
    if parts.scheme in _KINDS and _NAMES[parts.scheme].fullmatch(parts.netloc):
        lock = _lock(options.pop("lock", None), options.pop("lock_days", None))
        return Address(parts.scheme, parts.netloc, parts.path, options, lock)
    # Not shown: people put keys where they do not belong.
    raise StoreRefused("The address of the store is not one.", do=HOW_TO_ADDRESS)


def _lock(mode: str | None, days: str | None) -> Lock | None:
    if mode is None and days is None:
        return None
    try:
        return Lock(LockMode(mode or ""), int(days or ""))
    except ValueError:
        raise StoreRefused(
            "The store's lock makes no sense.", do="Use lock=governance or lock=compliance with lock_days=30."
        ) from None


# A child process must not speak on its parent's connections.
os.register_at_fork(after_in_child=_opened.cache_clear)
