"""A dictionary that lies twice and is damaged once is made anew from its other copy (V18)."""

from collections.abc import Iterator
from dataclasses import replace

from ..errors import BlobError, Corrupt
from ..models import Pack
from ..services import open_vault
from ..store.codec import Compressor
from ..store.dictionary import FIRST_COPY, number_of, parse_dictionary
from ..store.keys import VaultKeys
from ..store.pack import Kind, Location, PackBuilder, SealedPack, pack_key
from ..vaults import OpenVault


def remade(vault: OpenVault, blob_id: bytes, place: Location) -> tuple[OpenVault, SealedPack] | None:
    """Store a dictionary's copy anew on its shelf, in a pack of its own; the caller records it (V1).

    None when no other copy can be read. Raises StoreError.
    """
    plaintext = next(_plaintexts(vault, blob_id), None)
    if plaintext is None:
        return None
    shelf = Pack.objects.values_list("shelf", flat=True).get(pack_id=place.pack_id)
    home = open_vault(account_id=vault.account_id, shelf=shelf)
    builder = PackBuilder(vault.keys)
    codec, packed = Compressor().pack(plaintext)
    builder.add(blob_id, codec, packed, len(plaintext), Kind.DICTIONARY)
    sealed = builder.seal()
    home.store.put_if_absent(pack_key(sealed.pack_id), sealed.data)
    return home, sealed


def _plaintexts(vault: OpenVault, blob_id: bytes) -> Iterator[bytes]:
    """Yield the text of a dictionary's copy when another one gives it: they differ in what they repeat."""
    reader, index = vault.reader(), vault.index
    for other in index.dictionaries():
        if other == blob_id:
            continue
        try:
            found = parse_dictionary(reader.load(index.locate({other}))[other])
        except (BlobError, Corrupt, KeyError):
            continue
        for copy_of in (FIRST_COPY, number_of(other), found.copy_of):
            plaintext = replace(found, copy_of=copy_of).plaintext()
            if _is(vault.keys, plaintext, blob_id):
                yield plaintext


def _is(keys: VaultKeys, plaintext: bytes, blob_id: bytes) -> bool:
    return bool(keys.blob_id(plaintext) == blob_id)
