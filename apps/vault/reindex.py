"""Rows of packs and blobs made again from the packs themselves, after a loss of the database."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from .enums import PackState
from .errors import PackCorrupt
from .folders import vault_folder
from .leases import Maintenance
from .models import Pack, Shelf, VaultKey
from .services import open_vault
from .store.backends.base import ObjectStore
from .store.errors import ObjectMissing
from .store.inspect import list_packs, read_pack_index
from .store.pack import FoundPack
from .vaults import OpenVault

_BATCH: Final = 500


@dataclass(slots=True)
class Reindexed:
    """What was recorded anew, and the packs that cannot say what they hold: id in hexadecimal, and why."""

    packs: int = 0
    blobs: int = 0
    damaged: dict[str, str] = field(default_factory=dict)


def index_rebuild(account_id: int, lease: Maintenance, *, told: Callable[[int], object]) -> Reindexed:
    """Record what lies in the stores of an account and is not recorded, each pack with its blobs at once (V2).

    What is recorded already stays as it is, and packs on their way out stay barred (V14). `told` hears the
    number of packs after each. Runs in the account's scope, under the vault's lease (V15). Raises StoreError.
    """
    found = Reindexed()
    vault_row = VaultKey.objects.get(account_id=account_id)
    for shelf in Shelf.objects.filter(account_id=account_id).order_by("number").select_related("store"):
        vault = open_vault(account_id=account_id, shelf=shelf.number)
        folder = vault_folder(shelf.store, vault_row.public_id)
        for pack_id, size in _unrecorded(account_id, folder):
            lease.renew()
            _record(vault, folder, pack_id, size, found)
            told(found.packs)
    return found


def _unrecorded(account_id: int, folder: ObjectStore) -> Iterator[tuple[bytes, int]]:
    """Yield packs of a store that are nowhere in the rows, some hundred at a time looked up together."""
    batch: dict[bytes, int] = {}
    for pack_id, info in list_packs(folder):
        batch[pack_id] = info.size
        if len(batch) >= _BATCH:
            yield from _without_row(account_id, batch)
            batch = {}
    yield from _without_row(account_id, batch)


def _without_row(account_id: int, batch: dict[bytes, int]) -> list[tuple[bytes, int]]:
    known = _recorded(account_id, batch.keys())
    return [(pack_id, size) for pack_id, size in batch.items() if pack_id not in known]


def _recorded(account_id: int, pack_ids: Collection[bytes]) -> set[bytes]:
    rows = Pack.objects.filter(account_id=account_id, pack_id__in=list(pack_ids))
    packs = rows.exclude(state=PackState.ORPHAN)
    return {bytes(pack_id) for pack_id in packs.values_list("pack_id", flat=True)}


def _record(vault: OpenVault, folder: ObjectStore, pack_id: bytes, size: int, found: Reindexed) -> None:
    try:
        blobs = read_pack_index(folder, vault.keys, pack_id)
    except (PackCorrupt, ObjectMissing) as error:
        found.damaged[pack_id.hex()] = error.what
        return
    vault.index.record(FoundPack(pack_id, size, blobs))
    found.packs += 1
    found.blobs += len(blobs)
