"""The check of packs names exactly what is wrong, and nothing that is not."""

import random
from functools import partial
from pathlib import Path

import pytest

from apps.vault.store.backends.local import LocalStore
from apps.vault.store.check import Claim, Code, PackChecker, PackReport, check_packs
from apps.vault.store.content import ContentPart, Role
from apps.vault.store.errors import StoreUnavailable
from apps.vault.store.index import MemoryIndex
from apps.vault.store.inspect import list_packs
from apps.vault.store.keys import VaultKeys
from apps.vault.store.pack import TRAILER, pack_key
from apps.vault.store.writer import VaultWriter
from tests.faults.store import Fault, Kind, faulty

MAILS = [random.Random(n).randbytes(3_000) for n in range(40)]


@pytest.fixture
def parts(keys: VaultKeys, store: LocalStore, index: MemoryIndex) -> list[ContentPart]:
    """Forty mails in several packs."""
    with VaultWriter(keys, store, index, pack_bytes=20_000) as writer:
        return [writer.put(Role.MIME, mail) for mail in MAILS]


def claims(store: LocalStore) -> list[Claim]:
    return [Claim(pack_id, found.size) for pack_id, found in list_packs(store)]


def path_of(store: LocalStore, pack_id: bytes) -> Path:
    return store.root / pack_key(pack_id)


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def codes(reports: list[PackReport]) -> list[tuple[str, str]]:
    return [(finding.code, finding.blob_id) for report in reports for finding in report.findings]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_sound_vault_is_read_to_its_last_byte_and_nothing_is_found(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex, parts: list[ContentPart], processes: int
) -> None:
    make = partial(PackChecker, keys, store, index)
    reports = list(check_packs(make, claims(store), data=True, processes=processes))
    assert codes(reports) == []
    assert len(reports) > 3
    assert sum(report.blobs for report in reports) == len(index.places) == len(MAILS)
    assert sum(report.stored for report in reports) == sum(
        place.stored_length for place in index.places.values()
    )


@pytest.mark.parametrize("processes", [1, 2])
def test_each_flipped_byte_of_a_blob_is_found_by_data_and_names_its_blob(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex, parts: list[ContentPart], processes: int
) -> None:
    hit = [parts[n].blobs[0] for n in (0, 17, 39)]
    for blob_id in hit:
        place = index.places[blob_id]
        flip(path_of(store, place.pack_id), place.offset + place.stored_length // 2)
    make = partial(PackChecker, keys, store, index)
    reports = list(check_packs(make, claims(store), data=True, processes=processes))
    assert sorted(codes(reports)) == sorted((Code.BLOB_CORRUPT, blob_id.hex()) for blob_id in hit)
    assert codes(list(check_packs(make, claims(store), data=False))) == []


def test_a_pack_that_is_gone_is_named(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex, parts: list[ContentPart]
) -> None:
    wanted = claims(store)
    path_of(store, wanted[1].pack_id).unlink()
    reports = list(check_packs(partial(PackChecker, keys, store, index), wanted, data=False))
    assert [report.pack_id for report in reports if report.findings] == [wanted[1].pack_id]
    assert codes(reports) == [(Code.PACK_MISSING, "")]
    assert not reports[1].read_by_rows


@pytest.mark.parametrize("from_end", range(1, TRAILER.size + 20))
def test_a_damaged_end_is_named_and_the_blobs_are_read_by_rows(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex, parts: list[ContentPart], from_end: int
) -> None:
    claim = claims(store)[0]
    path = path_of(store, claim.pack_id)
    flip(path, path.stat().st_size - from_end)
    checker = PackChecker(keys, store, index)
    blind = checker.check(claim, data=True)
    assert codes([blind]) == [(Code.PACK_INDEX, "")]
    assert not blind.read_by_rows
    rows = {blob_id: place for blob_id, place in index.places.items() if place.pack_id == claim.pack_id}
    by_rows = checker.check(Claim(claim.pack_id, claim.size, rows), data=True)
    assert codes([by_rows]) == [(Code.PACK_INDEX, "")]
    assert by_rows.blobs == len(rows)


def test_a_cut_pack_costs_what_was_cut_off(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex, parts: list[ContentPart]
) -> None:
    claim = claims(store)[0]
    rows = {blob_id: place for blob_id, place in index.places.items() if place.pack_id == claim.pack_id}
    places = sorted(rows.items(), key=lambda row: row[1].offset)
    path = path_of(store, claim.pack_id)
    path.write_bytes(path.read_bytes()[: places[2][1].offset + 5])
    found = codes([PackChecker(keys, store, index).check(Claim(claim.pack_id, claim.size, rows), data=True)])
    assert found == [
        (Code.PACK_SIZE, ""),
        (Code.PACK_INDEX, ""),
        *((Code.BLOB_CORRUPT, blob_id.hex()) for blob_id, _ in places[2:]),
    ]


def test_a_row_that_names_the_wrong_place_is_found_by_structure(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex, parts: list[ContentPart]
) -> None:
    blob_id = parts[5].blobs[0]
    right = index.places[blob_id]
    index.places[blob_id] = right._replace(offset=right.offset + 1)
    reports = list(check_packs(partial(PackChecker, keys, store, index), claims(store), data=True))
    assert codes(reports) == [(Code.ROWS_DISAGREE, blob_id.hex())]


def test_another_accounts_pack_under_our_name_is_damage(
    keys: VaultKeys, foreign_keys: VaultKeys, store: LocalStore, index: MemoryIndex, parts: list[ContentPart]
) -> None:
    theirs = LocalStore(store.root.parent / "theirs")
    with VaultWriter(foreign_keys, theirs, MemoryIndex()) as writer:
        writer.put(Role.MIME, b"not yours")
    ((pack_id, _),) = list_packs(theirs)
    claim = claims(store)[0]
    path_of(store, claim.pack_id).write_bytes(path_of(theirs, pack_id).read_bytes())
    report = PackChecker(keys, store, index).check(claim, data=True)
    assert codes([report]) == [(Code.PACK_SIZE, ""), (Code.PACK_INDEX, "")]


def test_a_spare_copy_and_a_blob_that_nothing_needs_are_no_damage(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex, parts: list[ContentPart]
) -> None:
    with VaultWriter(keys, store, MemoryIndex()) as writer:  # V3: a second writer who came second
        writer.put(Role.MIME, MAILS[0])
    del index.places[parts[1].blobs[0]]
    reports = list(check_packs(partial(PackChecker, keys, store, index), claims(store), data=True))
    assert codes(reports) == []
    assert sum(report.blobs for report in reports) == len(MAILS) - 1


def test_a_store_that_does_not_answer_is_no_damage(
    keys: VaultKeys, store: LocalStore, index: MemoryIndex, parts: list[ContentPart]
) -> None:
    with faulty(store, Fault(Kind.FAIL, 3, "get_range")) as broken, pytest.raises(StoreUnavailable):
        list(check_packs(partial(PackChecker, keys, broken, index), claims(store), data=True))
