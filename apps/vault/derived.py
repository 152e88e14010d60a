"""Objects beside an account's backups that are made from them and can be made again: the index of search.

They lie in the store of the account's default shelf, below `search/`, sealed by who makes them under a key of
the account, which is gone once its keys are shredded. No row of the vault names them, no check looks for them,
no replica has them, a move leaves them behind: who made them makes them again where they are missing.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .ownership import store_own
from .services import open_vault
from .store.backends.base import Bytes, ObjectStore
from .store.errors import ObjectLocked
from .store.keys import SEARCH

_INFO: Final = b"everkeep search index"


@dataclass(frozen=True, slots=True)
class DerivedFolder:
    """What an account's index is kept in. Holds a secret: keep it no longer than the work."""

    account_id: int
    store_row: int
    key: bytes = field(repr=False)
    _store: ObjectStore = field(repr=False)
    _pulse: Callable[[], None] = field(repr=False)

    def put(self, name: str, data: Bytes) -> None:
        """Make an object durable under a name that was never used before. Raises StoreError."""
        self._pulse()
        self._store.put_if_absent(SEARCH + name, data)

    def get(self, name: str) -> bytes:
        """Return an object's bytes. Raises ObjectMissing, StoreError."""
        self._pulse()
        return self._store.get(SEARCH + name)

    def names(self) -> Iterator[str]:
        """Yield the names of all objects. Raises StoreError."""
        for found in self._store.list(SEARCH):
            yield found.key.removeprefix(SEARCH)

    def remove(self, name: str) -> None:
        """Delete an object; one that a bucket's own lock holds stays for now. Raises StoreError."""
        self._pulse()
        with suppress(ObjectLocked):
            self._store.delete(SEARCH + name)


def open_derived(
    account_id: int, *, write: bool = False, pulse: Callable[[], None] = lambda: None
) -> DerivedFolder:
    """Open the folder of an account's index. Raises VaultError; VaultTaken too where it is written (V20).

    `pulse` is called before each object is touched: who writes under a lease keeps it, or learns
    that it is gone.
    """
    vault = open_vault(account_id=account_id)
    if write:
        store_own(account_id=account_id, store_row=vault.store_row)
    key = HKDF(SHA256(), 32, None, _INFO).derive(vault.keys.data_key)
    return DerivedFolder(account_id, vault.store_row, key, vault.store, pulse)
