"""Dictionaries of small items: apps/vault/store/training.py, dictionary.py and their use."""

import random
from pathlib import Path

import pytest

from apps.core.scope import account_scope
from apps.vault.api import open_reader, open_writer
from apps.vault.models import BlobLocation, Shelf
from apps.vault.services import open_vault
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.codec import Codec, Compressor, Decompressor
from apps.vault.store.content import ContentPart, Role
from apps.vault.store.dictionary import FIRST_COPY, Dictionary, parse_dictionary
from apps.vault.store.errors import BlobCorrupt, Corrupt, StoreError
from apps.vault.store.index import MemoryIndex
from apps.vault.store.inspect import list_packs, read_pack_index
from apps.vault.store.keys import VaultKeys
from apps.vault.store.pack import Kind, Location, SealedPack, pack_key
from apps.vault.store.reader import VaultReader
from apps.vault.store.training import LEAST_SAMPLES, SAMPLE_BYTES
from apps.vault.store.writer import VaultWriter
from apps.vault.stores import operator_store
from tests.cast import Cast
from tests.faults.store import Fault, FaultyStore, Killed, faulty
from tests.faults.store import Kind as FaultKind
from tests.vault.shelves import second_store

WORDS = ["".join(random.Random(n).choices("abcdefghijklmnopqrstuvwxyz", k=7)) for n in range(600)]


def mails(count: int, seed: int = 1, words: list[str] | None = None) -> list[bytes]:
    """Small mails of one correspondence: the same headers, footers and words in each."""
    rng = random.Random(seed)
    return [
        (
            f"Return-Path: <{rng.choice(words or WORDS)}@pizza.example>\r\n"
            f"X-Mailer: Everpost 12.3 (quality edition)\r\nMessage-ID: <{rng.random()}@mail.pizza.example>\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n\r\n"
            + " ".join(rng.choices(words or WORDS, k=120))
            + "\r\n--\r\nPizza Perfecto, the best pizza of the town, open every day but on Monday\r\n"
        ).encode()
        for _ in range(count)
    ]


def put(writer: VaultWriter, items: list[bytes]) -> list[ContentPart]:
    return writer.put_many([(Role.MIME, item) for item in items])


def codecs(index: MemoryIndex) -> set[int]:
    return {at.codec for at in index.places.values() if at.kind == Kind.DATA}


def from_packs_alone(keys: VaultKeys, store: LocalStore) -> MemoryIndex:
    found = MemoryIndex()
    for pack_id, _ in list_packs(store):
        found.places.update(read_pack_index(store, keys, pack_id))
    return found


@pytest.mark.parametrize("threads", [0, 2])
def test_small_mails_that_are_alike_cost_much_less(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex, threads: int
) -> None:
    items = mails(1_500)
    alone = sum(len(packed) for _, packed in Compressor().pack_many(items))
    with VaultWriter(keys, store, index, threads=threads) as writer:
        parts = [part for start in range(0, 1_500, 100) for part in put(writer, items[start : start + 100])]
    assert codecs(index) == {Codec.ZSTD_DICTIONARY}
    assert writer.stored_bytes < 0.8 * alone  # all its packs, with both copies of the dictionary
    assert list(VaultReader(keys, store, index).read_many(parts)) == items


def test_the_packs_alone_are_enough_to_read_them(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    items = mails(LEAST_SAMPLES)
    with VaultWriter(keys, store, index) as writer:
        parts = put(writer, items)
    again = from_packs_alone(keys, store)
    assert again.places == index.places
    assert sorted(again.dictionaries()) == sorted(index.dictionaries())
    assert list(VaultReader(keys, store, again).read_many(parts)) == items


def test_the_next_writer_uses_the_dictionary_of_the_last_one(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    with VaultWriter(keys, store, index) as writer:
        put(writer, mails(LEAST_SAMPLES))
    made = index.dictionaries()
    with VaultWriter(keys, store, index) as writer:
        (part,) = put(writer, mails(1, seed=2))
        assert writer.pending_bytes > 0
    assert index.places[part.blobs[0]].codec == Codec.ZSTD_DICTIONARY
    assert index.dictionaries() == made
    assert VaultReader(keys, store, index).read(part) == mails(1, seed=2)[0]


def test_few_items_and_items_without_likeness_get_no_dictionary(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    with VaultWriter(keys, store, index) as writer:
        put(writer, mails(LEAST_SAMPLES - 1))
    noise = [random.Random(n).randbytes(3_000) for n in range(2 * LEAST_SAMPLES)]
    with VaultWriter(keys, store, index) as writer:
        parts = put(writer, noise)
    assert index.dictionaries() == []
    assert list(VaultReader(keys, store, index).read_many(parts)) == noise


def test_large_items_that_are_too_few_do_not_wait_for_ever(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    noise = [random.Random(n).randbytes(60_000) for n in range(SAMPLE_BYTES // 60_000 + 5)]
    with VaultWriter(keys, store, index, pack_bytes=1_000_000) as writer:
        parts = put(writer, noise)
        assert writer.pending_bytes < 2_000_000
    assert list(VaultReader(keys, store, index).read_many(parts)) == noise


def test_a_new_dictionary_is_made_when_the_mail_has_changed_and_the_old_one_stays_readable(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    old, changed = mails(LEAST_SAMPLES), [word[::-1].upper() for word in WORDS]
    with VaultWriter(keys, store, index) as writer:
        old_parts = put(writer, old)
    first = index.dictionaries()
    new = mails(SAMPLE_BYTES // 1_000, seed=3, words=changed)
    with VaultWriter(keys, store, index) as writer:
        new_parts = put(writer, new)
        last = put(writer, mails(1, seed=4, words=changed))
    assert len(first) == 2 and len(index.dictionaries()) == 4
    reader = VaultReader(keys, store, index)
    assert list(reader.read_many(old_parts + new_parts + last)) == old + new + mails(1, seed=4, words=changed)
    weights = [index.places[part.blobs[0]].stored_length for part in (new_parts[0], last[0])]
    assert weights[1] < 0.95 * weights[0]


def test_each_kind_of_item_has_a_dictionary_of_its_own(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    files = [b'{"name": "%d", "kind": "driveItem", "etag": "W/%d"}' % (n, n * n) * 3 for n in range(200)]
    with VaultWriter(keys, store, index) as writer:
        put(writer, mails(LEAST_SAMPLES))
        writer.put_many([(Role.FILE, data) for data in files])
    reader = VaultReader(keys, store, index)
    made = [parse_dictionary(reader.load(index.locate([blob_id]))[blob_id]) for blob_id in index.dictionaries()]
    assert sorted((found.role, found.copy_of == FIRST_COPY) for found in made) == [
        (Role.MIME, False), (Role.MIME, True), (Role.FILE, False), (Role.FILE, True)
    ]  # fmt: skip


def damage(store: LocalStore, at: Location) -> None:
    data = bytearray(store.get(pack_key(at.pack_id)))
    data[at.offset] ^= 1
    store.delete(pack_key(at.pack_id))
    store.put_if_absent(pack_key(at.pack_id), data)


def test_a_damaged_dictionary_is_replaced_by_its_second_copy(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    items = mails(LEAST_SAMPLES)
    with VaultWriter(keys, store, index) as writer:
        parts = put(writer, items)
    first, second = index.dictionaries()
    assert index.places[first].pack_id != index.places[second].pack_id
    damage(store, index.places[first])
    assert list(VaultReader(keys, store, index).read_many(parts)) == items
    # A writer goes on with the second copy too.
    with VaultWriter(keys, store, index) as writer:
        more = put(writer, mails(1, seed=2))
    assert index.places[more[0].blobs[0]].codec == Codec.ZSTD_DICTIONARY
    del index.places[first]
    assert list(VaultReader(keys, store, index).read_many(parts + more)) == items + mails(1, seed=2)
    # Without both, the items are named as damaged, and nothing else is handed out.
    damage(store, index.places[second])
    with pytest.raises(BlobCorrupt, match=r"Dictionary .* cannot be read"):
        VaultReader(keys, store, index).read(parts[0])
    del index.places[second]
    with pytest.raises(BlobCorrupt, match="no record of dictionary"):
        VaultReader(keys, store, index).read(parts[0])
    with VaultWriter(keys, store, index) as writer:
        put(writer, mails(1, seed=5))


@pytest.mark.parametrize("gone", [0, 1])
def test_a_copy_that_a_check_took_out_is_stored_anew_by_the_next_writer(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex, gone: int
) -> None:
    items = mails(LEAST_SAMPLES)
    with VaultWriter(keys, store, index) as writer:
        parts = put(writer, items)
    both = index.dictionaries()
    damage(store, index.places[both[gone]])
    del index.places[both[gone]]
    with VaultWriter(keys, store, index) as writer:
        put(writer, mails(1, seed=2))
    assert sorted(index.dictionaries()) == sorted(both)
    del index.places[both[1 - gone]]
    assert list(VaultReader(keys, store, index).read_many(parts)) == items


def test_v18_no_item_is_stored_before_the_dictionary_that_it_needs(keys: VaultKeys, tmp_path: Path) -> None:
    """The process is killed at each write in turn: what lies in the store can always be read."""
    items = mails(LEAST_SAMPLES)
    for call in range(1, 4):
        for kind in (FaultKind.KILL_BEFORE, FaultKind.KILL_AFTER):
            store, index = LocalStore(tmp_path / f"{call}-{kind.name}"), MemoryIndex()
            with faulty(store, Fault(kind, call, "put_if_absent")) as broken:
                writer = VaultWriter(keys, broken, index)
                put(writer, items)
                with pytest.raises(Killed):
                    writer.flush()
            left = from_packs_alone(keys, store)
            stored = {b: at for b, at in left.places.items() if at.kind == Kind.DATA}
            assert set(VaultReader(keys, store, left).load(stored)) == set(stored)
            with VaultWriter(keys, store, index) as writer:
                parts = put(writer, items)
            assert list(VaultReader(keys, store, index).read_many(parts)) == items


def test_a_store_that_fails_while_a_dictionary_is_stored_loses_nothing(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    items = mails(LEAST_SAMPLES)
    with faulty(
        store, Fault(FaultKind.FULL, 1, "put_if_absent"), Fault(FaultKind.LOST, 3, "put_if_absent")
    ) as broken:
        writer = VaultWriter(keys, broken, index)
        parts = put(writer, items)
        for _ in range(2):
            with pytest.raises(StoreError):
                writer.flush()
            assert writer.pending_bytes > 0
        writer.flush()
    assert writer.pending_bytes == 0
    assert list(VaultReader(keys, store, index).read_many(parts)) == items


def test_a_store_that_fails_while_dictionaries_are_looked_for_loses_nothing(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    with VaultWriter(keys, store, index) as first:
        put(first, mails(LEAST_SAMPLES))
    (item,) = mails(1, seed=2)
    with faulty(store, Fault(FaultKind.FAIL, 1, "get_range")) as broken:
        writer = VaultWriter(keys, broken, index)
        with pytest.raises(StoreError):
            put(writer, [item])
        parts = put(writer, [item])
        writer.flush()
    assert list(VaultReader(keys, store, index).read_many(parts)) == [item]


@pytest.mark.django_db(transaction=True)
@pytest.mark.database
def test_the_database_finds_the_dictionaries_of_its_account_only(cast: Cast, vault_folder: Path) -> None:
    items = mails(LEAST_SAMPLES)
    for account_id in (cast.account.pk, cast.other_account.pk):
        with open_writer(account_id) as writer:
            parts = put(writer, items)
        assert list(open_reader(account_id).read_many(parts)) == items
        assert len(open_vault(account_id=account_id).index.dictionaries()) == 2
    assert BlobLocation.objects.filter(kind=Kind.DICTIONARY).count() == 4
    ours, theirs = (
        open_vault(account_id=account_id).index.dictionaries()
        for account_id in (cast.account.pk, cast.other_account.pk)
    )
    assert not set(ours) & set(theirs)


@pytest.mark.django_db(transaction=True)
@pytest.mark.database
def test_what_lies_on_a_shelf_needs_no_dictionary_of_another_shelf(
    cast: Cast, vault_folder: Path, tmp_path: Path
) -> None:
    account_id, items = cast.account.pk, mails(LEAST_SAMPLES)
    with open_writer(account_id) as writer:
        put(writer, items)
    second = second_store(tmp_path / "second")
    with account_scope(account_id):
        Shelf.objects.create(account_id=account_id, number=1, store=second)
    vault = open_vault(account_id=account_id, shelf=1)
    with vault.writer() as writer:
        parts = put(writer, mails(LEAST_SAMPLES, seed=2))
    (folder,) = (tmp_path / "second").glob("*/packs")
    alone = LocalStore(folder.parent)
    assert list(VaultReader(vault.keys, alone, from_packs_alone(vault.keys, alone)).read_many(parts)) == mails(
        LEAST_SAMPLES, seed=2
    )


def test_two_writers_may_train_at_the_same_time(keys: VaultKeys, store: LocalStore, index: MemoryIndex) -> None:
    one, two = VaultWriter(keys, store, index), VaultWriter(keys, store, index)
    same, other = mails(LEAST_SAMPLES), mails(LEAST_SAMPLES, seed=9)
    parts = put(one, same) + put(two, same) + put(two, other)
    one.flush()
    two.flush()
    assert list(VaultReader(keys, store, index).read_many(parts)) == same + same + other


def test_a_number_that_is_taken_is_not_used_again(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.vault.store.training.number_of", lambda blob_id: b"same")
    with VaultWriter(keys, store, index) as writer:
        put(writer, mails(LEAST_SAMPLES))
    with VaultWriter(keys, store, index) as writer:
        put(writer, mails(SAMPLE_BYTES // 1_000, seed=3, words=[word[::-1] for word in WORDS]))
    assert len(index.dictionaries()) == 2


@pytest.mark.parametrize(
    "data", [b"", b"\x01\x01", b"\x01\x01\0\0\0\0", b"\x02\x01\0\0\0\0x", b"\x01\x09\0\0\0\0x"]
)
def test_what_is_no_dictionary_is_refused(data: bytes) -> None:
    with pytest.raises(Corrupt):
        parse_dictionary(data)


def test_a_dictionary_comes_back_from_its_bytes() -> None:
    given = Dictionary(Role.MIME, b"data", b"abcd")
    assert given.plaintext() == b"\x01\x01abcddata"
    assert parse_dictionary(given.plaintext()) == given


@pytest.mark.parametrize(
    "stored", [b"", b"abc", b"abcd", b"abcd not zstd", b"abcd\x28\xb5\x2f\xfd\xe0" + b"\xff" * 8]
)
def test_a_hostile_blob_with_a_dictionary_costs_an_error(stored: bytes) -> None:
    for dictionary in (lambda number: b"any bytes at all", lambda number: b"\x37\xa4\x30\xec" + bytes(100)):
        with pytest.raises(Corrupt):
            Decompressor(dictionary).unpack(Codec.ZSTD_DICTIONARY, stored, 1000)
    with pytest.raises(Corrupt, match="not at hand"):
        Decompressor().unpack(Codec.ZSTD_DICTIONARY, stored, 1000)


def test_another_dictionary_gives_no_bytes(keys: VaultKeys, store: LocalStore, index: MemoryIndex) -> None:
    one, two = (b"".join(mails(30, seed=seed)) for seed in (1, 2))
    (item,) = mails(1)
    codec, packed = Compressor(one, b"numb").pack(item)
    assert codec == Codec.ZSTD_DICTIONARY
    assert Decompressor(lambda number: one).unpack(codec, bytes(packed), len(item)) == item
    try:
        wrong = Decompressor(lambda number: two).unpack(codec, bytes(packed), len(item))
    except Corrupt:
        return
    assert keys.blob_id(wrong) != keys.blob_id(item)  # which is what the reader compares (V8)


def test_recorded_packs_of_dictionaries_count_as_stored(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex
) -> None:
    seen: list[SealedPack] = []

    class Watching(MemoryIndex):
        def record(self, pack: SealedPack) -> None:
            seen.append(pack)
            super().record(pack)

    with VaultWriter(keys, FaultyStore(store), Watching()) as writer:
        put(writer, mails(LEAST_SAMPLES))
    assert [len(pack.blobs) for pack in seen] == [1, 1, LEAST_SAMPLES]
    assert writer.stored_bytes == sum(len(pack.data) for pack in seen)


@pytest.mark.django_db(transaction=True)
def test_a_shelf_trains_its_own_dictionary(cast: Cast, vault_folder: Path, tmp_path: Path) -> None:
    """What lies on one shelf can be read without the others (docs/decisions/005-shelves.md)."""
    account_id, items = cast.account.pk, mails(LEAST_SAMPLES)
    with open_writer(account_id) as writer:
        put(writer, items)
    with account_scope(account_id):
        Shelf.objects.create(account_id=account_id, number=1, store=operator_store((tmp_path / "own").as_uri()))
    with open_writer(account_id, shelf=1) as writer:
        parts = put(writer, items)
    trained = BlobLocation.objects.filter(account_id=account_id, kind=Kind.DICTIONARY)
    assert sorted(trained.values_list("shelf", flat=True)) == [0, 0, 1, 1]
    assert list(open_reader(account_id).read_many(parts)) == items
