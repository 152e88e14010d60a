"""A blob that lies twice: a rebuild names the copy that reads. A pack that looks empty and is not."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from apps.core import clock
from apps.core.scope import account_scope
from apps.vault.enums import CheckState, CopyState, DamageState, PackState
from apps.vault.health.damage import record
from apps.vault.health.healing import heal
from apps.vault.leases import maintenance
from apps.vault.models import BlobLocation, Damage, Pack, PackCopy
from apps.vault.reindex import index_rebuild
from apps.vault.services import open_vault
from apps.vault.store.check import Code, Finding
from apps.vault.store.codec import Codec
from apps.vault.store.pack import PackBuilder, pack_key
from apps.vault.upkeep import keep_copies
from tests.cast import Cast
from tests.faults.store import Killed
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


def test_a_rebuild_that_was_killed_before_it_chose_a_copy_is_made_good_by_the_next_one(
    account_id: int, kept: Kept, vault_folder: Path
) -> None:
    packs = list(Pack.objects.order_by("pack_id"))
    store_again(account_id, kept)
    for pack in packs:
        place = BlobLocation.objects.filter(pack_row=pack.pk).order_by("position")[0]
        flip(file_of(vault_folder, pack), place.position + 5)
    first = [bytes(pack.pack_id) for pack in packs]
    named = patch("apps.vault.reindex._unrecorded", lambda *_: unrecorded(vault_folder, first))
    with named, patch("apps.vault.reindex.prefer_whole", side_effect=Killed), pytest.raises(Killed):
        rebuild(account_id)
    with maintenance(account_id, "rebuild") as lease:
        again = index_rebuild(account_id, lease, told=lambda count: None)
    assert (again.packs, again.bettered) == (0, 2)
    assert_all_is_readable(account_id, kept)


def unrecorded(folder: Path, first: list[bytes]) -> Iterator[tuple[bytes, int]]:
    """List packs as a store may do, those of `first` before the others."""
    paths = {bytes.fromhex(path.name): path.stat().st_size for path in folder.glob("*/packs/*/*")}
    return iter(sorted(paths.items(), key=lambda pack: pack[0] not in first))


@pytest.mark.parametrize("state", ["recorded", "retired", "unrecorded"])
def test_healing_takes_a_blob_from_another_pack_before_it_gives_it_up(
    account_id: int, kept: Kept, vault_folder: Path, state: str
) -> None:
    spare = store_again(account_id, kept[:1])
    if state != "unrecorded":
        with maintenance(account_id, "rebuild") as lease:
            index_rebuild(account_id, lease, told=lambda count: None)
    if state == "retired":
        Pack.objects.filter(pack_id=spare).update(state=PackState.RETIRED, state_at=clock.now())
    place = BlobLocation.objects.get(blob_id=kept[0][1].blobs[0])
    flip(file_of(vault_folder, Pack.objects.get(pk=place.pack_row)), place.position + 5)
    check(account_id)
    assert Damage.objects.get().how == "Taken from another pack."
    assert_all_is_readable(account_id, kept)
    assert check(account_id).state == CheckState.CLEAN


def test_a_finding_of_before_brings_no_deleted_pack_back(account_id: int, kept: Kept) -> None:
    pack = Pack.objects.order_by("pk")[0]
    record(account_id, [Finding(Code.PACK_RETIRED, "It was in use.", str(pack))])
    BlobLocation.objects.filter(pack_row=pack.pk).delete()
    Pack.objects.filter(pk=pack.pk).update(state=PackState.DELETED, state_at=clock.now())
    heal(account_id)
    assert Pack.objects.get(pk=pack.pk).state == PackState.DELETED
    assert Damage.objects.get().state == DamageState.HEALED


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
