"""An account's recovery key: shown once, confirmed, replaced. apps/vault/recovery.py."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.activity.models import Activity
from apps.core.actor import Actor, acting_as
from apps.core.errors import Conflict
from apps.core.rotation import reseal_all
from apps.core.scope import account_scope
from apps.core.sealing import Keyring, new_master_key
from apps.vault import recovery, services
from apps.vault.errors import KeysCorrupt, StoreError
from apps.vault.models import RecoveryKey as Row
from apps.vault.models import VaultKey
from apps.vault.recovery import (
    recovery_key_confirm,
    recovery_key_make,
    recovery_keys_tidy_all,
    recovery_state,
)
from apps.vault.services import open_vault
from apps.vault.store.keys import unwrap_keys
from apps.vault.store.recovery_key import RecoveryKey
from tests.cast import Cast
from tests.faults.store import Fault, FaultyStore, Killed, Kind

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def account_id(cast: Cast, vault_folder: Path) -> Iterator[int]:
    with acting_as(Actor("user", label="Olivia Romano", user_id=cast.owner.pk, services=None)):
        yield cast.account.pk


def typed(key: RecoveryKey, account_id: int) -> list[str]:
    return [key.groups[number - 1].lower() for number in recovery_state(account_id).asked]


def confirmed(account_id: int) -> RecoveryKey:
    key = recovery_key_make(account_id=account_id)
    assert recovery_key_confirm(account_id=account_id, typed=typed(key, account_id))
    return key


def envelopes(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*/keys/*"))


def opens(key: RecoveryKey, folder: Path, account_id: int) -> bool:
    with account_scope(account_id):
        vault = VaultKey.objects.get()
    path = folder / vault.public_id.hex / "keys" / key.key_id
    keys = unwrap_keys(path.read_bytes(), ring=key.ring(), vault_id=vault.public_id, account_id=account_id)
    return keys == open_vault(account_id=account_id).keys


def acts(account_id: int) -> list[str]:
    with account_scope(account_id):
        return list(Activity.objects.order_by("pk").values_list("code", flat=True))


def test_the_key_opens_the_vault_with_the_store_alone(account_id: int, vault_folder: Path) -> None:
    key = recovery_key_make(account_id=account_id)
    assert opens(key, vault_folder, account_id)
    assert envelopes(vault_folder) == [key.key_id, "test1"]


def test_nothing_of_the_key_is_in_the_database_or_in_a_log(
    account_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    open_vault(account_id=account_id)
    with caplog.at_level(logging.DEBUG), CaptureQueriesContext(connection) as asked:
        key = confirmed(account_id)
    said = "\n".join(query["sql"] for query in asked) + caplog.text
    for secret in (key.text, *key.groups, key.secret.hex(), key.secret.hex().upper()):
        assert secret not in said
    with account_scope(account_id):
        assert bytes(Row.objects.get().answer) == b""


def test_the_owner_is_reminded_until_the_key_is_confirmed(account_id: int) -> None:
    assert not recovery_state(account_id).nags, "there is nothing to lose yet"
    open_vault(account_id=account_id)
    assert recovery_state(account_id).nags
    key = recovery_key_make(account_id=account_id)
    assert recovery_state(account_id).nags
    wrong = ["0000", typed(key, account_id)[1]]
    assert not recovery_key_confirm(account_id=account_id, typed=wrong)
    assert recovery_state(account_id).nags
    assert recovery_key_confirm(account_id=account_id, typed=typed(key, account_id))
    state = recovery_state(account_id)
    assert (state.nags, state.confirmed_by) == (False, "Olivia Romano")
    assert acts(account_id) == ["recovery_key.shown", "recovery_key.confirmed"]
    with pytest.raises(Conflict):
        recovery_key_confirm(account_id=account_id, typed=["", ""])


def test_an_old_key_works_until_the_new_one_is_confirmed(account_id: int, vault_folder: Path) -> None:
    old = confirmed(account_id)
    forgotten = recovery_key_make(account_id=account_id)
    new = recovery_key_make(account_id=account_id)
    assert envelopes(vault_folder) == sorted([old.key_id, new.key_id, "test1"]), "never confirmed: gone at once"
    assert opens(old, vault_folder, account_id) and forgotten != new
    assert recovery_key_confirm(account_id=account_id, typed=typed(new, account_id))
    assert envelopes(vault_folder) == sorted([new.key_id, "test1"])
    assert acts(account_id)[-2:] == ["recovery_key.confirmed", "recovery_key.removed"]
    with account_scope(account_id):
        assert Row.objects.count() == 1


def test_rotation_of_the_master_key_leaves_the_recovery_key_alone(
    account_id: int, vault_folder: Path, settings: Any
) -> None:
    from apps.vault.envelopes import keys_rewrap

    key = recovery_key_make(account_id=account_id)
    new = new_master_key()
    settings.MASTER_KEYS = [new, *settings.MASTER_KEYS]
    assert keys_rewrap(account_id=account_id)
    assert reseal_all() == 1, "what to type for the confirmation is sealed too"
    settings.MASTER_KEYS = [new]
    assert envelopes(vault_folder) == sorted([Keyring.parse([new]).sealing_id, key.key_id])
    assert opens(key, vault_folder, account_id)
    assert recovery_key_confirm(account_id=account_id, typed=typed(key, account_id))


def test_a_key_of_the_installation_that_the_vault_came_from_goes_with_the_first_confirmation(
    account_id: int, vault_folder: Path
) -> None:
    before = confirmed(account_id)
    with account_scope(account_id):
        Row.objects.all().delete()
    new = recovery_key_make(account_id=account_id)
    assert before.key_id in envelopes(vault_folder), "until the owner has proved to have another"
    assert recovery_key_confirm(account_id=account_id, typed=typed(new, account_id))
    assert envelopes(vault_folder) == sorted([new.key_id, "test1"])


def faulty_stores(monkeypatch: pytest.MonkeyPatch, *faults: Fault) -> None:
    """Let the vault's folder fail as scripted where keys are changed."""
    real = services.key_folders
    monkeypatch.setattr(recovery, "key_folders", lambda row: [FaultyStore(f, faults) for f in real(row)])


def test_a_store_that_is_away_keeps_the_old_key_on_the_list_until_it_is_gone(
    account_id: int, vault_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = confirmed(account_id), recovery_key_make(account_id=account_id)
    fault = Fault(Kind.FAIL, 1, "delete")
    with monkeypatch.context() as patched:
        faulty_stores(patched, fault)
        assert recovery_key_confirm(account_id=account_id, typed=typed(new, account_id))
    assert fault.reached
    assert recovery_state(account_id).lingering == 1
    assert old.key_id in envelopes(vault_folder)
    assert recovery_keys_tidy_all() == 0
    assert recovery_state(account_id).lingering == 0
    assert envelopes(vault_folder) == sorted([new.key_id, "test1"])


@pytest.mark.parametrize("kind", [Kind.KILL_BEFORE, Kind.KILL_AFTER, Kind.FAIL, Kind.FULL])
def test_a_key_whose_envelope_did_not_arrive_is_never_shown(
    account_id: int, vault_folder: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    old = confirmed(account_id)
    with monkeypatch.context() as patched, pytest.raises((Killed, StoreError)):
        faulty_stores(patched, Fault(kind, 1, "put_if_absent"))
        recovery_key_make(account_id=account_id)
    with account_scope(account_id):
        assert [row.key_id for row in Row.objects.all()] == [old.key_id]
    assert opens(old, vault_folder, account_id)


def test_an_envelope_that_reads_back_wrong_is_noticed(account_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    open_vault(account_id=account_id)

    class Forgetful(FaultyStore):
        def get(self, key: str) -> bytes:
            return super().get(key)[:-1] + b"\0"

    real = services.key_folders
    monkeypatch.setattr(recovery, "key_folders", lambda row: [Forgetful(f) for f in real(row)])
    with pytest.raises(KeysCorrupt):
        recovery_key_make(account_id=account_id)
    with account_scope(account_id):
        assert not Row.objects.exists()
