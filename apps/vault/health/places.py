"""The stores of a vault one by one: a check must not take a replica's good answer for the first store's."""

from collections.abc import Mapping

from apps.core.scope import account_scope

from ..folders import vault_folder
from ..index import owned_connection
from ..models import Store, VaultKey
from ..store.backends.base import ObjectStore
from ..store.check import Claim, PackChecker, PackReport
from ..store.pack import Location
from ..vaults import OpenVault
from .rows import Rows


class Places:
    """Checks packs of an account, each in the store that its row names (`Claim.store_row`)."""

    def __init__(self, vault: OpenVault) -> None:
        self._vault = vault
        self._checkers: dict[int, PackChecker] = {}
        self._stores: dict[int, ObjectStore] = {}

    def check(self, claim: Claim, *, data: bool) -> PackReport:
        """Return what is wrong with a pack. Raises StoreError."""
        return self._checker(claim.store_row).check(claim, data=data)

    def load(self, store_row: int, pack_id: bytes, places: Mapping[bytes, Location]) -> dict[bytes, bytes]:
        """Return blobs of a pack as that store has them. Raises BlobError, StoreError."""
        return self._checker(store_row).load(pack_id, places)

    def store(self, store_row: int) -> ObjectStore:
        """Open the vault's folder in one store, which has proved its id. Raises StoreError."""
        if store_row not in self._stores:
            with owned_connection(), account_scope(self._vault.account_id):
                vault_id = VaultKey.objects.get().public_id
                self._stores[store_row] = vault_folder(Store.objects.get(pk=store_row), vault_id)
        return self._stores[store_row]

    def checker(self, store: ObjectStore) -> PackChecker:
        """Return who checks the packs that lie in `store`."""
        vault, rows = self._vault, Rows(self._vault.account_id)
        return PackChecker(vault.keys, store, vault.index, everything=vault.store, rows=rows.in_pack)

    def _checker(self, store_row: int) -> PackChecker:
        if store_row not in self._checkers:
            self._checkers[store_row] = self.checker(self.store(store_row))
        return self._checkers[store_row]
