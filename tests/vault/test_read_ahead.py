"""A reader that was told what comes next: few requests, the same bytes, the same errors."""

import random

import pytest

from apps.vault.store.backends.local import LocalStore
from apps.vault.store.content import ContentPart, Role
from apps.vault.store.errors import BlobError
from apps.vault.store.index import MemoryIndex
from apps.vault.store.keys import VaultKeys
from apps.vault.store.pack import pack_key
from apps.vault.store.reader import WINDOW_BYTES, VaultReader
from apps.vault.store.writer import VaultWriter
from tests.faults.store import FaultyStore

RNG = random.Random(20_261_121)
ITEMS = [RNG.randbytes(RNG.randint(1, 90_000)) for _ in range(300)]
SHARED = RNG.randbytes(500)


def put(keys: VaultKeys, store: LocalStore, index: MemoryIndex, items: list[bytes]) -> list[ContentPart]:
    with VaultWriter(keys, store, index) as writer:
        return writer.put_many([(Role.FILE, data) for data in items])


def test_expected_items_come_with_few_requests(keys: VaultKeys, store: LocalStore, index: MemoryIndex) -> None:
    parts, counted = put(keys, store, index, ITEMS), FaultyStore(store)
    reader = VaultReader(keys, counted, index)
    reader.expect(parts)
    assert not counted.calls, "a hint fetches nothing"
    assert [reader.read(part) for part in parts] == ITEMS
    assert counted.calls["get_range"] <= 2 + sum(map(len, ITEMS)) // (WINDOW_BYTES // 4)


def test_items_may_come_in_any_order_or_not_at_all(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    items = [*ITEMS, SHARED, *ITEMS, SHARED, b""]
    parts = put(keys, store, index, items)
    for seed in range(5):
        order = random.Random(seed).sample(range(len(items)), len(items) // 2)
        counted = FaultyStore(store)
        reader = VaultReader(keys, counted, index)
        reader.expect(parts)
        assert all(reader.read(parts[at]) == items[at] for at in order)
        assert counted.calls["get_range"] <= 2 * len(order), "windows are fetched again and again"


def test_only_the_damaged_item_fails(keys: VaultKeys, store: LocalStore, index: MemoryIndex) -> None:
    parts = put(keys, store, index, ITEMS)
    at = index.places[parts[50].blobs[0]]
    path = store.root / pack_key(at.pack_id)
    bad = bytearray(path.read_bytes())
    bad[at.offset] ^= 1
    path.write_bytes(bad)
    reader = VaultReader(keys, store, index)
    reader.expect(parts)
    for number, part in enumerate(parts):
        if number == 50:
            with pytest.raises(BlobError):
                reader.read(part)
        else:
            assert reader.read(part) == ITEMS[number]


def test_a_new_hint_replaces_the_old_one(keys: VaultKeys, store: LocalStore, index: MemoryIndex) -> None:
    parts = put(keys, store, index, ITEMS)
    reader = VaultReader(keys, store, index)
    reader.expect(parts[:100])
    assert reader.read(parts[0]) == ITEMS[0]
    reader.expect(parts[100:])
    assert [reader.read(part) for part in parts] == ITEMS
