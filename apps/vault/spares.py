"""Blobs that lie in several packs of a shelf: after a rebuild the row names a copy that was read and is whole.

In doubt only: a blob that lies once is what it is, and a check finds it. One that lies twice is read where its
row places it; when it is not whole there and is in another pack, the row changes to that one.
"""

from collections.abc import Collection, Iterator
from typing import Final

from .errors import BlobError
from .health.places import Places
from .health.rows import Rows
from .health.second_copies import lists_beyond_rows
from .leases import Maintenance
from .models import BlobLocation, Pack
from .store.backends.base import ObjectStore
from .store.pack import Location
from .vaults import OpenVault

AT_ONCE: Final = 256
Copies = list[tuple[bytes, Location]]


def spare_copies(vault: OpenVault, folder: ObjectStore, lease: Maintenance) -> Copies:
    """Return the blobs in packs of the vault's shelf that a row of the shelf places in another pack.

    Raises StoreError, VaultBusy.
    """
    found: Copies = []
    for pack in lists_beyond_rows(vault, folder, renew=lease.renew, shelf=vault.shelf):
        listed = dict(pack)
        own = Pack.objects.filter(account_id=vault.account_id, pack_id=pack[0][1].pack_id) if pack else ()
        for some in _batches(listed):
            rows = BlobLocation.objects.filter(account_id=vault.account_id, shelf=vault.shelf, blob_id__in=some)
            elsewhere = rows.exclude(pack_row__in=[each.pk for each in own])
            found += [(bytes(id_), listed[bytes(id_)]) for id_ in elsewhere.values_list("blob_id", flat=True)]
    return found


def prefer_whole(vault: OpenVault, lease: Maintenance, spares: Copies) -> int:
    """Let rows name a whole copy where theirs is not; returns how many. Raises StoreError, VaultBusy."""
    places, changed = Places(vault), 0
    by_id: dict[bytes, Copies] = {}
    for blob_id, at in spares:
        by_id.setdefault(blob_id, []).append((blob_id, at))
    for some in _batches(by_id):
        lease.renew()
        for blob_id, now in list(_bad(vault, places, some)):
            good = next((at for _, at in by_id[blob_id] if at != now and _reads(places, blob_id, at)), None)
            if good is not None:
                _change(vault, lease, blob_id, good)
                changed += 1
    return changed


def _bad(vault: OpenVault, places: Places, blob_ids: Collection[bytes]) -> Iterator[tuple[bytes, Location]]:
    """Yield the blobs that do not read where the rows of this shelf place them."""
    found = Rows(vault.account_id).places(blob_ids)
    here = Pack.objects.filter(shelf=vault.shelf, pack_id__in={at.pack_id for _, at in found})
    stores = {bytes(pack_id): store for pack_id, store in here.values_list("pack_id", "store_id")}
    by_pack: dict[bytes, dict[bytes, Location]] = {}
    for blob_id, at in found:
        if at.pack_id in stores:
            by_pack.setdefault(at.pack_id, {})[blob_id] = at
    for pack_id, wanted in by_pack.items():
        try:
            places.load(stores[pack_id], pack_id, wanted)
        except BlobError:
            yield from ((blob_id, at) for blob_id, at in wanted.items() if not _reads(places, blob_id, at))


def _reads(places: Places, blob_id: bytes, at: Location) -> bool:
    store = Pack.objects.filter(pack_id=at.pack_id).values_list("store_id", flat=True).first()
    try:
        return store is not None and bool(places.load(store, at.pack_id, {blob_id: at}))
    except BlobError:
        return False


def _change(vault: OpenVault, lease: Maintenance, blob_id: bytes, at: Location) -> None:
    with lease.guard():
        row = Pack.objects.get(pack_id=at.pack_id)
        BlobLocation.objects.filter(account_id=vault.account_id, shelf=vault.shelf, blob_id=blob_id).update(
            pack_row=row.pk,
            position=at.offset,
            stored_length=at.stored_length,
            raw_length=at.raw_length,
            codec=at.codec,
        )


def _batches(blob_ids: Collection[bytes]) -> Iterator[list[bytes]]:
    wanted = sorted(blob_ids)
    return (wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE))
