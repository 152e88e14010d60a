"""Healing from good copies: a replica first, then another shelf, and only then the source."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.core.scope import account_scope
from apps.vault.enums import CheckState, CheckTier, CheckTrigger, DamageState
from apps.vault.health import run_check
from apps.vault.health.checks import check_open
from apps.vault.models import BlobLocation, Damage, Pack, Shelf, VaultCheck
from apps.vault.store.pack import pack_key
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
    Shelf.objects.create(account_id=account_id, number=1, store=second_store(tmp_path / "other"))
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
