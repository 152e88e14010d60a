"""An account's vault, opened: keys unwrapped, store checked."""

import os
from dataclasses import dataclass
from typing import Final

from .index import DatabaseIndex
from .store.backends.base import ObjectStore
from .store.journal import JournalFolder
from .store.keys import VaultKeys
from .store.reader import VaultReader
from .store.writer import VaultWriter

THREADS: Final = min(2, os.cpu_count() or 1)  # that compress for one run; the network is slower than two


@dataclass(frozen=True, slots=True)
class OpenVault:
    """What reading and writing need. Holds secrets: keep it no longer than the work.

    `store` reads from every store that holds something of the account (store/mirror.py when there are several)
    and writes to that of `shelf`, whose row is `store_row`.
    """

    account_id: int
    store_row: int
    shelf: int
    keys: VaultKeys
    store: ObjectStore

    @property
    def index(self) -> DatabaseIndex:
        return DatabaseIndex(self.account_id, self.store_row, self.shelf)

    def writer(self) -> VaultWriter:
        return VaultWriter(self.keys, self.store, self.index, threads=THREADS)

    def reader(self) -> VaultReader:
        return VaultReader(self.keys, self.store, self.index)

    def journals(self) -> JournalFolder:
        return JournalFolder(self.keys, self.store)
