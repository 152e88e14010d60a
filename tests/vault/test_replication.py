"""A second store: what is copied there, how it is kept whole, and how reading and healing use it."""

import contextlib
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch
from uuid import uuid4

import pytest

from apps.core import clock
from apps.core.scope import account_scope
from apps.vault.api import Chain, open_journals, open_reader, pack_heal
from apps.vault.copies import GRACE, Copier
from apps.vault.errors import BlobError, StoreError
from apps.vault.models import Pack, PackCopy, Shelf, Store, VaultLease
from apps.vault.services import open_vault
from apps.vault.shelves import replica_set
from apps.vault.storage_page import storage_note
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.check import Claim, PackChecker
from apps.vault.store.mirror import MirrorStore
from apps.vault.store.pack import pack_key
from apps.vault.upkeep import CHECK_EVERY, keep_copies
from tests.cast import Cast
from tests.faults.store import Killed
from tests.jobs.conftest import signed_in
from tests.vault.shelves import Kept, assert_all_is_readable, back_up, dying_at, objects_in, second_store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def account_id(cast: Cast, vault_folder: Path) -> int:
    return cast.account.pk


@pytest.fixture
def kept(account_id: int) -> Kept:
    return back_up(account_id)


@pytest.fixture
def replica(account_id: int, kept: Kept, tmp_path: Path) -> Iterator[Store]:
    """The account's second store, with everything copied."""
    store = second_store(tmp_path / "replica")
    with account_scope(account_id):
        Shelf.objects.update(replica=store)
        assert keep_copies(account_id) == "done"
        yield store


def file_of(folder: Path, pack: Pack) -> Path:
    (path,) = folder.glob(f"*/{pack_key(bytes(pack.pack_id))}")
    return path


def damage(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def test_packs_and_envelopes_are_copied(replica: Store, vault_folder: Path, tmp_path: Path) -> None:
    assert objects_in(tmp_path / "replica") == objects_in(vault_folder)
    assert PackCopy.objects.filter(store=replica, state=1).count() == 3


def test_new_packs_follow_in_the_next_pass(account_id: int, replica: Store) -> None:
    back_up(account_id, seed=2, packs=1)
    keep_copies(account_id)
    assert PackCopy.objects.filter(state=1).count() == 4


def test_without_the_first_store_everything_is_read_from_the_replica(
    account_id: int, kept: Kept, replica: Store, vault_folder: Path
) -> None:
    shutil.rmtree(vault_folder)
    assert_all_is_readable(account_id, kept)
    assert Store.objects.get(account=None, url=vault_folder.as_uri()).state == "failing"


def test_a_lost_pack_and_a_damaged_one_are_read_from_the_replica(
    account_id: int, kept: Kept, replica: Store, vault_folder: Path
) -> None:
    lost, damaged, _ = Pack.objects.order_by("pk")
    file_of(vault_folder, lost).unlink()
    damage(file_of(vault_folder, damaged))
    assert_all_is_readable(account_id, kept)


def test_a_check_is_not_shown_the_replica(account_id: int, replica: Store, vault_folder: Path) -> None:
    pack = Pack.objects.order_by("pk")[0]
    file_of(vault_folder, pack).unlink()
    vault = open_vault(account_id=account_id, strict=True)
    report = PackChecker(vault.keys, vault.store, vault.index).check(
        Claim(bytes(pack.pack_id), pack.size), data=True
    )
    assert [finding.code for finding in report.findings] == ["pack_missing"]


def test_healing_puts_the_replica_in_the_stead_of_what_is_lost_or_damaged(
    account_id: int, kept: Kept, replica: Store, vault_folder: Path, tmp_path: Path
) -> None:
    lost, damaged, _ = Pack.objects.order_by("pk")
    file_of(vault_folder, lost).unlink()
    damage(file_of(vault_folder, damaged))
    assert pack_heal(account_id, bytes(lost.pack_id)) and pack_heal(account_id, bytes(damaged.pack_id))
    shutil.rmtree(tmp_path / "replica")
    assert_all_is_readable(account_id, kept)


def test_what_no_store_has_whole_is_not_healed(
    account_id: int, replica: Store, vault_folder: Path, tmp_path: Path
) -> None:
    pack = Pack.objects.order_by("pk")[0]
    damage(file_of(vault_folder, pack))
    before = file_of(vault_folder, pack).read_bytes()
    damage(file_of(tmp_path / "replica", pack))
    assert not pack_heal(account_id, bytes(pack.pack_id))
    assert file_of(vault_folder, pack).read_bytes() == before


def test_a_damaged_replica_is_found_within_a_month_and_made_anew(
    account_id: int, replica: Store, tmp_path: Path
) -> None:
    pack = Pack.objects.order_by("pk")[0]
    path = file_of(tmp_path / "replica", pack)
    good = path.read_bytes()
    damage(path)
    month = clock.now() + CHECK_EVERY + timedelta(hours=1)
    with patch("apps.core.clock.now", return_value=month):
        keep_copies(account_id)
        keep_copies(account_id)
    assert path.read_bytes() == good
    assert not PackCopy.objects.exclude(state=1).exists()


def test_a_damaged_pack_is_not_replicated(account_id: int, replica: Store, vault_folder: Path) -> None:
    back_up(account_id, seed=3, packs=1)
    pack = Pack.objects.order_by("-pk")[0]
    damage(file_of(vault_folder, pack))
    keep_copies(account_id)
    copy = PackCopy.objects.get(pack=pack)
    assert copy.get_state_display() == "Failed" and copy.due_at is not None


def test_a_replica_that_is_away_harms_no_backup_and_is_caught_up_with(
    account_id: int, kept: Kept, replica: Store, tmp_path: Path
) -> None:
    (tmp_path / "replica").rename(tmp_path / "unplugged")
    new = back_up(account_id, seed=4, packs=1)
    assert keep_copies(account_id) == "trouble"
    assert Shelf.objects.get().trouble
    assert_all_is_readable(account_id, kept + new)
    (tmp_path / "unplugged").rename(tmp_path / "replica")
    with patch("apps.core.clock.now", return_value=clock.now() + timedelta(hours=1)):
        assert keep_copies(account_id) == "done"
    assert PackCopy.objects.filter(state=1).count() == 4 and not Shelf.objects.get().trouble


def test_a_pack_that_all_stores_lack_is_missing_and_one_that_some_cannot_tell_is_not(
    account_id: int, kept: Kept, replica: Store, vault_folder: Path, tmp_path: Path
) -> None:
    pack = Pack.objects.order_by("pk")[0]
    file_of(vault_folder, pack).unlink()
    (tmp_path / "replica").rename(tmp_path / "unplugged")
    with pytest.raises(StoreError):
        open_reader(account_id).read(kept[0][1])
    (tmp_path / "unplugged").rename(tmp_path / "replica")
    file_of(tmp_path / "replica", pack).unlink()
    with pytest.raises(BlobError):
        open_reader(account_id).read(kept[0][1])


def test_deleting_reaches_every_store(
    account_id: int, replica: Store, vault_folder: Path, tmp_path: Path
) -> None:
    store = open_vault(account_id=account_id).store
    assert isinstance(store, MirrorStore)
    for found in list(store.list("packs/")):
        store.delete(found.key)
    assert len(objects_in(vault_folder)) == len(objects_in(tmp_path / "replica")) == 1  # the envelope


@pytest.mark.parametrize("copied", ["while it is deleted", "between the replica and the first store"])
def test_a_journal_that_is_deleted_while_it_is_copied_does_not_live_on_in_the_replica(
    account_id: int, replica: Store, vault_folder: Path, tmp_path: Path, copied: str
) -> None:
    """Erasures and deletions take no lease of the vault: names of what was erased would stay there for ever."""
    folder, chain = open_journals(account_id), Chain(uuid4(), "mail")
    name = folder.write(chain, 1).finish({"before": None}).name
    copier, home = Copier(account_id), Store.objects.get(url=vault_folder.as_uri())
    get, delete = LocalStore.get, LocalStore.delete

    def got(store: LocalStore, key: str) -> bytes:
        data = get(store, key)
        if key.endswith(name.short) and path_of(store) == vault_folder:
            patched.undo()
            folder.remove(name)
        return data

    def deleted(store: LocalStore, key: str) -> None:
        if path_of(store) == vault_folder:
            patched.undo()
            copier.bring_the_rest(home, replica)
        delete(store, key)

    with pytest.MonkeyPatch.context() as patched:
        if copied == "while it is deleted":
            patched.setattr(LocalStore, "get", got)
            copier.bring_the_rest(home, replica)
        else:
            patched.setattr(LocalStore, "delete", deleted)
            folder.remove(name)
    assert not list(vault_folder.rglob(f"*{name.short}*"))
    assert not list((tmp_path / "replica").rglob(f"*{name.short}*"))


def path_of(store: LocalStore) -> Path:
    return Path(store.describe().place)


def test_one_store_alone_costs_no_mirror(account_id: int, kept: Kept) -> None:
    assert not isinstance(open_vault(account_id=account_id).store, MirrorStore)


def test_a_store_that_answers_again_is_no_longer_said_to_fail(
    account_id: int, kept: Kept, replica: Store, vault_folder: Path, tmp_path: Path
) -> None:
    vault_folder.rename(tmp_path / "unplugged")
    assert_all_is_readable(account_id, kept)
    home = Store.objects.get(url=vault_folder.as_uri())
    assert home.state == "failing" and storage_note() == "A store does not work"
    (tmp_path / "unplugged").rename(vault_folder)
    assert_all_is_readable(account_id, kept)
    home.refresh_from_db()
    assert home.state != "failing" and storage_note() == ""


@pytest.mark.slow
def test_killed_at_any_step_no_row_names_a_replica_that_is_not_whole(
    account_id: int, kept: Kept, tmp_path: Path
) -> None:
    with account_scope(account_id):
        Shelf.objects.update(replica=second_store(tmp_path / "measured"))
        with dying_at(0) as counted:
            keep_copies(account_id)
        for number, step in enumerate(range(1, counted[0], 5)):
            replica = second_store(tmp_path / f"replica-{number}")
            Shelf.objects.update(replica=replica)
            with contextlib.suppress(Killed), dying_at(step):
                keep_copies(account_id)
            VaultLease.objects.update(owner="", until=None)
            copier = Copier(account_id)
            for copy in PackCopy.objects.filter(store=replica, state=1).select_related("pack", "store"):
                assert copier.check(copy.pack, copy.store)
            assert keep_copies(account_id) == "done"
            assert PackCopy.objects.filter(store=replica, state=1).count() == 3


def test_a_replica_that_is_no_longer_wanted_goes_after_the_grace_period(
    account_id: int, kept: Kept, replica: Store, cast: Cast, tmp_path: Path
) -> None:
    with signed_in(cast.owner):
        replica_set(shelf=Shelf.objects.select_related("store", "replica").get(), replica=None)
    keep_copies(account_id)
    assert len(objects_in(tmp_path / "replica")) == 4
    with patch("apps.core.clock.now", return_value=clock.now() + GRACE + timedelta(hours=1)):
        keep_copies(account_id)
        keep_copies(account_id)
    assert objects_in(tmp_path / "replica") == set()
    assert not PackCopy.objects.exists() and not Shelf.objects.get().former.exists()
    assert_all_is_readable(account_id, kept)


def test_a_copy_that_was_made_while_another_store_was_chosen_goes_too(
    account_id: int, replica: Store, tmp_path: Path
) -> None:
    """The pass that made it had read the shelf before."""
    other = second_store(tmp_path / "other")
    Shelf.objects.get().former.add(replica)
    Shelf.objects.update(replica=other)
    keep_copies(account_id)
    assert set(PackCopy.objects.values_list("store_id", "state")) == {(replica.pk, 2), (other.pk, 1)}
