"""A blob that lies twice: a rebuild names the copy that reads. A pack that looks empty and is not."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from apps.core import clock
from apps.core.scope import account_scope
from apps.vault.enums import CheckState, CopyState, DamageState, PackState
from apps.vault.leases import maintenance
from apps.vault.models import BlobLocation, Damage, Pack, PackCopy
from apps.vault.reindex import index_rebuild
from apps.vault.services import open_vault
from apps.vault.store.codec import Codec
from apps.vault.store.pack import PackBuilder, pack_key
from apps.vault.upkeep import keep_copies
from tests.cast import Cast
from tests.vault.shelves import Kept, assert_all_is_readable, back_up, order_move, second_store, work_on
from tests.vault.test_healing import check, file_of, flip

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def account_id(cast: Cast, vault_folder: Path) -> Iterator[int]:
    with account_scope(cast.account.pk):
        yield cast.account.pk


@pytest.fixture
def kept(account_id: int) -> Kept:
    return back_up(account_id, packs=2)


def store_again(account_id: int, kept: Kept) -> bytes:
    """Put the same blobs into one more pack, as a writer that came second does; returns its id."""
    vault = open_vault(account_id=account_id)
    builder = PackBuilder(vault.keys)
    for data, part in kept:
        builder.add(part.blobs[0], Codec.RAW, data, len(data))
    sealed = builder.seal()
    vault.store.put_if_absent(pack_key(sealed.pack_id), sealed.data)
    return sealed.pack_id


def rebuild(account_id: int) -> int:
    BlobLocation.objects.all().delete()
    Pack.objects.all().delete()
    with maintenance(account_id, "rebuild") as lease:
        return index_rebuild(account_id, lease, told=lambda count: None).bettered


def test_of_two_copies_a_rebuild_names_the_one_that_reads_wherever_it_comes_in_the_list(
    account_id: int, kept: Kept, vault_folder: Path
) -> None:
    first, second = Pack.objects.order_by("pack_id")
    store_again(account_id, kept)
    for pack in (first, second):
        place = BlobLocation.objects.filter(pack_row=pack.pk).order_by("position")[0]
        flip(file_of(vault_folder, pack), place.position + 5)
    rebuild(account_id)
    assert_all_is_readable(account_id, kept)
    assert BlobLocation.objects.count() == len(kept)


def test_when_all_copies_are_bad_the_rebuild_changes_nothing_and_the_check_names_the_blob(
    account_id: int, kept: Kept, vault_folder: Path
) -> None:
    spare = store_again(account_id, kept[:1])
    place = BlobLocation.objects.get(blob_id=kept[0][1].blobs[0])
    flip(file_of(vault_folder, Pack.objects.get(pk=place.pack_row)), place.position + 5)
    flip(next(vault_folder.glob(f"*/{pack_key(spare)}")), 40)
    assert rebuild(account_id) == 0
    assert check(account_id).findings == 1


@pytest.mark.parametrize("state", [PackState.RETIRED, PackState.DELETED])
def test_a_pack_that_looks_empty_and_is_not_is_taken_back_before_gc_deletes_it(
    account_id: int, kept: Kept, vault_folder: Path, state: PackState
) -> None:
    pack = Pack.objects.order_by("pk")[0]
    Pack.objects.filter(pk=pack.pk).update(state=state, state_at=clock.now())
    found = check(account_id)
    assert (found.state, found.findings) == (CheckState.DAMAGED, 1)
    assert Damage.objects.get().state == DamageState.HEALED
    assert check(account_id).state == CheckState.CLEAN
    assert_all_is_readable(account_id, kept)


def test_a_pack_that_was_deleted_though_blobs_lay_in_it_is_damage_of_each_blob(
    account_id: int, kept: Kept, vault_folder: Path
) -> None:
    pack = Pack.objects.order_by("pk")[0]
    Pack.objects.filter(pk=pack.pk).update(state=PackState.DELETED, state_at=clock.now())
    file_of(vault_folder, pack).unlink()
    check(account_id)
    assert Damage.objects.exclude(blob_id=b"").count() == 4
    assert not BlobLocation.objects.filter(pack_row=pack.pk).exists()


def test_what_a_move_left_stays_while_the_new_copy_is_damaged(
    account_id: int, kept: Kept, cast: Cast, tmp_path: Path, vault_folder: Path
) -> None:
    work_on(order_move(cast.owner, second_store(tmp_path / "second")))
    pack = Pack.objects.order_by("pk")[0]
    flip(file_of(tmp_path / "second", pack), 60)  # of the same size as ever
    with clock.travel(clock.now() + timedelta(days=8)):
        keep_copies(account_id)
        assert PackCopy.objects.get(pack=pack).state == CopyState.LEFT
        assert file_of(vault_folder, pack).exists()
        assert PackCopy.objects.count() == 1, "the others are gone"
        assert check(account_id).findings == 1
    assert check(account_id).state == CheckState.CLEAN
    assert_all_is_readable(account_id, kept)
