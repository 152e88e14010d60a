"""Two installations on one vault: the one that does not own it writes, collects and deletes nothing (V20)."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from apps.activity.heads import Head
from apps.backups.journals.adopt import adopt
from apps.core import clock
from apps.core.scope import account_scope
from apps.vault import audit_heads
from apps.vault.api import Role, open_writer
from apps.vault.envelopes import keys_rewrap
from apps.vault.errors import OwnerUnreadable, StoreError, StoreUnavailable, VaultTaken
from apps.vault.gc import collect
from apps.vault.leases import maintenance
from apps.vault.models import BlobLocation, Installation, Pack, RecoveryKey, Shelf, VaultKey
from apps.vault.ownership import installation_id, vault_own
from apps.vault.recovery import (
    recovery_key_confirm,
    recovery_key_make,
    recovery_keys_tidy,
    recovery_keys_tidy_all,
    recovery_state,
)
from apps.vault.shelves import shelf_in
from apps.vault.shredding import vault_shred
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.owner import owner_key, read_owner, take
from apps.vault.upkeep import keep_copies
from tests.cast import Cast
from tests.vault.shelves import Kept, assert_all_is_readable, back_up, second_store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def account_id(cast: Cast, vault_folder: Path) -> Iterator[int]:
    with account_scope(cast.account.pk):
        yield cast.account.pk


@pytest.fixture
def kept(account_id: int) -> Kept:
    return back_up(account_id)


def folder_of(root: Path) -> Path:
    return root / VaultKey.objects.get().public_id.hex


def become_another() -> uuid.UUID:
    """From here on this process is another installation that uses the same vault; returns who it was."""
    was = installation_id()
    Installation.objects.update(installation_id=uuid.uuid4())
    return was


def claim(*arguments: str) -> str:
    out = StringIO()
    call_command("vault", "claim", *arguments, stdout=out)
    return out.getvalue()


def test_a_vault_says_from_its_first_write_on_whose_it_is(
    account_id: int, kept: Kept, vault_folder: Path
) -> None:
    owner = read_owner(LocalStore(folder_of(vault_folder)))
    assert owner is not None
    assert (owner.number, owner.installation) == (1, installation_id())


def test_another_installation_writes_collects_and_deletes_nothing(
    account_id: int, kept: Kept, vault_folder: Path, cast: Cast
) -> None:
    pack = Pack.objects.order_by("pk")[0]
    Pack.objects.filter(pk=pack.pk).delete()  # as the other one sees what we have just written: an orphan
    become_another()
    before = sorted(path for path in vault_folder.rglob("*") if path.is_file())
    with pytest.raises(VaultTaken), open_writer(account_id) as writer:
        writer.put(Role.FILE, b"not ours")
    for days in (0, 8, 16):
        with clock.travel(clock.now() + timedelta(days=days)), pytest.raises(VaultTaken):
            collect(account_id, now=True, forced=True)
    with pytest.raises(VaultTaken) as refused, maintenance(account_id, "healing"):
        raise AssertionError("never reached")
    assert f"manage.py vault claim --account {cast.account.public_id}" in str(refused.value)
    with pytest.raises(VaultTaken):
        keys_rewrap(account_id=account_id)
    assert keep_copies(account_id) == "taken"
    assert sorted(path for path in vault_folder.rglob("*") if path.is_file()) == before


def test_another_installation_changes_no_recovery_key_and_brings_no_key_anywhere(
    account_id: int, kept: Kept, vault_folder: Path, tmp_path: Path
) -> None:
    key = recovery_key_make(account_id=account_id)
    typed = [key.groups[number - 1] for number in recovery_state(account_id).asked]
    was = become_another()
    keys = folder_of(vault_folder) / "keys"
    (keys / "recovery-of-theirs").write_bytes(b"made by who has the vault now")
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    with pytest.raises(VaultTaken):
        recovery_key_make(account_id=account_id)
    with pytest.raises(VaultTaken):
        recovery_key_confirm(account_id=account_id, typed=typed)
    RecoveryKey.objects.update(replaced_at=clock.now())
    with pytest.raises(VaultTaken):
        recovery_keys_tidy(account_id=account_id)
    assert recovery_keys_tidy_all() == 1, "it is left for another try, and stops no other account"
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before
    second = second_store(tmp_path / "second")
    with pytest.raises(VaultTaken):
        shelf_in(second)
    assert not folder_of(tmp_path / "second").exists()
    Installation.objects.update(installation_id=was)
    assert recovery_keys_tidy_all() == 0


def test_a_store_that_gets_the_keys_says_whose_they_are_and_one_of_somebody_else_gets_none(
    account_id: int, kept: Kept, tmp_path: Path
) -> None:
    shelf_in(second_store(tmp_path / "second"))
    assert read_owner(LocalStore(folder_of(tmp_path / "second"))) is not None
    theirs = second_store(tmp_path / "theirs")
    take(LocalStore(folder_of(tmp_path / "theirs")), uuid.uuid4(), clock.now())
    with pytest.raises(VaultTaken):
        shelf_in(theirs)
    assert not (folder_of(tmp_path / "theirs") / "keys").exists()


def test_another_installation_keeps_no_audit_head(account_id: int, kept: Kept, vault_folder: Path) -> None:
    become_another()
    with pytest.raises(VaultTaken):
        audit_heads.keep(account_id, Head(1, "0" * 64, clock.now().date(), uuid.uuid4()))
    assert not (folder_of(vault_folder) / "audit").exists()


def test_a_change_of_keys_asks_whose_they_are_before_its_transaction(account_id: int, kept: Kept) -> None:
    asked: list[bool] = []

    def note(folder: object, account: str = "") -> None:
        asked.append(transaction.get_connection().in_atomic_block)

    with patch("apps.vault.envelopes.folder_own", note):
        keys_rewrap(account_id=account_id)
    assert asked == [False]


def test_an_adoption_that_fails_half_way_can_be_tried_again(
    account_id: int, kept: Kept, vault_folder: Path
) -> None:
    vault_id, url = VaultKey.objects.get().public_id, vault_folder.as_uri()
    (folder_of(vault_folder) / owner_key(1)).unlink()
    BlobLocation.objects.all().delete()
    for rows in (Pack, Shelf, VaultKey, Installation):
        rows.objects.all().delete()
    order = partial(adopt, url=url, vault_id=vault_id, owner="o@example.org", name="Again", say=lambda _: None)
    away = patch("apps.vault.attaching.envelope_put", side_effect=StoreUnavailable("It is away."))
    with away, pytest.raises(StoreUnavailable):
        order()
    account, report = order()
    assert (account.name, report.packs.packs) == ("Again", 3)


def test_shredding_leaves_the_keys_of_another_installations_customer(account_id: int, kept: Kept) -> None:
    become_another()
    outcome = vault_shred(account_id=account_id)
    assert not outcome.is_complete and not outcome.destroyed
    assert "another installation" in outcome.remnants[0].why


def test_who_claims_the_vault_goes_on_with_it_and_the_one_before_is_refused(
    account_id: int, kept: Kept, cast: Cast
) -> None:
    was = become_another()
    said = claim("--account", str(cast.account.public_id))
    assert f"ours now; before, installation {was} had it." in said
    more = back_up(account_id, 2)
    assert_all_is_readable(account_id, kept + more)
    assert collect(account_id, now=True) is not None
    Installation.objects.update(installation_id=was)
    with pytest.raises(VaultTaken):
        collect(account_id, now=True)


def test_a_vault_of_before_becomes_that_of_the_installation_that_writes_it_next(
    account_id: int, kept: Kept, vault_folder: Path
) -> None:
    (folder_of(vault_folder) / owner_key(1)).unlink()
    vault_own(account_id=account_id)
    owner = read_owner(LocalStore(folder_of(vault_folder)))
    assert owner is not None and owner.installation == installation_id()


def test_of_two_that_take_a_vault_at_once_one_learns_that_it_lost(tmp_path: Path) -> None:
    store, first, second = LocalStore(tmp_path), uuid.uuid4(), uuid.uuid4()
    original = LocalStore.put_if_absent

    def another_is_faster(self: LocalStore, key: str, data: bytes) -> bool:
        with patch.object(LocalStore, "put_if_absent", original):
            take(store, second, clock.now())
        return original(self, key, data)

    with patch.object(LocalStore, "put_if_absent", another_is_faster):
        owner = take(store, first, clock.now())
    assert owner is not None and (owner.number, owner.installation) == (1, second)


@pytest.mark.parametrize(
    "harm", [b"", b"{}", b"[1]", b"\xff" * 90, b'{"format": 1}', b'{"format": 2}', b"[" * 1000]
)
def test_an_owner_that_cannot_be_read_stops_everything_until_somebody_claims(
    account_id: int, kept: Kept, vault_folder: Path, cast: Cast, harm: bytes
) -> None:
    (folder_of(vault_folder) / owner_key(1)).write_bytes(harm)
    with pytest.raises(OwnerUnreadable), maintenance(account_id, "healing"):
        raise AssertionError("never reached")
    claim("--account", str(cast.account.public_id))
    owner = read_owner(LocalStore(folder_of(vault_folder)))
    assert owner is not None and owner.number == 2


def test_a_replica_that_is_away_stops_nobody_and_one_of_somebody_else_does(
    account_id: int, kept: Kept, tmp_path: Path
) -> None:
    second = second_store(tmp_path / "second")
    Shelf.objects.update(replica=second)
    (tmp_path / "second").rename(tmp_path / "away")
    with maintenance(account_id, "copies"):
        pass
    (tmp_path / "away").rename(tmp_path / "second")
    take(LocalStore(folder_of(tmp_path / "second")), uuid.uuid4(), clock.now())
    with pytest.raises(VaultTaken), maintenance(account_id, "copies"):
        raise AssertionError("never reached")


def test_the_command_wants_to_know_which_vault(account_id: int, kept: Kept) -> None:
    for arguments in ([], ["--store", "file:///x"], ["--account", "no id"], ["--account", str(uuid.uuid4())]):
        with pytest.raises(CommandError):
            claim(*arguments)
    assert issubclass(OwnerUnreadable, StoreError)
