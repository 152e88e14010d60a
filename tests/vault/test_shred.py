"""Crypto-shredding: afterwards nothing opens, and a neighbour notices nothing. apps/vault/shredding.py."""

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import boto3
import pytest
from django.core.management import CommandError, call_command

from apps.activity.models import Activity
from apps.core.scope import account_scope, every_account
from apps.vault import shredding
from apps.vault.api import Role, open_reader, open_writer, vault_shred
from apps.vault.envelopes import keys_rewrap
from apps.vault.errors import KeysShredded, ObjectLocked
from apps.vault.locks import accounts_with_vault
from apps.vault.models import RecoveryKey, Shelf, VaultKey
from apps.vault.recovery import recovery_key_make, recovery_state
from apps.vault.services import key_places
from apps.vault.shredding import shreddings_finish
from apps.vault.store.content import ContentPart
from apps.vault.upkeep import accounts_with_copies, keep_copies
from tests.cast import Cast
from tests.faults.store import Fault, FaultyStore, Killed, Kind
from tests.vault.shelves import second_store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


@pytest.fixture
def account_id(cast: Cast, vault_folder: Path) -> int:
    """An account with a backup, a recovery key, and an envelope that a rotation left behind."""
    kept(cast.account.pk)
    recovery_key_make(account_id=cast.account.pk)
    (path,) = vault_folder.glob("*/keys/test1")
    path.with_name("older").write_bytes(path.read_bytes())
    return cast.account.pk


def kept(account_id: int) -> ContentPart:
    with open_writer(account_id) as writer:
        return writer.put(Role.MIME, b"kept")


def envelopes(folder: Path, account_id: int) -> list[Path]:
    with account_scope(account_id):
        return sorted((folder / VaultKey.objects.get().public_id.hex / "keys").glob("*"))


def test_after_shredding_no_key_is_left_and_nothing_opens(account_id: int, vault_folder: Path) -> None:
    assert len(envelopes(vault_folder, account_id)) == 3
    outcome = vault_shred(account_id=account_id)
    assert outcome.is_complete and len(outcome.destroyed) == 3
    assert envelopes(vault_folder, account_id) == []
    with account_scope(account_id):
        row = VaultKey.objects.get()
        assert (bytes(row.envelope), RecoveryKey.objects.count()) == (b"", 0)
        assert row.shredded_at is not None
        codes = list(Activity.objects.order_by("pk").values_list("code", flat=True))
    assert codes[-2:] == ["vault.shredding", "vault.shredded"]
    for use in (open_reader, open_writer):
        with pytest.raises(KeysShredded):
            use(account_id)
    with pytest.raises(KeysShredded):
        recovery_key_make(account_id=account_id)
    assert keys_rewrap(account_id=account_id) is False
    assert envelopes(vault_folder, account_id) == [], "nothing brings keys back"
    assert not recovery_state(account_id).nags


def test_a_neighbours_vault_still_opens(account_id: int, cast: Cast) -> None:
    part = kept(cast.other_account.pk)
    vault_shred(account_id=account_id)
    assert open_reader(cast.other_account.pk).read(part) == b"kept"


def test_who_has_no_vault_has_nothing_to_destroy(cast: Cast, vault_folder: Path) -> None:
    assert vault_shred(account_id=cast.other_account.pk).is_complete
    assert kept(cast.other_account.pk)


def broken(monkeypatch: pytest.MonkeyPatch, *faults: Fault) -> FaultyStore:
    """Let every step of a shredding in the store be counted, and fail as scripted."""
    stores: list[FaultyStore] = []

    def places(row: VaultKey) -> list[tuple[str, Any]]:
        found = key_places(row)
        stores[:] = stores or [FaultyStore(folder, faults) for _, folder in found]  # type: ignore[arg-type]
        return [(place, store) for (place, _), store in zip(found, stores, strict=True)]

    monkeypatch.setattr(shredding, "key_places", places)
    return stores  # type: ignore[return-value]


@pytest.mark.parametrize("kind", [Kind.KILL_BEFORE, Kind.KILL_AFTER, Kind.FAIL, Kind.LOST])
@pytest.mark.parametrize("call", range(1, 6))
def test_broken_off_at_any_call_nothing_opens_and_the_next_one_completes_it(
    account_id: int, vault_folder: Path, monkeypatch: pytest.MonkeyPatch, kind: Kind, call: int
) -> None:
    """The calls: a list, three deletions, a list."""
    fault = Fault(kind, call)
    with monkeypatch.context() as patched:
        broken(patched, fault)
        try:
            assert vault_shred(account_id=account_id).remnants or kind is Kind.LOST
        except Killed:
            assert kind in (Kind.KILL_BEFORE, Kind.KILL_AFTER)
    assert fault.reached
    with pytest.raises(KeysShredded):
        open_reader(account_id)
    assert shreddings_finish() == 0
    assert envelopes(vault_folder, account_id) == []
    with account_scope(account_id):
        assert VaultKey.objects.get().shredded_at is not None


def test_what_is_locked_is_named_with_its_day_and_destroyed_later(
    account_id: int, vault_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Locked(FaultyStore):
        def delete(self, key: str) -> None:
            if key == "keys/older":
                raise ObjectLocked(f"{key} is protected.")
            super().delete(key)

        def locked_until(self, key: str) -> datetime | None:
            return datetime(2027, 3, 1, tzinfo=UTC)

    with monkeypatch.context() as patched:
        patched.setattr(
            shredding,
            "key_places",
            lambda row: [(p, Locked(f)) for p, f in key_places(row)],  # type: ignore[arg-type]
        )
        outcome = vault_shred(account_id=account_id)
    assert [(remnant.name, "protected" in remnant.why) for remnant in outcome.remnants] == [("older", True)]
    with account_scope(account_id):
        assert VaultKey.objects.get().shredded_at is None
    assert shreddings_finish() == 0
    assert envelopes(vault_folder, account_id) == []


def test_a_store_that_is_away_is_named_and_looked_through_later(account_id: int, vault_folder: Path) -> None:
    away = vault_folder.with_name("away")
    vault_folder.rename(away)
    outcome = vault_shred(account_id=account_id)
    assert [remnant.name for remnant in outcome.remnants] == [""]
    assert "not looked through" in str(outcome.remnants[0])
    away.rename(vault_folder)
    assert shreddings_finish() == 0


def test_the_keys_in_a_replica_are_destroyed_too(account_id: int, vault_folder: Path, tmp_path: Path) -> None:
    with account_scope(account_id):
        Shelf.objects.update(replica=second_store(tmp_path / "replica"))
        assert keep_copies(account_id) == "done"
    key = recovery_key_make(account_id=account_id)
    replicas = sorted(path.name for path in (tmp_path / "replica").glob("*/keys/*"))
    assert replicas == sorted([key.key_id, "test1"])
    outcome = vault_shred(account_id=account_id)
    assert outcome.is_complete and len({line.split(": ")[0] for line in outcome.destroyed}) == 2
    assert not list((tmp_path / "replica").glob("*/keys/*"))
    with every_account("as the beat does"):
        assert accounts_with_copies() == [] == accounts_with_vault()


@pytest.mark.server
def test_an_envelope_hidden_under_a_delete_marker_is_destroyed_too(
    cast: Cast, settings: Any, conditional_s3: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody deleted it in a bucket that keeps versions, to bring it back after the shredding."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "some-key-id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "some-secret")
    bucket = f"hidden-{uuid4().hex}"
    client = boto3.client("s3", region_name="us-east-1", endpoint_url=conditional_s3)
    client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    settings.VAULT_URL = f"s3://{bucket}?endpoint={conditional_s3}&region=us-east-1&addressing=path"
    key = recovery_key_make(account_id=cast.account.pk)
    kept(cast.other_account.pk)
    with account_scope(cast.account.pk):
        folder = VaultKey.objects.get().public_id.hex
    client.delete_object(Bucket=bucket, Key=f"{folder}/keys/{key.key_id}")
    outcome = vault_shred(account_id=cast.account.pk)
    assert outcome.is_complete and any(key.key_id in each for each in outcome.destroyed)
    left = client.list_object_versions(Bucket=bucket, Prefix=f"{folder}/keys/")
    assert left.get("Versions", []) + left.get("DeleteMarkers", []) == []
    assert kept(cast.other_account.pk)


def shred(account: object, name: str) -> str:
    out = StringIO()
    with patch("builtins.input", return_value=name):
        call_command("vault", "shred", str(account), stdout=out)
    return out.getvalue()


def test_the_operator_types_the_accounts_name(account_id: int, cast: Cast, vault_folder: Path) -> None:
    for wrong in ("", "pizza perfecto", "yes"):
        with pytest.raises(CommandError, match="nothing was done"):
            shred(cast.account.public_id, wrong)
    assert len(envelopes(vault_folder, account_id)) == 3
    for nobody in (uuid4(), "no-id"):
        with pytest.raises(CommandError, match="no account"):
            shred(nobody, "Pizza Perfecto")
    said = shred(cast.account.public_id, "Pizza Perfecto")
    assert said.count("destroyed  ") == 3 and "No key envelope" in said
