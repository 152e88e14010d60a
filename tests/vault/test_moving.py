"""Moving an account's backups to another store, with people at work and workers dying."""

import contextlib
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from apps.core import clock
from apps.core.errors import Conflict, PermissionMissing
from apps.core.scope import account_scope
from apps.jobs.services import job_cancel
from apps.vault.api import Role, open_reader, open_writer
from apps.vault.copies import GRACE
from apps.vault.models import Pack, PackCopy, Shelf, Store, VaultLease
from apps.vault.moving import move_start, open_move
from apps.vault.store.pack import pack_key
from apps.vault.upkeep import keep_copies
from tests.cast import Cast
from tests.faults.store import Killed
from tests.jobs.conftest import signed_in
from tests.vault.shelves import (
    assert_all_is_readable,
    back_up,
    default_shelf,
    dying_at,
    objects_in,
    order_move,
    second_store,
    stores_of_packs,
    work_on,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def account_id(cast: Cast, vault_folder: Path) -> int:
    return cast.account.pk


@pytest.fixture
def target(account_id: int, tmp_path: Path) -> Store:
    return second_store(tmp_path / "second")


def later(account_id: int, days: float) -> str:
    now = clock.now() + timedelta(days=days)
    with patch("apps.core.clock.now", return_value=now), account_scope(account_id):
        return keep_copies(account_id)


def test_everything_is_in_the_new_store_and_readable(
    account_id: int, cast: Cast, target: Store, vault_folder: Path, tmp_path: Path
) -> None:
    kept = back_up(account_id)
    job = work_on(order_move(cast.owner, target))
    assert (job.state, job.items_done, job.items_total) == ("succeeded", 3, 3)
    assert stores_of_packs(account_id) == {target.pk}
    assert_all_is_readable(account_id, kept)
    vault_folder.rename(tmp_path / "unplugged")
    assert_all_is_readable(account_id, kept)


def test_new_backups_go_to_the_new_store_at_once(account_id: int, cast: Cast, target: Store) -> None:
    back_up(account_id)
    job = order_move(cast.owner, target)
    new = back_up(account_id, seed=2, packs=1)
    with account_scope(account_id):
        assert Pack.objects.order_by("-pk")[0].store_id == target.pk
    assert work_on(job).state == "succeeded"
    assert_all_is_readable(account_id, new)


def test_what_an_open_writer_puts_into_the_old_store_follows(
    account_id: int, cast: Cast, target: Store
) -> None:
    back_up(account_id)
    writer = open_writer(account_id)
    job = order_move(cast.owner, target)
    during = writer.put(Role.MIME, b"while the job was written")
    writer.flush()
    assert work_on(job).result["late"] == 1
    after = writer.put(Role.MIME, b"after its end")
    writer.flush()
    assert open_reader(account_id).read(after) == b"after its end"
    with account_scope(account_id):
        assert keep_copies(account_id) == "done"
    assert stores_of_packs(account_id) == {target.pk}
    assert open_reader(account_id).read(during) == b"while the job was written"


def test_the_old_copies_are_deleted_after_the_grace_period_and_not_before(
    account_id: int, cast: Cast, target: Store, vault_folder: Path
) -> None:
    kept = back_up(account_id)
    before = objects_in(vault_folder)
    work_on(order_move(cast.owner, target))
    later(account_id, GRACE.days - 1)
    assert objects_in(vault_folder) == before
    later(account_id, GRACE.days + 1)
    later(account_id, GRACE.days + 1)
    assert objects_in(vault_folder) == set()
    with account_scope(account_id):
        assert not PackCopy.objects.exists() and not default_shelf(account_id).former.exists()
    assert_all_is_readable(account_id, kept)


def test_an_old_copy_is_kept_while_the_new_one_is_not_there(
    account_id: int, cast: Cast, target: Store, vault_folder: Path, tmp_path: Path
) -> None:
    back_up(account_id, packs=1)
    work_on(order_move(cast.owner, target))
    (moved,) = [path for path in (tmp_path / "second").rglob("*") if path.parent.parent.name == "packs"]
    moved.unlink()
    later(account_id, GRACE.days + 1)
    assert moved.name in objects_in(vault_folder)


def test_a_move_back_finds_what_was_left(
    account_id: int, cast: Cast, target: Store, vault_folder: Path
) -> None:
    kept = back_up(account_id)
    home = default_shelf_store(account_id)
    work_on(order_move(cast.owner, target))
    assert work_on(order_move(cast.owner, home)).state == "succeeded"
    assert stores_of_packs(account_id) == {home.pk}
    later(account_id, GRACE.days + 1)
    assert_all_is_readable(account_id, kept)
    assert len(objects_in(vault_folder)) == 4  # three packs and the envelope


def default_shelf_store(account_id: int) -> Store:
    with account_scope(account_id):
        return default_shelf(account_id).store


def test_a_damaged_pack_stays_where_it_is_and_is_named(
    account_id: int, cast: Cast, target: Store, vault_folder: Path
) -> None:
    back_up(account_id)
    with account_scope(account_id):
        bad = Pack.objects.order_by("pk")[1]
    (path,) = vault_folder.glob(f"*/{pack_key(bytes(bad.pack_id))}")
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    job = work_on(order_move(cast.owner, target))
    assert (job.state, job.items_done, job.items_failed) == ("partial", 2, 1)
    with account_scope(account_id):
        assert Pack.objects.get(pk=bad.pk).store_id != target.pk


def test_a_cancelled_move_leaves_everything_readable_and_the_rest_where_it_is(
    account_id: int, cast: Cast, target: Store
) -> None:
    kept = back_up(account_id)
    job = order_move(cast.owner, target)
    with signed_in(cast.owner):
        job_cancel(job)
    assert work_on(job).state == "cancelled"
    with account_scope(account_id):
        keep_copies(account_id)
    assert target.pk not in stores_of_packs(account_id)
    assert_all_is_readable(account_id, kept)
    assert work_on(order_move(cast.owner, target)).state == "succeeded"
    assert stores_of_packs(account_id) == {target.pk}


def test_two_moves_at_once_are_refused(account_id: int, cast: Cast, target: Store) -> None:
    back_up(account_id)
    order_move(cast.owner, target)
    with pytest.raises(Conflict):
        order_move(cast.owner, target)


def test_only_administrators_move(account_id: int, cast: Cast, target: Store) -> None:
    back_up(account_id)
    with signed_in(cast.operator), pytest.raises(PermissionMissing):
        move_start(shelf=default_shelf(account_id), target=target)


@pytest.mark.slow
def test_killed_at_any_step_nothing_is_lost_and_the_rerun_completes(
    account_id: int, cast: Cast, target: Store, tmp_path: Path
) -> None:
    kept = back_up(account_id, packs=2)
    with dying_at(0) as counted:
        work_on(order_move(cast.owner, target))
    assert counted[0] > 40
    for number, step in enumerate(range(1, counted[0], 7)):  # each round meets other moments
        there = second_store(tmp_path / f"store-{number}")
        with contextlib.suppress(Killed), dying_at(step):
            work_on(order_move(cast.owner, there))
        assert_all_is_readable(account_id, kept)
        with account_scope(account_id):
            job = open_move(default_shelf(account_id))
        if job or stores_of_packs(account_id) != {there.pk}:
            assert work_on(job or order_move(cast.owner, there)).state == "succeeded"
        assert stores_of_packs(account_id) == {there.pk}
        assert_all_is_readable(account_id, kept)


@pytest.mark.slow
def test_killed_at_any_step_of_clearing_away_nothing_is_lost(
    account_id: int, cast: Cast, target: Store, vault_folder: Path
) -> None:
    kept, deaths = back_up(account_id, packs=2), 0
    work_on(order_move(cast.owner, target))
    through = False
    while not through:
        with contextlib.suppress(Killed), dying_at(1 + 3 * deaths):
            through = later(account_id, GRACE.days + 1) == "done"
        deaths += 1
        with account_scope(account_id):
            VaultLease.objects.update(owner="", until=None)
        assert_all_is_readable(account_id, kept)
    assert deaths > 5
    later(account_id, GRACE.days + 1)
    assert objects_in(vault_folder) == set()


def test_a_store_that_is_lost_is_left_by_way_of_its_replica(
    account_id: int, cast: Cast, target: Store, vault_folder: Path, tmp_path: Path
) -> None:
    kept = back_up(account_id)
    with account_scope(account_id):
        Shelf.objects.update(replica=second_store(tmp_path / "replica"))
        keep_copies(account_id)
    vault_folder.rename(tmp_path / "lost")
    assert work_on(order_move(cast.owner, target)).state == "succeeded"
    assert stores_of_packs(account_id) == {target.pk}
    assert_all_is_readable(account_id, kept)
