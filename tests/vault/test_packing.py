"""The way of blobs into packs, with threads and without: apps/vault/store/packing.py."""

import random
import threading
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path

import pytest

from apps.vault.store import packing
from apps.vault.store.backends.base import Bytes
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.codec import Compressor, Packed
from apps.vault.store.content import ContentPart, Role
from apps.vault.store.errors import StoreError
from apps.vault.store.index import MemoryIndex
from apps.vault.store.inspect import read_pack_index
from apps.vault.store.keys import VaultKeys
from apps.vault.store.pack import SealedPack
from apps.vault.store.reader import VaultReader
from apps.vault.store.writer import VaultWriter
from tests.faults.store import Fault, FaultyStore, Killed, Kind, faulty

NOISE = random.Random(3)
FILES = [NOISE.randbytes(90_000) for _ in range(12)]
PACK_BYTES = 200_000
both = pytest.mark.parametrize("threads", [0, 2])


def put(writer: VaultWriter, files: list[bytes]) -> list[ContentPart]:
    return [writer.put(Role.FILE, data) for data in files]


def assert_no_row_without_its_pack(keys: VaultKeys, store: LocalStore, index: MemoryIndex) -> None:
    """V1."""
    for pack_id in {at.pack_id for at in index.places.values()}:
        read_pack_index(store, keys, pack_id)


def in_order_of_place(index: MemoryIndex) -> list[bytes]:
    """Blobs as they lie: packs in the order in which they were recorded."""
    packs = list(dict.fromkeys(at.pack_id for at in index.places.values()))
    return sorted(
        index.places, key=lambda blob: (packs.index(index.places[blob].pack_id), index.places[blob].offset)
    )


@both
@pytest.mark.parametrize("kind", [Kind.FAIL, Kind.LOST, Kind.FULL])
def test_a_write_that_fails_is_made_good_by_the_next_flush(
    keys: VaultKeys, tmp_path: Path, threads: int, kind: Kind
) -> None:
    for call in range(1, 6):
        store, index = LocalStore(tmp_path / str(call)), MemoryIndex()
        with faulty(store, Fault(kind, call, "put_if_absent")) as broken:
            writer = VaultWriter(keys, broken, index, pack_bytes=PACK_BYTES, threads=threads)
            parts, failures = [], 0
            for data in FILES:
                # What a failed `put` had taken is known to be pending: the second one finds it.
                for _ in range(3):
                    try:
                        parts.append(writer.put(Role.FILE, data))
                        break
                    except StoreError:
                        failures += 1
            for _ in range(3):
                try:
                    writer.flush()
                except StoreError:
                    failures += 1
        assert failures == 1
        assert writer.pending_bytes == 0
        assert list(VaultReader(keys, store, index).read_many(parts)) == FILES
        assert_no_row_without_its_pack(keys, store, index)


@both
@pytest.mark.parametrize("kind", [Kind.KILL_BEFORE, Kind.KILL_AFTER, Kind.TORN])
def test_killed_at_any_write_no_row_names_what_is_not_there(
    keys: VaultKeys, tmp_path: Path, threads: int, kind: Kind
) -> None:
    for call in range(1, 6):
        store, index = LocalStore(tmp_path / str(call)), MemoryIndex()
        with faulty(store, Fault(kind, call, "put_if_absent")) as broken:
            writer = VaultWriter(keys, broken, index, pack_bytes=PACK_BYTES, threads=threads)
            with pytest.raises(Killed):
                put(writer, FILES)
                writer.flush()
        assert_no_row_without_its_pack(keys, store, index)
        with VaultWriter(keys, store, index, pack_bytes=PACK_BYTES, threads=threads) as writer:
            parts = put(writer, FILES)
        assert list(VaultReader(keys, store, index).read_many(parts)) == FILES


@both
def test_a_flush_returns_only_when_all_is_recorded(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex, threads: int
) -> None:
    """V4."""
    slow = FaultyStore(store, [Fault(Kind.SLOW, call, "put_if_absent") for call in range(1, 4)])
    writer = VaultWriter(keys, slow, index, pack_bytes=PACK_BYTES, threads=threads)
    for start in range(0, 12, 4):
        parts = put(writer, FILES[start : start + 4])
        writer.flush()
        assert {blob for part in parts for blob in part.blobs} <= index.places.keys()
        assert writer.pending_bytes == 0


class Stuck(LocalStore):
    """A store that does not answer until it is let go."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.let_go, self.crowded = threading.Event(), threading.Event()
        self.most, self._now, self._lock = 0, 0, threading.Lock()

    def put_if_absent(self, key: str, data: Bytes) -> bool:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            if self._now == packing.MAX_WAITING:
                self.crowded.set()
        self.let_go.wait(20)
        with self._lock:
            self._now -= 1
        return super().put_if_absent(key, data)


def test_the_caller_reads_on_while_packs_are_stored_but_not_without_end(
    keys: VaultKeys, tmp_path: Path, index: MemoryIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "BATCH_BYTES", 50_000)
    monkeypatch.setattr(packing, "QUEUE_BYTES", 100_000)
    store = Stuck(tmp_path / "stuck")
    writer = VaultWriter(keys, store, index, pack_bytes=PACK_BYTES, threads=1)
    waiting: list[int] = []

    def work() -> None:
        for _ in range(100):
            writer.put(Role.FILE, NOISE.randbytes(90_000))
            waiting.append(writer.pending_bytes)
        writer.flush()

    thread = threading.Thread(target=work)
    thread.start()
    assert store.crowded.wait(20)
    time.sleep(0.5)  # it would run on now if nothing held it
    assert thread.is_alive() and 3 < len(waiting) < 30
    assert max(waiting) < (packing.MAX_WAITING + 3) * PACK_BYTES
    store.let_go.set()
    thread.join(30)
    assert not thread.is_alive() and len(waiting) == 100
    assert store.most <= packing.MAX_WAITING
    assert writer.pending_bytes == 0


@both
@pytest.mark.parametrize("failing", [1, 3])
def test_what_could_not_be_compressed_is_compressed_by_the_next_try(
    keys: VaultKeys, store: LocalStore, threads: int, failing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = MemoryIndex()
    press, calls, failures = Compressor.pack_many, count(1), 0

    def starved(self: Compressor, plaintexts: Sequence[bytes | memoryview]) -> list[Packed]:
        if next(calls) == failing:
            raise MemoryError
        return press(self, plaintexts)

    monkeypatch.setattr(Compressor, "pack_many", starved)
    writer = VaultWriter(keys, store, index, pack_bytes=PACK_BYTES, threads=threads)
    parts: list[ContentPart] = []
    while len(parts) < len(FILES) or writer.pending_bytes:
        try:
            parts += put(writer, FILES[len(parts) : len(parts) + 1])
            if len(parts) == len(FILES):
                writer.flush()
        except MemoryError:
            failures += 1
    reader = VaultReader(keys, store, index)
    assert [reader.read(part) for part in parts] == FILES
    assert failures == 1
    assert [blob for part in parts for blob in part.blobs] == in_order_of_place(index)


def test_the_index_is_asked_and_told_in_the_callers_thread_only(keys: VaultKeys, store: LocalStore) -> None:
    seen = set()

    class Watching(MemoryIndex):
        def record(self, pack: SealedPack) -> None:
            seen.add(threading.get_ident())
            super().record(pack)

    with VaultWriter(keys, store, Watching(), pack_bytes=PACK_BYTES, threads=2) as writer:
        put(writer, FILES)
    assert seen == {threading.get_ident()}
