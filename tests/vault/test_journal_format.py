"""Journals: what is written is read back line by line, and whatever was tampered with is refused."""

import hashlib
import random
import struct
import uuid
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.vault.store.backends.local import LocalStore
from apps.vault.store.errors import JournalCorrupt, ObjectMissing, StoreUnavailable
from apps.vault.store.journal import (
    HEADER,
    MAGIC,
    Chain,
    Journal,
    JournalName,
    JournalWriter,
    Written,
    list_journals,
    open_journal,
    open_sealed,
    parse_name,
    seal,
)
from apps.vault.store.journal_lines import (
    EndLine,
    IssueLine,
    Line,
    SnapshotLine,
    VersionLine,
    decode_line,
    encode_line,
)
from apps.vault.store.keys import VaultKeys
from tests.faults.store import Fault, Kind, faulty

CHAIN = Chain(uuid.UUID(int=2), "mail")
TIME = datetime(2026, 1, 5, 8, 0, 0, 123456, tzinfo=UTC)


def version(number: int) -> VersionLine:
    return VersionLine(
        f"AAMk{number}", "inbox", False, "", f"Größe {number}\n", "Ann", "Bob", TIME, number, True,
        f"v{number}", bytes([number % 256]) * 38, b'{"isRead":true}', 1, None,
    )  # fmt: skip


LINES: list[Line] = [
    EndLine("gone"),
    VersionLine("inbox", None, True, "inbox", "Inbox", "", "", None, 0, False, "", b"", b"{}", 1, 3),
    *(version(number) for number in range(40)),
    IssueLine({"remote_id": "AAMk3", "open": True}),
    SnapshotLine({"snapshot": {"number": 1}}),
]


def written(keys: VaultKeys, store: LocalStore, *, segment_bytes: int = 2_000, number: int = 1) -> Written:
    writer = JournalWriter(keys, store, CHAIN, number, segment_bytes=segment_bytes)
    for line in LINES:
        writer.add(line)
    return writer.finish({"before": None, "sub_service": "mail"})


def lines_of(journal: Journal, store: LocalStore, keys: VaultKeys) -> list[Line]:
    return list(journal.lines(store, keys))


@pytest.mark.parametrize("segment_bytes", [1, 2_000, 10_000_000])
def test_a_journal_gives_back_its_lines_whatever_its_segments(
    keys: VaultKeys, store: LocalStore, segment_bytes: int
) -> None:
    done = written(keys, store, segment_bytes=segment_bytes)
    journal = open_journal(store, keys, done.name)
    assert lines_of(journal, store, keys) == LINES
    assert journal.link == done.link == hashlib.sha256(store.get(done.name.key())).hexdigest()
    assert (journal.info["before"], journal.info["sub_service"]) == (None, "mail")


def test_a_run_without_changes_costs_one_small_object(keys: VaultKeys, store: LocalStore) -> None:
    done = JournalWriter(keys, store, CHAIN, 7).finish({"before": "ab"})
    ((name, part, size),) = list_journals(store)
    assert (name, part) == (done.name, 0) and size < 200


def test_each_attempt_has_a_name_of_its_own(keys: VaultKeys, store: LocalStore) -> None:
    assert written(keys, store).name != written(keys, store).name
    assert {name.number for name, _, _ in list_journals(store)} == {1}


def test_a_base_journal_answers_to_the_link_of_the_one_it_replaces(keys: VaultKeys, store: LocalStore) -> None:
    old = written(keys, store)
    writer = JournalWriter(keys, store, CHAIN, 1, base=True)
    done = writer.finish({"before": None}, link=old.link)
    assert done.link == old.link == open_journal(store, keys, done.name).link
    assert parse_name(done.name.key()) == (done.name, 0)


def test_before_the_head_is_durable_there_is_no_journal(keys: VaultKeys, store: LocalStore) -> None:
    with faulty(store, Fault(Kind.FAIL, 3, "put_if_absent")) as bad:
        writer = JournalWriter(keys, bad, CHAIN, 1, segment_bytes=2_000)
        with pytest.raises(StoreUnavailable):
            for line in LINES:
                writer.add(line)
    assert [part for _, part, _ in list_journals(store)] == [1, 2]
    with pytest.raises(ObjectMissing):
        open_journal(store, keys, writer.name)


def test_every_flipped_byte_is_noticed(keys: VaultKeys, store: LocalStore) -> None:
    done = written(keys, store)
    source = random.Random(5)
    for part in (0, 1):
        path = store.root / done.name.key(part)
        good = path.read_bytes()
        for at in [*range(HEADER.size + 1), *source.sample(range(len(good)), 60)]:
            path.write_bytes(good[:at] + bytes([good[at] ^ (1 << source.randrange(8))]) + good[at + 1 :])
            with pytest.raises(JournalCorrupt):
                lines_of(open_journal(store, keys, done.name), store, keys)
        for length in (0, 1, HEADER.size, len(good) // 2, len(good) - 1):
            path.write_bytes(good[:length])
            with pytest.raises(JournalCorrupt):
                lines_of(open_journal(store, keys, done.name), store, keys)
        path.write_bytes(good)
    assert lines_of(open_journal(store, keys, done.name), store, keys) == LINES


@pytest.mark.parametrize(
    "other",
    [
        JournalName(CHAIN, 2, bytes(16)),
        JournalName(Chain(uuid.UUID(int=3), "mail"), 1, bytes(16)),
        JournalName(Chain(CHAIN.entity, "contacts"), 1, bytes(16)),
        JournalName(CHAIN, 1, bytes(16), base=True),
    ],
    ids=["another number", "another entity", "another sub-service", "as a base"],
)
def test_a_journal_under_another_name_is_refused(keys: VaultKeys, other: JournalName) -> None:
    sealed = seal(keys, JournalName(CHAIN, 1, bytes(16)), 0, b"plain")
    with pytest.raises(JournalCorrupt):
        open_sealed(keys, other, 0, sealed)


def test_a_segment_of_another_journal_or_place_is_refused(keys: VaultKeys, store: LocalStore) -> None:
    first, second = written(keys, store), written(keys, store)
    for wrong in (first.name.key(2), second.name.key(1)):
        target = store.root / first.name.key(1)
        target.write_bytes(store.get(wrong))
        with pytest.raises(JournalCorrupt):
            lines_of(open_journal(store, keys, first.name), store, keys)
    target.unlink()
    with pytest.raises(JournalCorrupt, match="missing"):
        lines_of(open_journal(store, keys, first.name), store, keys)


def test_a_foreign_journal_is_refused(keys: VaultKeys, foreign_keys: VaultKeys, store: LocalStore) -> None:
    done = written(foreign_keys, store)
    with pytest.raises(JournalCorrupt, match="another vault"):
        open_journal(store, keys, done.name)


@pytest.mark.parametrize(("version", "features"), [(2, 0), (1, 1), (0, 0)])
def test_a_later_format_is_refused_and_said_so(keys: VaultKeys, version: int, features: int) -> None:
    name = JournalName(CHAIN, 1, bytes(16))
    header = struct.pack(">8sHHI16sI", MAGIC, version, 0, features, bytes(16), 0)
    payload = b"\0" + struct.pack(">I", 2) + b"{}"
    cipher = keys.journal_cipher(bytes(16), version, features)
    sealed = header + cipher.encrypt(bytes(12), payload, header + name.key().encode())
    with pytest.raises(JournalCorrupt, match="unknown to this release"):
        open_sealed(keys, name, 0, sealed)


def sealed_payload(keys: VaultKeys, name: JournalName, payload: bytes) -> bytes:
    header = HEADER.pack(MAGIC, 1, 0, 0, name.journal_id, 0)
    cipher = keys.journal_cipher(name.journal_id, 1, 0)
    return header + cipher.encrypt(bytes(12), payload, header + name.key().encode())


def test_a_frame_that_would_fill_the_memory_is_refused_before_it_is_unpacked(keys: VaultKeys) -> None:
    name = JournalName(CHAIN, 1, bytes(16))
    bomb = zstandard.ZstdCompressor().compress(bytes(1 << 29))
    with pytest.raises(JournalCorrupt, match="announces"):
        open_sealed(keys, name, 0, sealed_payload(keys, name, b"\1" + bomb))


@given(payload=st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_behind_a_good_seal_are_a_journal_or_an_error(payload: bytes) -> None:
    keys, name = VaultKeys(bytes(range(32)), bytes(range(32, 64))), JournalName(CHAIN, 1, bytes(16))
    sealed = sealed_payload(keys, name, payload or b"\7")

    class One:
        def get(self, key: str) -> bytes:
            return sealed

    with pytest.raises(JournalCorrupt):
        list(open_journal(One(), keys, name).lines(One(), keys))  # type: ignore[arg-type]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=20,
)


@given(kind=st.sampled_from("veisx"), values=st.lists(_JSON, max_size=16))
@settings(max_examples=200, deadline=None)
def test_any_line_parses_or_is_refused(kind: str, values: list[object]) -> None:
    try:
        line = decode_line(orjson.dumps([kind, *values]))
    except JournalCorrupt:
        return
    assert decode_line(encode_line(line)) == line


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b'["v"]', b'["e",1]', b'["e","a","b"]', b"[" * 5_000, b'["q",{}]', b"\xff"],
)
def test_lines_that_no_writer_writes_are_refused(text: bytes) -> None:
    with pytest.raises(JournalCorrupt):
        decode_line(text)


def test_a_count_of_lines_that_is_not_true_is_noticed(keys: VaultKeys, store: LocalStore) -> None:
    name = JournalName(CHAIN, 1, bytes(16))
    info = orjson.dumps({"before": None, "segments": [], "lines": 2})
    store.put_if_absent(
        name.key(), seal(keys, name, 0, struct.pack(">I", len(info)) + info + encode_line(EndLine("a")))
    )
    with pytest.raises(JournalCorrupt, match="1 lines where its head says 2"):
        lines_of(open_journal(store, keys, name), store, keys)


def test_other_objects_in_the_folder_are_not_taken_for_journals(keys: VaultKeys, store: LocalStore) -> None:
    done = written(keys, store, segment_bytes=10_000_000)
    for key in ("journals/notes", f"{CHAIN.folder}1-{'0' * 32}", f"{done.name.key()}.000000"):
        store.put_if_absent(key, b"x")
    assert [name for name, _, _ in list_journals(store)] == [done.name]


def test_memory_is_a_segment_not_the_journal(keys: VaultKeys, tmp_path: Path) -> None:
    sizes: list[int] = []

    class Counting(LocalStore):
        def put_if_absent(self, key: str, data: object) -> bool:
            sizes.append(len(data))  # type: ignore[arg-type]
            return True

    writer = JournalWriter(keys, Counting(tmp_path), CHAIN, 1, segment_bytes=50_000)
    for number in range(5_000):
        writer.add(version(number))
    writer.finish({"before": None})
    assert len(sizes) > 15 and max(sizes) < 50_000
