"""Whatever is put comes back: apps/vault/store/writer.py and reader.py, without a database."""

import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.vault.store.backends.local import LocalStore
from apps.vault.store.content import ContentPart, Role
from apps.vault.store.index import MemoryIndex
from apps.vault.store.inspect import list_packs, read_pack_index
from apps.vault.store.keys import VaultKeys
from apps.vault.store.reader import WINDOW_BLOBS, WINDOW_BYTES, VaultReader
from apps.vault.store.writer import VaultWriter
from tests.faults.store import FaultyStore


@st.composite
def items(draw: st.DrawFn) -> bytes:
    """Empty, small, repetitive, or large enough to be cut into chunks."""
    rng = random.Random(draw(st.integers(0, 30)))
    match draw(st.integers(0, 3)):
        case 0:
            return draw(st.binary(max_size=50))
        case 1:
            return b"line of text\r\n" * rng.randint(0, 3_000)
        case 2:
            return rng.randbytes(rng.randint(0, 5_000))
        case _:
            return rng.randbytes(rng.randint(60_000, 500_000))


@given(st.lists(st.lists(items(), max_size=5), max_size=4), st.integers(1_000, 400_000))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_runs_of_items_come_back(
    tmp_path_factory: pytest.TempPathFactory, keys: VaultKeys, runs: list[list[bytes]], pack_bytes: int
) -> None:
    store, index = LocalStore(tmp_path_factory.mktemp("vault")), MemoryIndex()
    put: list[tuple[bytes, ContentPart]] = []
    for run in runs:
        with VaultWriter(keys, store, index, pack_bytes=pack_bytes) as writer:
            put += list(zip(run, writer.put_many([(Role.MIME, data) for data in run]), strict=True))
    reader, parts = VaultReader(keys, store, index), [part for _, part in put]
    assert list(reader.read_many(parts)) == [data for data, _ in put]
    assert all(b"".join(reader.stream(part)) == data for data, part in put)
    assert all((part.size, not part.blobs) == (len(data), not data) for data, part in put)
    # The packs alone say the same as the index.
    found = [entry for pack_id, _ in list_packs(store) for entry in read_pack_index(store, keys, pack_id)]
    assert dict(found) == index.places
    assert len(found) == len(index.places), "a blob was stored twice"


def test_the_same_content_gives_the_same_part_in_any_role_and_any_batch(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    data = random.Random(3).randbytes(300_000)
    with VaultWriter(keys, store, index) as writer:
        parts = [writer.put(Role.FILE, data), *writer.put_many([(Role.ATTACHMENT, data), (Role.FILE, data)])]
    assert len({part.blobs for part in parts}) == 1
    assert writer.raw_bytes == 900_000
    assert 300_000 < writer.stored_bytes < 310_000
    assert writer.new_blobs == len(parts[0].blobs) == len(index.places)


def test_a_large_file_changed_in_one_place_stores_little(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    data = random.Random(4).randbytes(8_000_000)
    with VaultWriter(keys, store, index) as first:
        first.put(Role.FILE, data)
    with VaultWriter(keys, store, index) as second:
        part = second.put(Role.FILE, data[:4_000_000] + b"a word more" + data[4_000_000:])
    assert second.new_blobs <= 3 and second.stored_bytes < 800_000
    assert VaultReader(keys, store, index).read(part)[4_000_000:4_000_011] == b"a word more"


def test_neighbours_are_read_in_few_requests(keys: VaultKeys, store: LocalStore, index: MemoryIndex) -> None:
    mails = [random.Random(n).randbytes(3_000) for n in range(WINDOW_BLOBS)]
    with VaultWriter(keys, store, index) as writer:
        parts = writer.put_many([(Role.MIME, mail) for mail in mails])
    counting = FaultyStore(store)
    reader = VaultReader(keys, counting, index)
    assert list(reader.read_many(parts)) == mails
    assert counting.calls == {"get_range": 1}
    assert list(reader.read_many(parts[::-1])) == mails[::-1]


def test_what_lies_far_apart_is_not_read_in_between(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    noise = random.Random(5)
    with VaultWriter(keys, store, index) as writer:
        parts = writer.put_many([(Role.FILE, noise.randbytes(60_000)) for _ in range(20)])
    counting = FaultyStore(store)
    list(VaultReader(keys, counting, index).read_many([parts[0], parts[10]]))
    assert counting.calls == {"get_range": 2}


def test_a_part_larger_than_a_window_is_streamed_in_pieces(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    data = random.Random(6).randbytes(WINDOW_BYTES + 3_000_000)
    with VaultWriter(keys, store, index) as writer:
        large, small = writer.put_many([(Role.FILE, data), (Role.MIME, b"small")])
    reader = VaultReader(keys, store, index)
    assert max(map(len, reader.stream(large))) <= 256 * 1024
    assert list(reader.read_many([small, large, small])) == [b"small", data, b"small"]


def test_writers_in_many_threads_share_one_vault(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    mails = [random.Random(n).randbytes(4_000) for n in range(60)]
    results: dict[int, list[ContentPart]] = {}

    def work(number: int) -> None:
        with VaultWriter(keys, store, index, pack_bytes=50_000) as writer:
            results[number] = [writer.put(Role.MIME, mail) for mail in mails[number * 5 : number * 5 + 40]]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader = VaultReader(keys, store, index)
    for number in range(4):
        assert list(reader.read_many(results[number])) == mails[number * 5 : number * 5 + 40]


@pytest.mark.slow
def test_a_gigabyte_goes_through_in_bounded_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.vault.gigabyte", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    raw, peak = map(int, done.stdout.split())
    assert raw >= 1_000_000_000
    assert peak <= 200_000_000
