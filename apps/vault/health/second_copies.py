"""Packs that hold more than rows place in them: second copies of blobs lie there (V3), or what gc forgot."""

from collections.abc import Callable, Iterator

from ..enums import PackState
from ..errors import PackCorrupt
from ..models import Pack
from ..store.backends.base import ObjectStore
from ..store.errors import ObjectMissing
from ..store.inspect import list_packs, read_pack_index
from ..store.pack import PackIndex
from ..vaults import OpenVault
from .rows import Rows


def lists_beyond_rows(
    vault: OpenVault, folder: ObjectStore, *, renew: Callable[[], None], shelf: int | None = None
) -> Iterator[PackIndex]:
    """Yield what such packs of one store say that they hold. Counts every place of the account once.

    With `shelf`: packs in use on that shelf; without, also those on their way out or never recorded: good to
    read from, not to place a blob in. Packs that cannot say it are left out. Raises StoreError.
    """
    placed = Rows(vault.account_id).per_pack()
    full, thin = set[bytes](), set[bytes]()
    stored = Pack.objects.filter(account_id=vault.account_id, state=PackState.STORED)
    for pk, pack_id, blobs, number in stored.values_list("pk", "pack_id", "blobs", "shelf").iterator():
        if placed.get(pk, 0) >= blobs:
            full.add(bytes(pack_id))
        elif number == shelf:
            thin.add(bytes(pack_id))
    for pack_id, _ in list_packs(folder):
        if pack_id in full or (shelf is not None and pack_id not in thin):
            continue
        renew()
        try:
            yield read_pack_index(folder, vault.keys, pack_id)
        except (PackCorrupt, ObjectMissing):
            continue
