"""Which stores hold an account's vault, and how they are read as one."""

import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from apps.core.scope import account_scope

from .enums import PackState
from .errors import StoreRefused
from .index import owned_connection
from .models import Pack, PackCopy, Shelf, Store, VaultKey
from .store.backends.base import ObjectStore
from .store.backends.prefixed import PrefixedStore
from .store.mirror import LateStore, Member, MirrorStore
from .stores import note_trouble, open_recorded

REMEMBERED: Final = 4096  # packs whose stores are known without asking: about 1 MB
_PACKS: Final = "packs/"


def vault_folder(store: Store, vault_id: uuid.UUID) -> PrefixedStore:
    """Open the folder of a vault in one store, which has proved its id. Raises StoreError."""
    return PrefixedStore(open_recorded(store), f"{vault_id.hex}/")


@dataclass(frozen=True, slots=True)
class Folders:
    """The stores of an account: `home` is written to, `others` are read, `replicas` are read last."""

    vault_id: uuid.UUID
    home: Store
    others: Sequence[Store]
    replicas: Sequence[Store]

    @classmethod
    def of(cls, vault: VaultKey, shelf: int = 0) -> "Folders":
        """Read the rows of a vault's account. Raises StoreRefused when there is no such shelf."""
        own = Shelf.objects.filter(account_id=vault.account_id)
        shelves = list(own.select_related("store", "replica").prefetch_related("former"))
        home = next((each.store for each in shelves if each.number == shelf), None)
        if home is None:
            raise StoreRefused(
                f"Shelf {shelf} of the vault is gone.", do="Choose a store in the settings of the task."
            )
        stores = {each.store_id: each.store for each in shelves}
        former = {store.pk: store for each in shelves for store in each.former.all()}
        # Where only copies are left, a store that is away must not stop what wants a whole list.
        packs = Pack.objects.filter(account_id=vault.account_id, shelf__in=[each.number for each in shelves])
        still = packs.filter(store__in=former).exclude(state=PackState.DELETED)
        holding = set(still.values_list("store_id", flat=True).distinct()) if former else set()
        stores |= {pk: store for pk, store in former.items() if pk in holding}
        replicas = former | {each.replica.pk: each.replica for each in shelves if each.replica}
        return cls(
            vault.public_id,
            home,
            [store for pk, store in stores.items() if pk != home.pk],
            [store for pk, store in replicas.items() if pk not in stores],
        )

    @property
    def store_row(self) -> int:
        return self.home.pk

    @property
    def stores(self) -> list[Store]:
        """All of them, the one that is written to first."""
        return [self.home, *self.others, *self.replicas]

    def open(self, account_id: int, *, strict: bool = False) -> ObjectStore:
        """Open all of them as one store. Raises StoreError when the only one is not there."""
        if not self.others and not self.replicas:
            return vault_folder(self.home, self.vault_id)
        members = [self._member(store) for store in (self.home, *self.others)]
        members += [self._member(store, replica=True) for store in self.replicas]
        return MirrorStore(members, routes=PackRoutes(account_id), strict=strict, on_trouble=note_trouble)

    def _member(self, store: Store, *, replica: bool = False) -> Member:
        return Member(store.pk, LateStore(partial(vault_folder, store, self.vault_id)), replica)


class PackRoutes:
    """Tells from a pack's object name which stores hold it, its own first. Remembers a few thousand packs."""

    def __init__(self, account_id: int) -> None:
        self._account_id = account_id
        self._known: OrderedDict[str, tuple[int, ...]] = OrderedDict()

    def __call__(self, key: str) -> Sequence[int]:
        if not key.startswith(_PACKS):
            return ()
        if key not in self._known:
            self._known[key] = self._ask(key)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return self._known[key]

    def _ask(self, key: str) -> tuple[int, ...]:
        pack_id = bytes.fromhex(key.rpartition("/")[2])
        with owned_connection(), account_scope(self._account_id):
            first = Pack.objects.filter(pack_id=pack_id).values_list("store_id", flat=True)
            copies = PackCopy.objects.filter(pack__pack_id=pack_id).order_by("state", "pk")
            return (*first, *copies.values_list("store_id", flat=True))
