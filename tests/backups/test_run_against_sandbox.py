"""The real connector and vault, and a cloud that misbehaves: clear words, never green, never a traceback."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Q

from apps.backups.engine import run_backup
from apps.backups.engine import sealing as sealing_module
from apps.backups.enums import EntityState
from apps.backups.models import BackupTask, Entity, NodeVersion, Run, RunIssue, Snapshot
from apps.connectors.base import ChangePage
from apps.connectors.enums import ConnectionState, EntityKind, Service
from apps.connectors.microsoft.credentials import SecretCredential
from apps.connectors.microsoft.exchange.folder_changes import FolderRound
from apps.connectors.models import Connection
from apps.connectors.services import connection_create_from_credentials, connection_renew_credentials
from apps.core import clock
from apps.core.scope import account_scope
from apps.sandbox.testing import SandboxCloud
from apps.vault.api import decode_content, open_reader
from apps.vault.services import open_vault
from apps.vault.store.writer import VaultWriter
from tests.cast import Cast
from tests.faults.store import Fault, FaultyStore, Kind
from tests.fixtures.sandbox import CORPUS
from tests.sandbox.client import Graph


@dataclass
class Backup:
    """One mailbox of the sandbox, backed up a day later each time."""

    entity: Entity
    cloud: SandboxCloud
    days: int = 0

    def run(self) -> Run:
        self.days += 1
        with clock.travel(clock.now() + timedelta(days=self.days)):
            Entity.objects.update(next_run_at=clock.now())
            run_backup(account_id=self.entity.account_id, entity_id=self.entity.pk)
        run = Run.objects.latest("id")
        assert run.finished_at is not None
        assert "Traceback" not in run.message
        return run

    def digests(self) -> dict[str, str]:
        """Return SHA-256 of every mail's MIME in the newest snapshot."""
        number = Snapshot.objects.latest("number").number
        reader = open_reader(self.entity.account_id)
        rows = NodeVersion.objects.filter(Q(gone__isnull=True) | Q(gone__gt=number), is_folder=False)
        return {
            row.remote_id: hashlib.sha256(reader.read(decode_content(bytes(row.content))[0])).hexdigest()
            for row in rows
        }

    def real(self) -> dict[str, str]:
        return {mail["id"]: mail["sha256"] for mail in self.cloud.export(self.entity.address)["messages"]}


@pytest.fixture
def backup(cast: Cast, transactional_db: None, sandbox_cloud: SandboxCloud, settings: Any) -> Iterator[Backup]:
    """Olivia's mailbox; the client does not wait long between tries."""
    settings.MICROSOFT_LOGIN_URL = settings.MICROSOFT_GRAPH_URL = sandbox_cloud.url
    settings.MICROSOFT_TRIES, settings.MICROSOFT_RETRY_SECONDS = 3, 0.01
    with account_scope(cast.account.pk):
        connection = connection_create_from_credentials(
            tenant_id=sandbox_cloud.tenant_id,
            client_id=sandbox_cloud.manual.client_id,
            credential=SecretCredential(sandbox_cloud.manual.secret),
        )
        task = BackupTask.objects.create(
            account=cast.account, connection=connection, service=Service.EXCHANGE, name="Mail"
        )
        entity = Entity.objects.create(
            account=cast.account,
            task=task,
            remote_id=sandbox_cloud.admin,
            kind=EntityKind.USER_MAILBOX,
            name="Olivia Romano",
            address=sandbox_cloud.admin,
            state=EntityState.ACTIVE,
        )
        yield Backup(entity, sandbox_cloud)


def test_a_mailbox_is_backed_up_byte_for_byte_and_followed_for_three_days(backup: Backup) -> None:
    assert backup.run().verdict == "success"
    for _ in range(3):
        backup.cloud.advance(1)
        run = backup.run()
        assert run.verdict == "success", run.message
        assert backup.digests() == backup.real()


def test_the_coverage_ledger_says_how_many_of_each_folder_are_held(backup: Backup) -> None:
    backup.run()
    counts = [f["total"] for f in backup.cloud.export(backup.entity.address)["folders"] if f["total"]]
    ledger = Snapshot.objects.get().coverage.values()
    assert sorted(row["expected"] for row in ledger if row["expected"]) == sorted(counts)
    assert all(row["expected"] == row["captured"] for row in ledger)


def test_a_wrong_secret_fails_in_words_and_disconnects(backup: Backup) -> None:
    connection = Connection.objects.get()
    connection_renew_credentials(
        connection=connection, client_id=connection.client_id, credential=SecretCredential("wrong")
    )
    run = backup.run()
    assert run.verdict == "failed"
    assert "secret" in run.message.lower()
    assert Connection.objects.get().state == ConnectionState.DISCONNECTED


def test_consent_revoked_in_the_middle_fails_in_words_and_the_next_run_goes_on(backup: Backup) -> None:
    fault = backup.cloud.add_fault("consent_revoked", path="value", count=None)
    run = backup.run()
    assert backup.cloud.reached(fault)
    assert run.verdict == "failed"
    assert Snapshot.objects.count() == 0
    backup.cloud.clear_faults()
    backup.cloud.grant_consent(backup.cloud.manual.client_id)
    assert backup.run().verdict == "success"
    assert backup.digests() == backup.real()


def test_throttling_slows_a_backup_but_does_not_fail_it(backup: Backup) -> None:
    fault = backup.cloud.add_fault("error", path="value", status=429, retry_after=0.2, count=2)
    run = backup.run()
    assert backup.cloud.reached(fault) == 2
    assert (run.verdict, run.throttled > 0) == ("success", True)
    assert backup.digests() == backup.real()


def test_a_lost_cursor_lists_anew_without_downloading_again(backup: Backup) -> None:
    backup.run()
    backup.cloud.set_mailbox(backup.entity.address, forget_sync_state=True)
    backup.cloud.advance(1)
    run = backup.run()
    assert run.verdict == "success", run.message
    assert run.items_reused > run.items_stored
    assert backup.digests() == backup.real()


def test_a_folder_that_was_moved_out_of_one_that_vanishes_while_we_read_keeps_its_mail(
    backup: Backup, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, pages = Graph(backup.cloud), FolderRound.pages
    above = graph.post("mailFolders", {"displayName": "Project"})["id"]
    below = graph.post(f"mailFolders/{above}/childFolders", {"displayName": "Letters"})["id"]
    letter = next(iter(backup.real()))
    graph.post(f"messages/{letter}/move", {"destinationId": below})
    backup.run()

    async def then_tidied_up(this: FolderRound) -> AsyncIterator[ChangePage]:
        async for page in pages(this):
            yield page
        graph.post(f"mailFolders/{below}/move", {"destinationId": "msgfolderroot"})
        graph.post(f"mailFolders/{above}/permanentDelete")

    with monkeypatch.context() as patched:
        patched.setattr(FolderRound, "pages", then_tidied_up)
        assert backup.run().verdict == "success"
    assert backup.digests() == backup.real()
    assert backup.run().verdict == "success"
    assert backup.digests() == backup.real()
    names = NodeVersion.objects.filter(is_folder=True, gone=None).values_list("name", flat=True)
    assert "Letters" in names and "Project" not in names


def test_one_poisoned_message_is_named_and_the_rest_is_kept(backup: Backup) -> None:
    real = backup.real()
    poisoned = next(iter(real))
    backup.cloud.add_fault("error", path=f"{poisoned[-20:]}.*value", status=500, count=None)
    run = backup.run()
    assert run.verdict == "partial", run.message
    assert "1 item could not be read" in run.message
    issue = RunIssue.objects.get()
    assert (issue.remote_id, issue.open, bool(issue.label), bool(issue.folder_label)) == (
        poisoned,
        True,
        True,
        True,
    )
    assert backup.digests() == {key: value for key, value in real.items() if key != poisoned}
    backup.cloud.clear_faults()
    assert backup.run().verdict == "success"
    assert backup.digests() == real


@pytest.mark.parametrize("kind", [Kind.FULL, Kind.FAIL])
def test_a_full_disk_or_a_store_that_is_down_fails_in_words_and_the_next_run_goes_on(
    backup: Backup, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_faulty(account_id: int, shelf: int) -> VaultWriter:
        assert shelf == 0
        vault = open_vault(account_id=account_id)
        store = FaultyStore(vault.store, [Fault(kind, call) for call in range(1, 20)])
        return VaultWriter(vault.keys, store, vault.index)

    with monkeypatch.context() as patched:
        patched.setattr(sealing_module, "open_writer", open_faulty)
        run = backup.run()
    assert run.verdict == "failed"
    assert "A fault of ours" not in run.message, run.message
    assert Snapshot.objects.count() == 0
    assert backup.run().verdict == "success"
    assert backup.digests() == backup.real()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of real mails is not at hand")
def test_three_thousand_real_mails_are_kept_byte_for_byte(backup: Backup, tmp_path: Path) -> None:
    import tarfile

    with tarfile.open(CORPUS) as archive:
        names = [member for member in archive.getmembers() if member.isfile()][:3_000]
        for number, member in enumerate(names):
            source = archive.extractfile(member)
            assert source is not None
            (tmp_path / f"{number:05}.eml").write_bytes(source.read())
    loaded = backup.cloud.load(tmp_path, backup.entity.address)
    run = backup.run()
    assert run.verdict == "success", run.message
    real = backup.real()
    assert len(real) >= loaded >= 2_900
    assert backup.digests() == real
