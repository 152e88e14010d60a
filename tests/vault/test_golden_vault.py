"""Vaults written by earlier releases, kept as files and never made anew: each later release reads them.

`golden/v1` was written by the first release with format 1: six items in several packs, one of them in chunks.
`golden/v2` by the first with format 2: ten items with and without a dictionary, mail taken apart in each way.
"""

import hashlib
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from apps.core.sealing import Keyring
from apps.vault.store import pack
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.backends.prefixed import PrefixedStore
from apps.vault.store.content import decode_content
from apps.vault.store.errors import BlobCorrupt, PackCorrupt
from apps.vault.store.index import MemoryIndex
from apps.vault.store.inspect import list_packs, read_pack_index
from apps.vault.store.keys import VaultKeys, unwrap_keys
from apps.vault.store.marker import read_marker
from apps.vault.store.reader import VaultReader
from apps.vault.store.writer import VaultWriter

GOLDEN = sorted((Path(__file__).parent / "golden").iterdir())


@pytest.fixture(params=GOLDEN, ids=lambda folder: folder.name)
def golden(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


def opened(golden: Path) -> tuple[dict[str, Any], PrefixedStore, VaultKeys, MemoryIndex]:
    """Open a vault from its store and its master key alone, as after the loss of the database."""
    expected = json.loads((golden / "expected.json").read_text())
    vault_id = uuid.UUID(expected["vault"])
    root = LocalStore(golden / "store")
    assert read_marker(root) is not None
    store = PrefixedStore(root, f"{vault_id.hex}/")
    ring = Keyring({expected["master_key_id"]: bytes.fromhex(expected["master_key"])})
    envelope = store.get(f"keys/{expected['master_key_id']}")
    keys = unwrap_keys(envelope, ring=ring, vault_id=vault_id, account_id=expected["account"])
    index = MemoryIndex()
    for pack_id, _ in list_packs(store):
        index.places.update(read_pack_index(store, keys, pack_id))
    return expected, store, keys, index


def test_every_item_is_still_read(golden: Path) -> None:
    expected, store, keys, index = opened(golden)
    reader = VaultReader(keys, store, index)
    assert len(expected["items"]) == {"v1": 6, "v2": 10}[golden.name]
    for item in expected["items"]:
        (part,) = decode_content(bytes.fromhex(item["content"]))
        data = reader.read(part)
        assert (len(data), hashlib.sha256(data).hexdigest()) == (item["size"], item["sha256"]), item["name"]


def test_todays_writer_finds_all_of_it_stored(golden: Path) -> None:
    """Ids and chunk borders have not drifted: storing the same items again adds nothing."""
    expected, store, keys, index = opened(golden)
    reader, writer = VaultReader(keys, store, index), VaultWriter(keys, store, index)
    for item in expected["items"]:
        (part,) = decode_content(bytes.fromhex(item["content"]))
        assert writer.put(part.role, reader.read(part)) == part
    assert (writer.new_blobs, writer.pending_bytes) == (0, 0)


def test_the_vault_of_version_2_has_all_that_is_new_in_it() -> None:
    expected, _, _, index = opened(GOLDEN[1])
    assert {(at.kind, at.codec) for at in index.places.values()} == {(1, 0), (1, 1), (1, 2), (2, 1)}
    parts = [decode_content(bytes.fromhex(item["content"]))[0] for item in expected["items"]]
    holes = [hole for part in parts if part.recipe for hole in part.recipe.holes]
    assert {(hole.line, hole.ending, min(hole.blobs, 2)) for hole in holes} == {
        (76, b"\r\n", 1), (60, b"\n", 0), (0, b"", 0), (72, b"\r\n", 2)
    }  # fmt: skip
    assert {at.format.version for at in index.places.values()} == {2}


def test_a_reader_of_version_1_refuses_version_2_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    _, store, keys, index = opened(GOLDEN[1])
    monkeypatch.setattr(pack, "_ALLOWED", {pack.FORMAT_1: pack._ALLOWED[pack.FORMAT_1]})
    blob_id, place = next(iter(index.places.items()))
    with pytest.raises(PackCorrupt, match="version 2, features 0x0: unknown"):
        read_pack_index(store, keys, place.pack_id)
    with pytest.raises(BlobCorrupt, match="version 2, features 0x0: unknown"):
        VaultReader(keys, store, index).load({blob_id: place})


def test_a_pack_of_version_1_cannot_hold_what_version_2_brought(
    keys: VaultKeys, store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack, "CURRENT_FORMAT", pack.FORMAT_1)
    for kind, codec in ((1, 2), (2, 0)):
        builder = pack.PackBuilder(keys)
        builder.add(keys.blob_id(b"any"), codec, b"any", 3, kind)
        sealed = builder.seal()
        store.put_if_absent(pack.pack_key(sealed.pack_id), sealed.data)
        with pytest.raises(PackCorrupt, match=f"version 1 holds a blob of kind {kind}, codec {codec}"):
            read_pack_index(store, keys, sealed.pack_id)
