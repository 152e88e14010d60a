"""Vaults written by earlier releases, kept as files and never made anew: each later release reads them.

`golden/v1` was written by the first release with format 1: six items in several packs, one of them in chunks.
"""

import hashlib
import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from apps.core.sealing import Keyring
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.backends.prefixed import PrefixedStore
from apps.vault.store.content import decode_content
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
    assert len(expected["items"]) == 6
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
