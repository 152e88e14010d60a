"""The vault of an account that is deleted: whom the deletion waits for, how long. apps/vault/ending.py."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apps.core import clock
from apps.core.ids import new_public_id
from apps.core.scope import account_scope
from apps.vault import ending
from apps.vault.api import Role, open_writer
from apps.vault.ending import PATIENCE, destroy_keys, empty_stores
from apps.vault.models import Installation, Shelf, Store, VaultKey
from apps.vault.services import key_places
from apps.vault.store.errors import ObjectLocked
from tests.cast import Cast
from tests.faults.store import FaultyStore
from tests.vault.own_stores import make_own_store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def account_id(cast: Cast, vault_folder: Path) -> int:
    with open_writer(cast.account.pk) as writer:
        writer.put(Role.MIME, b"kept")
    return cast.account.pk


def later(account_id: int) -> None:
    """PATIENCE since the shredding began is over."""
    began = clock.now() - PATIENCE - timedelta(minutes=1)
    VaultKey._base_manager.filter(account_id=account_id).update(shredding_since=began)


def test_a_customers_bucket_that_is_gone_holds_the_deletion_up_for_a_week_at_most(
    account_id: int, vault_folder: Path
) -> None:
    gone = make_own_store(account_id)
    with account_scope(account_id):
        Shelf.objects.update(replica=gone)
        assert "not looked through" in destroy_keys(account_id).waits
        assert bytes(VaultKey.objects.get().envelope) == b""
        later(account_id)
        result = destroy_keys(account_id)
        assert (result.waits, result.proof["left"]) == ("", 1), "the proof says that something may be left"
        assert empty_stores(account_id).waits == ""
    assert not [path for path in vault_folder.glob("*/*/**/*") if path.is_file()], "ours is empty all the same"


def test_our_own_store_is_waited_for_however_long_it_takes(account_id: int, vault_folder: Path) -> None:
    vault_folder.rename(vault_folder.with_name("away"))
    with account_scope(account_id):
        destroy_keys(account_id)
        later(account_id)
        assert "not looked through" in destroy_keys(account_id).waits


def test_a_vault_of_another_installation_is_left_alone_and_does_not_hold_the_deletion_up_for_ever(
    account_id: int, vault_folder: Path
) -> None:
    Installation.objects.update(installation_id=new_public_id())
    before = sorted(vault_folder.rglob("*"))
    with account_scope(account_id):
        assert "another installation" in destroy_keys(account_id).waits
        later(account_id)
        result = destroy_keys(account_id)
        assert (result.waits, result.proof["left"]) == ("", 1)
        assert empty_stores(account_id).waits == ""
    assert sorted(vault_folder.rglob("*")) == before
    assert Store.objects.exists()


def test_what_is_locked_is_waited_for_and_then_named_with_its_day(
    account_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Locked(FaultyStore):
        def delete(self, key: str) -> None:
            if key.startswith("packs/"):
                raise ObjectLocked(f"{key} is protected.")
            super().delete(key)

        def locked_until(self, key: str) -> datetime | None:
            return datetime(2027, 3, 1, tzinfo=UTC)

    monkeypatch.setattr(ending, "key_places", lambda row: [(p, Locked(f)) for p, f in key_places(row)])  # type: ignore[arg-type]
    with account_scope(account_id):
        destroy_keys(account_id)
        waiting = empty_stores(account_id)
        assert waiting.waits == "1 objects are left in a store of Everkeep's: locked until 1 March 2027"
        VaultKey.objects.update(shredded_at=clock.now() - PATIENCE)
        result = empty_stores(account_id)
    assert (result.waits, list(result.remains)) == ("", [f"{waiting.waits}."])
    (left,) = result.proof["left_in"]
    assert (left["left"], left["locked_until"]) == (1, "2027-03-01T00:00:00+00:00")
