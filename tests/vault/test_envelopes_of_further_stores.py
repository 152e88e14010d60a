"""Key envelopes in a store that a vault comes to later: apps/vault/envelopes.py."""

from pathlib import Path
from typing import Any

import pytest

from apps.core.scope import account_scope
from apps.core.sealing import new_master_key
from apps.vault.envelopes import envelope_names, envelopes_bring, keys_rewrap
from apps.vault.models import RecoveryKey, VaultKey
from apps.vault.recovery import recovery_key_confirm, recovery_key_make, recovery_state
from apps.vault.services import open_vault
from apps.vault.shredding import vault_shred
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.keys import unwrap_keys
from tests.cast import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def account_id(cast: Cast, vault_folder: Path) -> int:
    open_vault(account_id=cast.account.pk)
    return cast.account.pk


@pytest.fixture
def target(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "further")


def test_a_further_store_can_be_opened_with_either_key(account_id: int, target: LocalStore) -> None:
    key = recovery_key_make(account_id=account_id)
    assert envelopes_bring(account_id=account_id, target=target) == 2
    assert envelopes_bring(account_id=account_id, target=target) == 0
    with account_scope(account_id):
        vault_id = VaultKey.objects.get().public_id
    found = unwrap_keys(
        target.get(f"keys/{key.key_id}"), ring=key.ring(), vault_id=vault_id, account_id=account_id
    )
    assert found == open_vault(account_id=account_id).keys


def test_keys_that_were_taken_away_are_not_brought_back(
    account_id: int, target: LocalStore, vault_folder: Path, settings: Any
) -> None:
    """Their envelopes still lie in the first store, as when copying meets a rotation halfway."""
    old = recovery_key_make(account_id=account_id)
    (first,) = (path.parent for path in vault_folder.glob(f"*/keys/{old.key_id}"))
    kept = {path.name: path.read_bytes() for path in first.iterdir()}
    new = recovery_key_make(account_id=account_id)
    groups = [new.groups[number - 1] for number in recovery_state(account_id).asked]
    assert recovery_key_confirm(account_id=account_id, typed=groups)
    master = new_master_key()
    settings.MASTER_KEYS = [master, *settings.MASTER_KEYS]
    assert keys_rewrap(account_id=account_id)
    for name, data in kept.items():
        (first / name).write_bytes(data)
    assert envelopes_bring(account_id=account_id, target=target) == 2
    assert envelope_names(target) == sorted([master.partition(":")[0], new.key_id])


def test_after_shredding_nothing_is_brought(account_id: int, target: LocalStore) -> None:
    recovery_key_make(account_id=account_id)
    vault_shred(account_id=account_id)
    assert envelopes_bring(account_id=account_id, target=target) == 0
    assert list(target.list("")) == []
    with account_scope(account_id):
        assert not RecoveryKey.objects.exists()
