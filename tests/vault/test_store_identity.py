"""Which store holds an account's vault, and under which keys: apps/vault/services.py."""

import base64
import shutil
import uuid
from pathlib import Path
from typing import Any

import pytest

from apps.core.scope import account_scope
from apps.core.sealing import Keyring, MasterKeyMissing
from apps.vault.api import Role, open_reader, open_writer
from apps.vault.envelopes import keys_rewrap
from apps.vault.errors import KeysCorrupt, StoreMismatch
from apps.vault.models import Shelf, Store, VaultKey
from apps.vault.services import open_vault
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.keys import VaultKeys, unwrap_keys, wrap_keys
from apps.vault.store.marker import MARKER_KEY, ensure_marker, read_marker
from tests.cast import Cast

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
NEW_KEY = "new:" + base64.b64encode(b"n" * 32).decode()


@pytest.fixture
def account_id(cast: Cast, vault_folder: Path) -> int:
    return cast.account.pk


def test_a_moved_folder_is_found_at_its_new_address(
    account_id: int, vault_folder: Path, settings: Any, tmp_path: Path
) -> None:
    with open_writer(account_id) as writer:
        part = writer.put(Role.MIME, b"moved with its folder")
    vault_folder.rename(tmp_path / "elsewhere")
    settings.VAULT_URL = f"file://{tmp_path / 'elsewhere'}"
    assert open_reader(account_id).read(part) == b"moved with its folder"
    assert Store.objects.get().url == settings.VAULT_URL


def test_an_unmounted_disk_is_noticed_before_anything_is_written(account_id: int, vault_folder: Path) -> None:
    open_vault(account_id=account_id)
    shutil.rmtree(vault_folder)
    vault_folder.mkdir()
    with pytest.raises(StoreMismatch, match="EVERKEEP_VAULT_URL"):
        open_writer(account_id)
    assert list(vault_folder.iterdir()) == []


def test_a_new_account_does_not_bless_an_unmounted_disk(
    account_id: int, vault_folder: Path, cast: Cast
) -> None:
    open_vault(account_id=account_id)
    shutil.rmtree(vault_folder)
    with pytest.raises(StoreMismatch):
        open_vault(account_id=cast.other_account.pk)
    assert not vault_folder.exists()


def test_changed_settings_do_not_move_an_accounts_vault(
    account_id: int, vault_folder: Path, settings: Any, tmp_path: Path, cast: Cast
) -> None:
    with open_writer(account_id) as writer:
        part = writer.put(Role.MIME, b"stays where it is")
    settings.VAULT_URL = f"file://{tmp_path / 'second'}"
    assert open_reader(account_id).read(part) == b"stays where it is"
    open_vault(account_id=cast.other_account.pk)
    assert Store.objects.count() == 2
    with account_scope(account_id):
        assert Shelf.objects.get().store.url == f"file://{vault_folder}"


def test_the_keys_lie_beside_the_packs(account_id: int, vault_folder: Path) -> None:
    vault = open_vault(account_id=account_id)
    with account_scope(account_id):
        row = VaultKey.objects.get()
    (path,) = vault_folder.glob("*/keys/*")
    assert path.relative_to(vault_folder).parts == (row.public_id.hex, "keys", "test1")
    ring = Keyring({"test1": b"k" * 32})
    found = unwrap_keys(path.read_bytes(), ring=ring, vault_id=row.public_id, account_id=account_id)
    assert found == vault.keys


def test_rotation_rewraps_the_keys_and_leaves_the_data(
    account_id: int, vault_folder: Path, settings: Any
) -> None:
    with open_writer(account_id) as writer:
        part = writer.put(Role.MIME, b"before the rotation")
    old = settings.MASTER_KEYS
    settings.MASTER_KEYS = [NEW_KEY, *old]
    assert open_reader(account_id).read(part) == b"before the rotation"
    assert keys_rewrap(account_id=account_id) is True
    assert keys_rewrap(account_id=account_id) is False
    settings.MASTER_KEYS = [NEW_KEY]
    assert open_reader(account_id).read(part) == b"before the rotation"
    assert [path.name for path in vault_folder.glob("*/keys/*")] == ["new"]


def test_a_rotation_that_was_interrupted_is_finished_by_the_next_one(
    account_id: int, vault_folder: Path, settings: Any
) -> None:
    """Killed after the row changed: the old envelope still lies there. And somebody took ours away."""
    with open_writer(account_id) as writer:
        part = writer.put(Role.MIME, b"kept")
    (path,) = vault_folder.glob("*/keys/*")
    old = path.read_bytes()
    settings.MASTER_KEYS = [NEW_KEY, *settings.MASTER_KEYS]
    keys_rewrap(account_id=account_id)
    path.write_bytes(old)
    path.with_name("new").unlink()
    path.with_name("recovery-0123456789abcdef").write_bytes(b"the owner's")
    assert keys_rewrap(account_id=account_id) is False
    assert sorted(path.name for path in vault_folder.glob("*/keys/*")) == ["new", "recovery-0123456789abcdef"]
    settings.MASTER_KEYS = [NEW_KEY]
    assert open_reader(account_id).read(part) == b"kept"


def test_an_adopted_vault_rotates_though_its_first_envelope_names_another_account(
    account_id: int, cast: Cast, vault_folder: Path, settings: Any
) -> None:
    keys = open_vault(account_id=account_id).keys
    (path,) = vault_folder.glob("*/keys/*")
    with account_scope(account_id):
        vault_id = VaultKey.objects.get().public_id
    ring = Keyring.parse(settings.MASTER_KEYS)
    path.write_bytes(wrap_keys(keys, ring=ring, vault_id=vault_id, account_id=cast.other_account.pk))
    assert keys_rewrap(account_id=account_id) is False
    settings.MASTER_KEYS = [NEW_KEY, *settings.MASTER_KEYS]
    assert keys_rewrap(account_id=account_id) is True
    settings.MASTER_KEYS = [NEW_KEY]
    assert open_vault(account_id=account_id).keys == keys
    assert [path.name for path in vault_folder.glob("*/keys/*")] == ["new"]


def test_a_new_envelope_that_gives_other_keys_changes_nothing(
    account_id: int, vault_folder: Path, settings: Any
) -> None:
    open_vault(account_id=account_id)
    (path,) = vault_folder.glob("*/keys/*")
    with account_scope(account_id):
        row = VaultKey.objects.get()
    ring = Keyring.parse([NEW_KEY])
    forged = wrap_keys(VaultKeys.generate(), ring=ring, vault_id=row.public_id, account_id=account_id)
    path.with_name("new").write_bytes(forged)
    settings.MASTER_KEYS = [NEW_KEY, *settings.MASTER_KEYS]
    with pytest.raises(KeysCorrupt, match="nothing was changed"):
        keys_rewrap(account_id=account_id)
    assert path.exists()
    with account_scope(account_id):
        assert VaultKey.objects.get().master_key_id == "test1"


def test_without_its_master_key_a_vault_says_which_one_it_needs(account_id: int, settings: Any) -> None:
    open_vault(account_id=account_id)
    settings.MASTER_KEYS = [NEW_KEY]
    with pytest.raises(MasterKeyMissing, match="test1"):
        open_vault(account_id=account_id)


def test_another_accounts_envelope_in_our_row_is_refused(account_id: int, cast: Cast) -> None:
    open_vault(account_id=account_id)
    open_vault(account_id=cast.other_account.pk)
    with account_scope(cast.other_account.pk):
        foreign = VaultKey.objects.get().envelope
    with account_scope(account_id):
        VaultKey.objects.update(envelope=foreign)
    with pytest.raises(KeysCorrupt):
        open_vault(account_id=account_id)


def test_a_marker_is_made_once(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    assert read_marker(store) is None
    made = ensure_marker(store)
    assert isinstance(made, uuid.UUID)
    assert ensure_marker(store) == made == read_marker(store)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"\xff", b'{"format": 9}', b'{"format": 1, "store": "x"}', b"[" * 5000]
)
def test_a_marker_that_makes_no_sense_is_never_replaced(tmp_path: Path, text: bytes) -> None:
    store = LocalStore(tmp_path)
    store.put_if_absent(MARKER_KEY, text)
    with pytest.raises(StoreMismatch):
        ensure_marker(store)
    assert store.get(MARKER_KEY) == text


def test_each_location_has_its_store(
    account_id: int, vault_folder: Path, settings: Any, tmp_path: Path, cast: Cast
) -> None:
    settings.REGIONS = {"de": f"file://{tmp_path / 'frankfurt'}", "jp": f"file://{tmp_path / 'tokyo'}"}
    open_vault(account_id=account_id)
    open_vault(account_id=cast.other_account.pk)
    with account_scope(account_id):
        assert Shelf.objects.get().store.url == settings.REGIONS["de"]
    with account_scope(cast.other_account.pk):
        assert Shelf.objects.get().store.url == settings.REGIONS["jp"]
    assert not vault_folder.exists()


def test_a_location_without_a_store_of_its_own_uses_the_default(
    account_id: int, vault_folder: Path, settings: Any, tmp_path: Path
) -> None:
    settings.REGIONS = {"jp": f"file://{tmp_path / 'tokyo'}"}
    open_vault(account_id=account_id)
    assert vault_folder.exists()


def test_a_regions_folder_that_moved_is_found_at_its_new_address(
    account_id: int, vault_folder: Path, settings: Any, tmp_path: Path
) -> None:
    settings.REGIONS = {"de": f"file://{tmp_path / 'frankfurt'}"}
    with open_writer(account_id) as writer:
        part = writer.put(Role.MIME, b"moved with its region")
    (tmp_path / "frankfurt").rename(tmp_path / "munich")
    settings.REGIONS = {"de": f"file://{tmp_path / 'munich'}"}
    assert open_reader(account_id).read(part) == b"moved with its region"
