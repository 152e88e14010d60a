"""A real account with three days of backups of a sandbox mailbox, its database then wiped."""

import hashlib
import shutil
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from apps.accounts.models import Account
from apps.backups.engine import run_backup
from apps.backups.enums import EntityState
from apps.backups.models import BackupTask, Entity, Snapshot
from apps.connectors.enums import EntityKind, Service
from apps.connectors.microsoft.credentials import SecretCredential
from apps.connectors.services import connection_create_from_credentials
from apps.core import clock
from apps.core.scope import account_scope
from apps.sandbox.testing import SandboxCloud
from apps.vault.models import VaultKey
from apps.vault.recovery import recovery_key_make
from tests.cast import Cast
from tests.reader.bare import BareReader

NAMES = ("Olivia Romano", "Bob Smith")


@dataclass
class Leftover:
    """What is left of an account: its store, its recovery key, and what the test knows was kept each day."""

    store: Path
    vault: str
    key: str
    master: str
    address: str
    days: list[tuple[datetime, dict[str, tuple[str, str]]]] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.store / self.vault

    def packs(self) -> list[Path]:
        return sorted((self.folder / "packs").glob("*/*"))

    def journals(self) -> list[Path]:
        return sorted((self.folder / "journals").glob("*/*/*"))


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> list[Leftover]:
    """What `leftover` has made, for the other tests of this process: it costs ten seconds."""
    return []


@pytest.fixture
def leftover(shelf: list[Leftover], request: pytest.FixtureRequest, tmp_path: Path) -> Leftover:
    """The store lies in `lost/`, where nothing of the portal has ever been. The database has no row left."""
    if not shelf:
        shelf.append(request.getfixturevalue("catastrophe"))
    store = tmp_path / "lost"
    shutil.copytree(shelf[0].store, store)
    return replace(shelf[0], store=store)


@pytest.fixture
def catastrophe(
    cast: Cast,
    sandbox_cloud: SandboxCloud,
    settings: Any,
    tmp_path_factory: pytest.TempPathFactory,
) -> Leftover:
    """Back a mailbox up for three days, have the recovery key shown, and lose everything but the store."""
    made = tmp_path_factory.mktemp("catastrophe")
    settings.VAULT_URL = f"file://{made / 'vault'}"
    settings.MICROSOFT_LOGIN_URL = settings.MICROSOFT_GRAPH_URL = sandbox_cloud.url
    settings.MICROSOFT_TRIES, settings.MICROSOFT_RETRY_SECONDS = 3, 0.01
    account_id = cast.account.pk
    with account_scope(account_id):
        entity = _entity(cast, sandbox_cloud)
        left = Leftover(made / "lost", "", "", settings.MASTER_KEYS[0], entity.address)
        for day in range(1, 4):
            _back_up(entity, sandbox_cloud, day, left)
        left.key = recovery_key_make(account_id=account_id).text
        left.vault = VaultKey.objects.get().public_id.hex
    (made / "vault").rename(left.store)
    call_command("flush", interactive=False, verbosity=0)
    assert Account.objects.count() == 0
    return left


def _entity(cast: Cast, cloud: SandboxCloud) -> Entity:
    connection = connection_create_from_credentials(
        tenant_id=cloud.tenant_id,
        client_id=cloud.manual.client_id,
        credential=SecretCredential(cloud.manual.secret),
    )
    task = BackupTask.objects.create(
        account=cast.account, connection=connection, service=Service.EXCHANGE, name="Mail"
    )
    return Entity.objects.create(
        account=cast.account, task=task, remote_id=cloud.admin, kind=EntityKind.USER_MAILBOX,
        name=NAMES[0], address=cloud.admin, state=EntityState.ACTIVE,
    )  # fmt: skip


def _back_up(entity: Entity, cloud: SandboxCloud, day: int, left: Leftover) -> None:
    with clock.travel(clock.now() + timedelta(days=day)):
        Entity.objects.update(next_run_at=clock.now())
        run_backup(account_id=entity.account_id, entity_id=entity.pk)
        live = {
            mail["id"]: (mail["folder"], mail["sha256"]) for mail in cloud.export(entity.address)["messages"]
        }
        left.days.append((Snapshot.objects.latest("number").taken_at, live))
    cloud.advance(1)


@pytest.fixture
def reader(tmp_path: Path) -> BareReader:
    return BareReader(tmp_path)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
