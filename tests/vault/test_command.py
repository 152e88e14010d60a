"""The operator's doors: `manage.py vault ...`."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.connectors.models import Connection
from apps.connectors.services import credential_purpose
from apps.core import clock
from apps.core.scope import account_scope
from apps.core.sealing import Keyring, seal, unseal
from apps.vault.api import Role, open_reader, open_writer
from apps.vault.services import open_vault
from tests.cast import Cast
from tests.vault.gc_world import world

pytestmark = pytest.mark.django_db(transaction=True)


def run(*words: str) -> str:
    out = StringIO()
    call_command("vault", *words, stdout=out)
    return out.getvalue()


def test_newkey_prints_an_entry_of_the_setting() -> None:
    assert len(Keyring.parse([run("newkey")]).sealing_id) > 3


def test_rotate_brings_every_vault_under_the_first_key(cast: Cast, vault_folder: Path, settings: Any) -> None:
    accounts = [cast.account.pk, cast.other_account.pk]
    parts = []
    for account_id in accounts:
        with open_writer(account_id) as writer:
            parts.append(writer.put(Role.MIME, b"kept"))
    new = run("newkey").strip()
    settings.MASTER_KEYS = [new, *settings.MASTER_KEYS]
    assert run("rotate").startswith("2 vaults and 0 other secrets")
    assert run("rotate").startswith("0 vaults")
    settings.MASTER_KEYS = [new]
    for account_id, part in zip(accounts, parts, strict=True):
        assert open_reader(account_id).read(part) == b"kept"


def test_rotate_takes_the_credentials_of_connections_along(
    cast: Cast, vault_folder: Path, settings: Any
) -> None:
    account_id = cast.account.pk
    with account_scope(account_id):
        row = Connection(account_id=account_id, tenant_id="t", client_id="c", credential_kind="client_secret")
        purpose = credential_purpose(row.public_id)
        row.sealed_credential = seal(account_id=account_id, purpose=purpose, plaintext=b"kept")
        row.save()
        Connection.objects.create(account_id=account_id, tenant_id="u", credential_kind="admin_consent")
    new = run("newkey").strip()
    settings.MASTER_KEYS = [new, *settings.MASTER_KEYS]
    assert run("rotate").startswith("0 vaults and 1 other secrets")
    assert run("rotate").startswith("0 vaults and 0 other secrets")
    settings.MASTER_KEYS = [new]
    with account_scope(account_id):
        moved = bytes(Connection.objects.get(pk=row.pk).sealed_credential)
    assert unseal(account_id=account_id, purpose=purpose, sealed=moved) == b"kept"


def test_orphans_are_listed_with_their_account(cast: Cast, vault_folder: Path) -> None:
    with open_writer(cast.account.pk) as writer:
        writer.put(Role.MIME, b"recorded")
    assert run("orphans") == ""
    stray = "ab" * 16
    open_vault(account_id=cast.account.pk).store.put_if_absent(f"packs/ab/{stray}", b"left by a crash")
    assert run("orphans") == f"Pizza Perfecto: {stray}\n"


def test_gc_counts_marks_refuses_and_frees(cast: Cast, vault_folder: Path, monkeypatch: Any) -> None:
    with world(cast.account.pk, monkeypatch) as vault:
        vault.back_up(*range(20))
        vault.pass_days(2)
        vault.forget(0, 1)
        with clock.travel(vault.now):
            assert "18 referenced, 2 would be marked" in run("gc", "--dry-run")
            assert "2 of 20 blobs are marked; they go after" in run(
                "gc", "--account", str(cast.account.public_id)
            )
        vault.pass_days(4)
        with clock.travel(vault.now):
            assert "2 blobs (4032 bytes) removed, 0 packs emptied" in run("gc")
        vault.forget(*range(2, 20))
        with clock.travel(vault.now), pytest.raises(CommandError):
            run("gc")
        assert vault.blobs() == 18
