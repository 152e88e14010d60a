"""Healing from good copies: a replica first, then another shelf, and only then the source."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from apps.core import clock
from apps.core.scope import account_scope
from apps.vault.api import Role
from apps.vault.enums import CheckState, CheckTier, CheckTrigger, DamageState
from apps.vault.errors import GcRefused
from apps.vault.gc import collect
from apps.vault.health import damage_settle, run_check
from apps.vault.health.checks import check_open
from apps.vault.health.damage import record
from apps.vault.models import BlobLocation, Damage, Pack, Shelf, VaultCheck
from apps.vault.services import open_vault
from apps.vault.shelves import shelf_in
from apps.vault.store.check import Code, Finding
from apps.vault.store.codec import Codec
from apps.vault.store.dictionary import Dictionary, number_of
from apps.vault.store.pack import Kind, PackBuilder, pack_key
from apps.vault.upkeep import keep_copies
from tests.cast import Cast
from tests.vault.shelves import Kept, assert_all_is_readable, back_up, second_store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def account_id(cast: Cast, vault_folder: Path) -> Iterator[int]:
    with account_scope(cast.account.pk):
        yield cast.account.pk


@pytest.fixture
def kept(account_id: int, tmp_path: Path) -> Kept:
    """Three packs, each with a replica."""
    kept = back_up(account_id)
    Shelf.objects.update(replica=second_store(tmp_path / "replica"))
    assert keep_copies(account_id) == "done"
    return kept


def check(account_id: int) -> VaultCheck:
    row = check_open(account_id, CheckTier.ALL, CheckTrigger.PERSON)
    while not run_check(check_id=row.pk):
        pass
    row.refresh_from_db()
    return row


def file_of(folder: Path, pack: Pack) -> Path:
    (path,) = folder.glob(f"*/{pack_key(bytes(pack.pack_id))}")
    return path


def flip(path: Path, position: int) -> None:
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)


def test_damage_in_the_first_store_is_found_though_the_replica_answers_and_healed_from_it(
    account_id: int, kept: Kept, vault_folder: Path
) -> None:
    lost, cut, flipped = Pack.objects.order_by("pk")
    file_of(vault_folder, lost).unlink()
    path = file_of(vault_folder, cut)
    path.write_bytes(path.read_bytes()[:-100])
    place = BlobLocation.objects.filter(pack_row=flipped.pk).first()
    assert place is not None
    flip(file_of(vault_folder, flipped), place.position + 5)
    assert_all_is_readable(account_id, kept)
    found = check(account_id)
    assert found.findings >= 3
    assert set(Damage.objects.values_list("state", "how")) == {(DamageState.HEALED, "Taken from the replica.")}
    assert check(account_id).state == CheckState.CLEAN
    assert_all_is_readable(account_id, kept)


def test_a_blob_is_taken_from_a_replica_that_is_damaged_elsewhere(
    account_id: int, kept: Kept, vault_folder: Path, tmp_path: Path
) -> None:
    pack = Pack.objects.order_by("pk")[0]
    here, there = BlobLocation.objects.filter(pack_row=pack.pk).order_by("position")[:2]
    flip(file_of(vault_folder, pack), here.position + 5)
    flip(file_of(tmp_path / "replica", pack), there.position + 5)
    check(account_id)
    assert Damage.objects.get().state == DamageState.HEALED
    assert BlobLocation.objects.get(blob_id=here.blob_id).pack_row != pack.pk, "it lies in a new pack"
    assert check(account_id).state == CheckState.CLEAN
    assert_all_is_readable(account_id, kept)


def test_a_copy_on_another_shelf_spares_the_source(account_id: int, vault_folder: Path, tmp_path: Path) -> None:
    kept = back_up(account_id, packs=1)
    assert shelf_in(second_store(tmp_path / "other")).number == 1
    assert [part for _, part in back_up(account_id, packs=1, shelf=1)] == [part for _, part in kept]
    place = BlobLocation.objects.filter(shelf=0).first()
    assert place is not None
    flip(file_of(vault_folder, Pack.objects.get(pk=place.pack_row)), place.position + 5)
    check(account_id)
    assert Damage.objects.get().state == DamageState.HEALED
    assert not BlobLocation.objects.filter(shelf=0, blob_id=place.blob_id).exists(), (
        "the next backup stores it anew"
    )
    assert check(account_id).state == CheckState.CLEAN
    assert_all_is_readable(account_id, kept)


def test_a_blob_that_came_back_on_another_shelf_is_healed(
    account_id: int, vault_folder: Path, tmp_path: Path
) -> None:
    back_up(account_id, packs=1)
    Shelf.objects.create(account_id=account_id, number=1, store=second_store(tmp_path / "other"))
    ((_, part), *_) = back_up(account_id, seed=2, packs=1, shelf=1)
    lost = Finding(Code.BLOB_CORRUPT, "It did not read.", blob_id=part.blobs[0].hex())
    record(account_id, [lost])
    Damage.objects.update(state=DamageState.REFETCH)
    damage_settle(account_id)
    assert Damage.objects.get().state == DamageState.HEALED


def two_copies(account_id: int) -> list[Pack]:
    """A dictionary in two packs, the first copy in the first."""
    vault = open_vault(account_id=account_id)
    first = Dictionary(Role.MIME, b"what all mails have in common " * 40)
    second = replace(first, copy_of=number_of(vault.keys.blob_id(first.plaintext())))
    for copy in (first, second):
        text = copy.plaintext()
        builder = PackBuilder(vault.keys)
        builder.add(vault.keys.blob_id(text), Codec.RAW, text, len(text), Kind.DICTIONARY)
        sealed = builder.seal()
        vault.store.put_if_absent(pack_key(sealed.pack_id), sealed.data)
        vault.index.record(sealed)
    return list(Pack.objects.order_by("pk"))


@pytest.mark.parametrize("hit", [0, 1])
@pytest.mark.parametrize("harm", ["flipped", "missing"])
def test_a_bad_copy_of_a_dictionary_is_made_anew_from_the_other(
    account_id: int, vault_folder: Path, hit: int, harm: str
) -> None:
    packs = two_copies(account_id)
    path = file_of(vault_folder, packs[hit])
    flip(path, 60) if harm == "flipped" else path.unlink()
    before = set(BlobLocation.objects.values_list("blob_id", flat=True))
    assert check(account_id).state == CheckState.DAMAGED
    assert check(account_id).state == CheckState.CLEAN
    assert set(BlobLocation.objects.values_list("blob_id", flat=True)) == before
    assert len(set(BlobLocation.objects.values_list("pack_row", flat=True))) == 2, "never in one pack"
    assert set(Damage.objects.values_list("state", flat=True)) == {DamageState.HEALED}


def test_missing_packs_with_all_copies_of_a_dictionary_do_not_stop_gc_for_ever(
    account_id: int, vault_folder: Path
) -> None:
    for pack in two_copies(account_id):
        file_of(vault_folder, pack).unlink()
    with clock.travel(clock.now() + timedelta(days=2)):
        with pytest.raises(GcRefused, match="vault heal"):
            collect(account_id, now=True)
        check(account_id)
        assert not Pack.objects.exists() and not BlobLocation.objects.exists()
        assert collect(account_id, now=True)
        assert check(account_id).state == CheckState.CLEAN


def test_a_dictionary_without_a_good_copy_keeps_its_place_and_stays_noted(
    account_id: int, vault_folder: Path
) -> None:
    vault = open_vault(account_id=account_id)
    builder = PackBuilder(vault.keys)
    builder.add(vault.keys.blob_id(b"words"), Codec.RAW, b"words", 5, Kind.DICTIONARY)
    sealed = builder.seal()
    vault.store.put_if_absent(pack_key(sealed.pack_id), sealed.data)
    vault.index.record(sealed)
    flip(file_of(vault_folder, Pack.objects.get()), sealed.blobs[0][1].offset)
    assert check(account_id).findings == 1
    assert BlobLocation.objects.count() == 1
    assert check(account_id).findings == 0
    assert Damage.objects.get().state == DamageState.LOST
