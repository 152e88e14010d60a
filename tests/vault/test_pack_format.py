"""Packs: apps/vault/store/pack.py and inspect.py. Written by us, read as if written by an enemy."""

import contextlib
import random
import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.vault.store.backends.local import LocalStore
from apps.vault.store.codec import MAX_BLOB_BYTES, Codec, Compressor, Decompressor
from apps.vault.store.errors import Corrupt, ObjectMissing, PackCorrupt
from apps.vault.store.inspect import list_packs, read_pack_index
from apps.vault.store.keys import VaultKeys
from apps.vault.store.pack import (
    HEADER,
    MAX_PACK_BYTES,
    TRAILER,
    Location,
    PackBuilder,
    PackFormat,
    PackIndex,
    PackOpener,
    SealedPack,
    pack_key,
    parse_header,
    parse_index,
    parse_trailer,
)

PACK_ID = bytes(range(16))
contents = st.lists(
    st.one_of(st.binary(min_size=1, max_size=300), st.builds(lambda n: b"again " * n, st.integers(1, 200))),
    max_size=8,
    unique=True,
)


def make_pack(keys: VaultKeys, plaintexts: list[bytes], pack_id: bytes = PACK_ID) -> SealedPack:
    builder, compressor = PackBuilder(keys, pack_id), Compressor()
    for plaintext in plaintexts:
        codec, packed = compressor.pack(plaintext)
        builder.add(keys.blob_id(plaintext), codec, packed, len(plaintext))
    return builder.seal()


def index_of(keys: VaultKeys, pack: bytes) -> PackIndex:
    """Read a pack as `read_pack_index` does, from memory."""
    trailer = pack[-TRAILER.size :]
    outline = parse_trailer(trailer, len(pack))
    sealed = pack[outline.index_offset : outline.index_offset + outline.index_length]
    return parse_index(keys, pack[: HEADER.size], sealed, trailer, len(pack))


def read_all(keys: VaultKeys, pack: bytes) -> list[bytes]:
    opener, decompressor, found = PackOpener(keys, *parse_header(pack)), Decompressor(), []
    for blob_id, at in index_of(keys, pack):
        packed = opener.open(blob_id, at, pack[at.offset : at.offset + at.stored_length])
        found.append(decompressor.unpack(at.codec, packed, at.raw_length))
        if keys.blob_id(found[-1]) != blob_id:
            raise Corrupt("not what its name says")
    return found


KEYS = VaultKeys(bytes(range(32)), bytes(range(32, 64)))


@given(contents)
@settings(max_examples=60, deadline=None)
def test_a_pack_gives_back_what_was_put_into_it(plaintexts: list[bytes]) -> None:
    pack = make_pack(KEYS, plaintexts)
    assert read_all(KEYS, bytes(pack.data)) == plaintexts
    assert index_of(KEYS, bytes(pack.data)) == pack.blobs


def test_each_flipped_byte_is_noticed(keys: VaultKeys) -> None:
    pack = bytes(make_pack(keys, [b"first blob", b"again " * 50, b"\x00\xff"]).data)
    for position in range(len(pack)):
        broken = bytearray(pack)
        broken[position] ^= 0x40
        with pytest.raises(Corrupt):
            read_all(keys, bytes(broken))


def test_each_cut_is_noticed(keys: VaultKeys) -> None:
    pack = bytes(make_pack(keys, [b"first blob", b"again " * 50]).data)
    for length in range(len(pack)):
        with pytest.raises(Corrupt):
            read_all(keys, pack[:length])
    with pytest.raises(Corrupt):
        read_all(keys, pack + b"\0")


def test_two_blobs_that_changed_places_are_refused(keys: VaultKeys) -> None:
    pack = make_pack(keys, [b"one blob", b"two blob"])
    (one_id, one), (two_id, two) = pack.blobs
    opener = PackOpener(keys, PACK_ID)
    one_bytes = bytes(pack.data[one.offset : one.offset + one.stored_length])
    two_bytes = bytes(pack.data[two.offset : two.offset + two.stored_length])
    assert opener.open(one_id, one, one_bytes) == b"one blob"
    for blob_id, at, stored in ((one_id, one, two_bytes), (two_id, two, one_bytes), (two_id, one, one_bytes)):
        with pytest.raises(PackCorrupt):
            opener.open(blob_id, at, stored)


@pytest.mark.parametrize(
    "change", [{"codec": 1}, {"raw_length": 9}, {"offset": 33}, {"stored_length": 25}, {"codec": 300}]
)
def test_a_blob_read_with_another_meaning_is_refused(keys: VaultKeys, change: dict[str, int]) -> None:
    pack = make_pack(keys, [b"one blob"])
    ((blob_id, at),) = pack.blobs
    changed = Location(
        at.pack_id,
        change.get("offset", at.offset),
        change.get("stored_length", at.stored_length),
        change.get("raw_length", at.raw_length),
        change.get("codec", at.codec),
    )
    stored = bytes(pack.data[at.offset : at.offset + changed.stored_length])
    with pytest.raises(PackCorrupt):
        PackOpener(keys, PACK_ID).open(blob_id, changed, stored)


def test_a_foreign_accounts_pack_is_refused_by_authentication(keys: VaultKeys, foreign_keys: VaultKeys) -> None:
    pack = make_pack(foreign_keys, [b"somebody else's"])
    with pytest.raises(PackCorrupt, match="authenticate"):
        index_of(keys, bytes(pack.data))
    ((_, at),) = pack.blobs
    stored = bytes(pack.data[at.offset : at.offset + at.stored_length])
    with pytest.raises(PackCorrupt, match="authenticate"):
        PackOpener(keys, PACK_ID).open(keys.blob_id(b"somebody else's"), at, stored)


def test_a_pack_under_another_packs_name_is_refused(keys: VaultKeys, store: LocalStore) -> None:
    other = bytes(range(1, 17))
    store.put_if_absent(pack_key(other), make_pack(keys, [b"one"]).data)
    with pytest.raises(PackCorrupt, match="another one"):
        read_pack_index(store, keys, other)


def test_an_index_is_read_from_the_store(keys: VaultKeys, store: LocalStore) -> None:
    pack = make_pack(keys, [b"one", b"two" * 100])
    store.put_if_absent(pack_key(PACK_ID), pack.data)
    store.put_if_absent("packs/00/not-a-pack", b"")
    store.put_if_absent("packs/ff/" + PACK_ID.hex(), b"in the wrong folder")
    assert [pack_id for pack_id, _ in list_packs(store)] == [PACK_ID]
    assert read_pack_index(store, keys, PACK_ID) == pack.blobs
    with pytest.raises(ObjectMissing):
        read_pack_index(store, keys, b"\xee" * 16)


@pytest.mark.parametrize("version, features", [(3, 0), (0, 0), (1, 1), (2, 1), (2, 1 << 31)])
def test_a_later_format_is_refused_by_name(version: int, features: int) -> None:
    header = HEADER.pack(b"EVKPACK\0", version, 0, features, PACK_ID)
    with pytest.raises(PackCorrupt, match=f"version {version}, features {features:#x}"):
        parse_header(header)
    with pytest.raises(PackCorrupt, match=f"version {version}"):
        PackOpener(KEYS, PACK_ID, PackFormat(version, features))


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_refused_as_a_pack(data: bytes) -> None:
    with pytest.raises(PackCorrupt):
        read_all(KEYS, data)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**40))
def test_an_outline_is_believed_only_when_it_adds_up(offset: int, length: int, blobs: int, size: int) -> None:
    trailer = struct.pack(">QII8s", offset, length, blobs, b"EVKPEND\0")
    try:
        outline = parse_trailer(trailer, size)
    except PackCorrupt:
        return
    assert outline.index_offset + outline.index_length + TRAILER.size == size <= MAX_PACK_BYTES


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_damaged_pack_never_gives_other_bytes(data: st.DataObject) -> None:
    plaintexts = [b"first blob", b"again " * 50, b"x" * 70]
    pack = bytearray(make_pack(KEYS, plaintexts).data)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(pack)))
        end = min(len(pack), start + data.draw(st.integers(0, 40)))
        pack[start:end] = data.draw(st.binary(max_size=40))
    with contextlib.suppress(Corrupt):
        assert read_all(KEYS, bytes(pack)) == plaintexts


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x28\xb5\x2f\xfd",
        b"\x28\xb5\x2f\xfd\xe0" + b"\xff" * 8,  # announces 16 exabytes
        b"not zstd at all",
    ],
)
def test_a_hostile_frame_costs_an_error_not_memory(frame: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(Corrupt):
        Decompressor().unpack(Codec.ZSTD, frame, 1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    codec, bomb = Compressor().pack(bytes(MAX_BLOB_BYTES))
    assert codec == Codec.ZSTD and len(bomb) < 2_000
    for claimed in (10, MAX_BLOB_BYTES + 1, MAX_BLOB_BYTES - 1):
        with pytest.raises(Corrupt):
            Decompressor().unpack(codec, bytes(bomb), claimed)
    assert Decompressor().unpack(codec, bytes(bomb), MAX_BLOB_BYTES) == bytes(MAX_BLOB_BYTES)


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(Corrupt, match="codec 7"):
        Decompressor().unpack(7, b"12345", 5)


def test_what_does_not_shrink_is_kept_as_it_is() -> None:
    noise = random.Random(1).randbytes(5_000)
    assert Compressor().pack(noise) == (Codec.RAW, noise)
    codec, packed = Compressor().pack(noise + noise)
    assert codec == Codec.ZSTD and len(packed) < 6_000


def test_no_repr_or_error_shows_a_key(keys: VaultKeys) -> None:
    assert "000102" not in repr(keys) and "\\x00\\x01" not in repr(keys)
