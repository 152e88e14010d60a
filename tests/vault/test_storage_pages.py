"""Settings → Storage: stores of one's own on a real S3 server, and what nobody may do with them."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.approvals.services import approve
from apps.accounts.enums import Role
from apps.accounts.models import Account, Approval, Membership
from apps.accounts.selectors import actor_of
from apps.activity.models import Activity
from apps.backups.models import BackupTask
from apps.core import clock
from apps.core.actor import acting_as
from apps.core.errors import PermissionMissing
from apps.core.permissions import Permission
from apps.core.rotation import reseal_all
from apps.core.scope import account_scope
from apps.core.sealing import Keyring, key_id_of
from apps.jobs.models import Job
from apps.vault.api import Role as PartRole
from apps.vault.api import open_reader, open_writer
from apps.vault.enums import CheckTier, CheckTrigger
from apps.vault.health import run_check
from apps.vault.health.checks import check_open
from apps.vault.models import Pack, Shelf, Store
from apps.vault.move_orders import move_order
from apps.vault.shelves import replica_set
from apps.vault.stores import credentials_of
from apps.vault.upkeep import keep_copies
from tests.backups.makers import make_connection, make_task
from tests.cast import Cast, member, prove_again
from tests.fixtures.s3 import KEY_ID, SECRET, S3Server
from tests.jobs.conftest import signed_in
from tests.vault.own_stores import make_own_store
from tests.vault.shelves import back_up, order_move, second_store, work_on

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture
def olivia(cast: Cast, vault_folder: Path, settings: Any) -> Client:
    settings.STORE_PRIVATE_NETWORKS = ["127.0.0.0/8"]
    client = Client()
    client.force_login(cast.owner)
    prove_again(client)
    return client


@pytest.fixture
def form(s3_server: S3Server) -> Iterator[dict[str, str]]:
    """What Olivia types for a bucket of the test server."""
    s3_server.start()
    name = f"own-{Store.objects.count()}-{id(s3_server) % 1000}-{len(list(s3_server.folder.iterdir()))}"
    yield {
        "name": "Our bucket",
        "bucket": s3_server.bucket(name),
        "folder": "everkeep",
        "endpoint": s3_server.endpoint,
        "region": "us-east-1",
        "key_id": KEY_ID,
        "secret": SECRET,
        "lock": "",
    }


def add(olivia: Client, form: dict[str, str], **changes: str) -> str:
    answer = olivia.post(reverse("storage_add", args=["compatible"]), {**form, **changes}, follow=True)
    return re.sub(r"\s+", " ", answer.content.decode())


def own_store() -> Store:
    return Store.objects.get(account__isnull=False)


def test_a_store_that_works_is_added_tested_and_used(olivia: Client, form: dict[str, str], cast: Cast) -> None:
    page = add(olivia, form)
    assert "works and is in your list" in page and "Delete it: passed" in page
    with account_scope(cast.account.pk):
        row = Activity.objects.get(code="storage.added")
    assert row.item_label == "Our bucket" and SECRET not in str(row.details)


def test_credentials_are_sealed_and_on_no_page(olivia: Client, form: dict[str, str]) -> None:
    add(olivia, form)
    store = own_store()
    assert SECRET.encode() not in bytes(store.sealed_credentials) and SECRET not in store.url
    for address in (reverse("storage"), reverse("storage_store", args=[store.public_id])):
        page = olivia.get(address).content.decode()
        assert SECRET not in page and KEY_ID not in page
    assert credentials_of(store) == {"key_id": KEY_ID, "secret": SECRET}


def test_a_new_master_key_reseals_them(olivia: Client, form: dict[str, str]) -> None:
    add(olivia, form)
    ring = Keyring({"new": b"n" * 32, "test1": b"k" * 32})
    assert reseal_all(ring) == 1
    assert key_id_of(bytes(own_store().sealed_credentials)) == "new"


def test_a_store_that_refuses_is_not_added(olivia: Client, form: dict[str, str]) -> None:
    page = add(olivia, form, secret="wrong")
    assert "The store was not added" in page and "Write an object: failed" in page and "wrong" not in page
    assert not Store.objects.filter(account__isnull=False).exists()


def test_the_same_store_is_not_added_twice(olivia: Client, form: dict[str, str]) -> None:
    add(olivia, form)
    assert "in your list already" in add(olivia, form)
    assert Store.objects.filter(account__isnull=False).count() == 1


def test_new_credentials_are_kept_only_when_they_open_the_store(olivia: Client, form: dict[str, str]) -> None:
    add(olivia, form)
    store = own_store()
    address = reverse("storage_store", args=[store.public_id])
    page = olivia.post(address, {"name": "Renamed", "key_id": KEY_ID, "secret": "wrong"}).content.decode()
    assert "failed" in page and credentials_of(own_store()) == {"key_id": KEY_ID, "secret": SECRET}
    olivia.post(address, {"name": "Renamed"})
    assert own_store().name == "Renamed" and credentials_of(own_store()) == {"key_id": KEY_ID, "secret": SECRET}


def test_a_store_that_is_away_says_so_and_is_well_again(
    olivia: Client, form: dict[str, str], s3_server: S3Server
) -> None:
    add(olivia, form)
    address = reverse("storage_test", args=[own_store().public_id])
    s3_server.kill()
    assert "Nothing answers" in olivia.post(address).content.decode()
    assert own_store().state == "failing"
    s3_server.start()
    assert "failed" not in olivia.post(address).content.decode()
    assert own_store().state == "working"


def test_backups_move_there_and_back_and_the_store_can_then_be_removed(
    olivia: Client, form: dict[str, str], cast: Cast, vault_folder: Path
) -> None:
    kept = back_up(cast.account.pk)
    add(olivia, form)
    with account_scope(cast.account.pk):
        shelf = Shelf.objects.get()
    with patch("celery.app.task.Task.apply_async"):
        olivia.post(reverse("storage_move", args=[shelf.public_id]), {"store": str(own_store().public_id)})
    with account_scope(cast.account.pk):
        job = Job.objects.get()
        assert work_on(job).state == "succeeded"
        assert list(open_reader(cast.account.pk).read_many([p for _, p in kept])) == [d for d, _ in kept]
        assert not Pack.objects.exclude(store=own_store()).exists()
    remove = reverse("storage_remove", args=[own_store().public_id])
    assert olivia.post(remove).status_code == 409
    assert "still lie elsewhere" not in olivia.get(reverse("storage")).content.decode()


def test_a_second_store_is_filled_in_the_background(olivia: Client, form: dict[str, str], cast: Cast) -> None:
    back_up(cast.account.pk)
    add(olivia, form)
    with account_scope(cast.account.pk):
        shelf = Shelf.objects.get()
    address = reverse("storage_replica", args=[shelf.public_id])
    olivia.post(address, {"store": str(own_store().public_id)})
    assert "3 packs" in olivia.get(reverse("storage")).content.decode()
    with account_scope(cast.account.pk):
        assert keep_copies(cast.account.pk) == "done"
    assert "Complete" in olivia.get(reverse("storage")).content.decode()
    with account_scope(cast.account.pk):
        assert Activity.objects.filter(code="storage.replicated").count() == 1


def test_a_task_with_a_store_of_its_own_keeps_all_of_its_content_there(
    olivia: Client, form: dict[str, str], cast: Cast
) -> None:
    account_id = cast.account.pk
    with open_writer(account_id) as writer:
        writer.put(PartRole.MIME, b"known to the whole account")
    with account_scope(account_id):
        task = make_task(make_connection(cast.account))
    add(olivia, form)
    wanted = {"name": "T", "precedence": "2", "store": str(own_store().public_id)}
    olivia.post(reverse("task_settings", args=[task.public_id]), wanted)
    with account_scope(account_id):
        shelf = BackupTask.objects.get().shelf
        assert shelf == 1
        with open_writer(account_id, shelf) as writer:
            part = writer.put(PartRole.MIME, b"known to the whole account")
        assert writer.new_blobs == 1
        assert set(Pack.objects.filter(shelf=1).values_list("store", flat=True)) == {own_store().pk}
    assert open_reader(account_id).read(part) == b"known to the whole account"
    assert olivia.post(reverse("storage_remove", args=[own_store().public_id])).status_code == 409


def test_a_foreign_store_can_be_given_to_nothing(olivia: Client, cast: Cast) -> None:
    foreign = make_own_store(cast.other_account.pk)
    back_up(cast.account.pk, packs=1)
    with account_scope(cast.account.pk):
        shelf, task = Shelf.objects.get(), make_task(make_connection(cast.account))
    make_own_store(cast.account.pk)
    for name in ("storage_move", "storage_replica"):
        olivia.post(reverse(name, args=[shelf.public_id]), {"store": str(foreign.public_id)})
    wanted = {"name": "T", "precedence": "2", "store": str(foreign.public_id)}
    assert olivia.post(reverse("task_settings", args=[task.public_id]), wanted).status_code == 200
    with account_scope(cast.account.pk):
        shelf.refresh_from_db()
        assert shelf.replica is None and shelf.store.account_id is None and BackupTask.objects.get().shelf == 0


def test_who_operates_backups_does_not_choose_stores(cast: Cast, vault_folder: Path) -> None:
    make_own_store(cast.account.pk)
    with account_scope(cast.account.pk):
        task = make_task(make_connection(cast.account))
    client = Client()
    client.force_login(cast.operator)
    page = client.get(reverse("task_settings", args=[task.public_id])).content.decode()
    assert 'name="store"' not in page


def test_moves_and_second_copies_are_noted_without_the_addresses_of_the_operators_stores(
    olivia: Client, cast: Cast, vault_folder: Path, tmp_path: Path
) -> None:
    back_up(cast.account.pk, packs=1)
    second, third = second_store(tmp_path / "second"), second_store(tmp_path / "third")
    order_move(cast.owner, second)
    with account_scope(cast.account.pk), signed_in(cast.owner):
        shelf = Shelf.objects.get(number=0)
        replica_set(shelf=shelf, replica=third)
        notes = str(list(Activity.objects.values())) + str(list(Job.objects.values()))
    pages = [olivia.get(reverse(name)).content.decode() for name in ("health", "job_list", "activity_list")]
    assert "storage.replicated" in notes and "storage.moved" in notes
    assert str(tmp_path) not in notes + "".join(pages)


def test_where_the_operators_store_is_stands_on_no_page(olivia: Client, cast: Cast, vault_folder: Path) -> None:
    back_up(cast.account.pk, packs=1)
    with account_scope(cast.account.pk):
        Shelf.objects.update(trouble=f"At file://{vault_folder} is not the store that holds this vault.")
    page = olivia.get(reverse("storage")).content.decode()
    assert "A store of Everkeep" in page and str(vault_folder) not in page
    vault_folder.rename(vault_folder.with_name("unplugged"))
    with account_scope(cast.account.pk):
        check = check_open(cast.account.pk, CheckTier.STRUCTURE, CheckTrigger.PERSON)
        assert run_check(check_id=check.pk)
    assert str(vault_folder) not in olivia.get(reverse("health")).content.decode()
    with account_scope(cast.account.pk):
        Shelf.objects.all().delete()
    assert str(vault_folder) not in olivia.get(reverse("storage")).content.decode()


def test_where_backups_lie_is_changed_after_a_fresh_proof_alone(cast: Cast, vault_folder: Path) -> None:
    back_up(cast.account.pk)
    store = make_own_store(cast.account.pk)
    client = Client()
    client.force_login(cast.owner)
    with account_scope(cast.account.pk):
        shelf = Shelf.objects.get()
    for address in (
        reverse("storage_add", args=["s3"]),
        reverse("storage_move", args=[shelf.public_id]),
        reverse("storage_replica", args=[shelf.public_id]),
    ):
        answer = client.post(address, {"store": str(store.public_id)})
        assert answer["Location"].startswith(reverse("sudo"))
    with account_scope(cast.account.pk):
        assert Shelf.objects.get().replica is None and not Job.objects.exists()


def test_into_a_store_of_ones_own_backups_go_by_the_two_person_rule_and_never_unsaid(
    olivia: Client, form: dict[str, str], cast: Cast
) -> None:
    back_up(cast.account.pk)
    add(olivia, form)
    long_ago = clock.now() - timedelta(days=30)
    anna = member(cast.account, "anna@pizza-perfecto.example", Role.ADMINISTRATOR, standing_since=long_ago)
    Account.objects.filter(pk=cast.account.pk).update(two_person=True)
    with account_scope(cast.account.pk):
        shelf, before = Shelf.objects.get(), Shelf.objects.get().store_id
    address, choice = reverse("storage_move", args=[shelf.public_id]), {"store": str(own_store().public_id)}
    assert olivia.post(address, choice)["Location"] == reverse("storage")
    assert olivia.post(address, choice).status_code == 409, "it waits already"
    with account_scope(cast.account.pk):
        row = Approval.objects.get()
        assert (Shelf.objects.get().store_id, Job.objects.count()) == (before, 0)
    assert "who has its keys can delete everything there. Immutable: None." in row.words
    mail.outbox.clear()
    membership = Membership.objects.get(user=anna)
    with (
        clock.travel(clock.now() + timedelta(days=2)),
        account_scope(cast.account.pk),
        acting_as(actor_of(membership)),
        patch("celery.app.task.Task.apply_async"),
    ):
        approve(approval=row, membership=membership)
        assert (Shelf.objects.get().store_id, Job.objects.count()) == (own_store().pk, 1)
    told = {sent.to[0] for sent in mail.outbox if sent.subject.startswith("Backups move into a store")}
    assert told == {cast.owner.email, anna.email}
    with account_scope(cast.account.pk):
        Job.objects.update(state="cancelled")
        Account.objects.filter(pk=cast.account.pk).update(two_person=False)
    limited = frozenset(set(actor_of(membership).permissions) - {Permission.DELETE.value})
    weak = replace(actor_of(membership), permissions=limited)
    with account_scope(cast.account.pk), acting_as(weak), pytest.raises(PermissionMissing):
        move_order(shelf=shelf, target=own_store())
