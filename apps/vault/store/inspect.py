"""Reading packs without the database: what is there, and what each says that it holds."""

from collections.abc import Iterator
from typing import Final

from .backends.base import ObjectInfo, ObjectStore
from .errors import ObjectMissing, ObjectTruncated, PackCorrupt
from .keys import VaultKeys
from .pack import HEADER, PACK_ID_BYTES, TRAILER, PackIndex, pack_key, parse_header, parse_index, parse_trailer

PACKS: Final = "packs/"


def list_packs(store: ObjectStore) -> Iterator[tuple[bytes, ObjectInfo]]:
    """Yield the id and the object of each pack of a vault, leaving out what no writer would name so."""
    for found in store.list(PACKS):
        try:
            pack_id = bytes.fromhex(found.key.rpartition("/")[2])
        except ValueError:
            continue
        if len(pack_id) == PACK_ID_BYTES and found.key == pack_key(pack_id):
            yield pack_id, found


def read_pack_index(store: ObjectStore, keys: VaultKeys, pack_id: bytes) -> PackIndex:
    """Return what a pack says that it holds, authenticated. Three small requests, memory about its index.

    Raises PackCorrupt (damaged, cut, foreign, or another pack under this name), ObjectMissing, StoreError.
    """
    key = pack_key(pack_id)
    size = store.size(key)
    if size is None:
        raise ObjectMissing(f"There is no object {key}.")
    if size < HEADER.size + TRAILER.size:
        raise PackCorrupt(f"Pack {pack_id.hex()} is cut short.")
    try:
        header = store.get_range(key, 0, HEADER.size)
        if parse_header(header)[0] != pack_id:
            raise PackCorrupt(f"Under the name of pack {pack_id.hex()} lies another one.")
        trailer = store.get_range(key, size - TRAILER.size, TRAILER.size)
        outline = parse_trailer(trailer, size)
        sealed = store.get_range(key, outline.index_offset, outline.index_length)
    except ObjectTruncated as error:
        raise PackCorrupt(f"Pack {pack_id.hex()} is cut short.") from error
    return parse_index(keys, header, sealed, trailer, size)
