"""Rows of packs and blobs made again from the packs themselves, after a loss of the database."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from .enums import PackState
from .errors import PackCorrupt
from .folders import vault_folder
from .leases import Maintenance
from .models import BlobLocation, Pack, Shelf, VaultKey
from .services import open_vault
from .spares import prefer_whole, spare_copies
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
    bettered: int = 0  # blobs whose first copy was not whole and another one was
    damaged: dict[str, str] = field(default_factory=dict)


def index_rebuild(account_id: int, lease: Maintenance, *, told: Callable[[int], object]) -> Reindexed:
    """Record what lies in the stores of an account and is not recorded, each pack with its blobs at once (V2).

    What is recorded already stays as it is, unless its pack is not in the store any more; packs on their way
    out stay barred (V14). `told` hears the number of packs after each. Runs in the account's scope, under the
    vault's lease (V15). Raises StoreError.
    """
    found = Reindexed()
    vault_row = VaultKey.objects.get(account_id=account_id)
    for shelf in Shelf.objects.filter(account_id=account_id).order_by("number").select_related("store"):
        vault = open_vault(account_id=account_id, shelf=shelf.number)
        folder = vault_folder(shelf.store, vault_row.public_id)
        gone = _gone(shelf, {pack_id for pack_id, _ in list_packs(folder)})
        for pack_id, size in _unrecorded(account_id, folder):
            lease.renew()
            if (pack := _read(vault, folder, pack_id, size, found)) is None:
                continue
            with lease.guard():
                # V3: a place in a pack that is gone must not keep out one that can be read.
                _take_places(account_id, gone, [blob_id for blob_id, _ in pack.blobs])
                vault.index.record(pack)
            found.packs += 1
            found.blobs += len(pack.blobs)
            told(found.packs)
        # When all dictionaries are recorded: without them a good blob would not read. Found anew each time: a
        # rebuild that was killed before this leaves nothing unrecorded, and rows that may name the bad copy.
        found.bettered += prefer_whole(vault, lease, spare_copies(vault, folder, lease))
    return found


def _gone(shelf: Shelf, listed: Collection[bytes]) -> list[int]:
    """Return the rows of packs that should be in a shelf's store and are not.

    An old dump of the database names packs that garbage collection has emptied and deleted since.
    """
    packs = Pack.objects.filter(shelf=shelf.number, store=shelf.store, state=PackState.STORED)
    return [pk for pk, pack_id in packs.values_list("pk", "pack_id").iterator() if bytes(pack_id) not in listed]


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


def _read(
    vault: OpenVault, folder: ObjectStore, pack_id: bytes, size: int, found: Reindexed
) -> FoundPack | None:
    try:
        return FoundPack(pack_id, size, read_pack_index(folder, vault.keys, pack_id))
    except (PackCorrupt, ObjectMissing) as error:
        found.damaged[pack_id.hex()] = error.what
        return None


def _take_places(account_id: int, packs: Sequence[int], blob_ids: Sequence[bytes]) -> None:
    """Delete the places of blobs in these packs (ids of rows), in the caller's transaction."""
    for start in range(0, len(blob_ids) if packs else 0, _BATCH):
        places = BlobLocation.objects.filter(
            account_id=account_id, blob_id__in=blob_ids[start : start + _BATCH]
        )
        doomed = set(places.values_list("pack_row", flat=True)) & set(packs)
        places.filter(pack_row__in=doomed).delete()
