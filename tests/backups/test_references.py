"""What backups keep alive in the vault, and when no writer from before a moment is left (V9-V12)."""

from datetime import timedelta
from pathlib import Path

import pytest

from apps.backups.engine.lease import claim
from apps.backups.enums import Verdict
from apps.backups.errors import LeaseLost
from apps.backups.models import Entity, NodeVersion, Run
from apps.backups.references import live_contents, writers_gone
from apps.core import clock
from apps.vault.api import BlobMissing, decode_content, open_reader
from apps.vault.enums import PackState
from apps.vault.gc import collect
from apps.vault.models import BlobLocation, Pack
from apps.vault.references import registered_references
from tests.fixtures.mailbox import Mailbox

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def vault(tmp_path: Path, settings: pytest.FixtureRequest) -> Path:
    folder = tmp_path / "vault"
    settings.VAULT_URL = folder.as_uri()  # type: ignore[attr-defined]
    return folder


def named(mailbox: Mailbox) -> set[bytes]:
    lists = (content for group in live_contents(mailbox.entity.account_id) for content in group)
    return {blob_id for content in lists for part in decode_content(content) for blob_id in part.blobs}


def test_the_catalog_is_registered() -> None:
    assert "catalog" in registered_references()


def test_ended_versions_and_drafts_of_dead_runs_are_live(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mail = mailbox.cloud.add_mail(inbox, content=b"first " * 100)
    mailbox.run()
    mailbox.cloud.change_mail(mail, content=b"second " * 100)
    mailbox.run()
    NodeVersion.objects.filter(first=2).update(first=3)  # as a run that died left it
    assert len(named(mailbox)) == 2


def test_two_rounds_take_what_nothing_names_and_every_day_stays(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mails = [mailbox.cloud.add_mail(inbox, content=bytes([n]) * 900) for n in range(20)]
    mailbox.run()
    mailbox.cloud.delete_mail(mails[0])
    mailbox.run()
    first, second = mailbox.state(1), mailbox.state(2)
    account_id = mailbox.entity.account_id
    _two_looks(mailbox)
    assert (mailbox.state(1), mailbox.state(2)) == (first, second), (
        "a mail that was deleted since is still there"
    )
    forgotten = NodeVersion.objects.get(remote_id=mails[0])
    (part,) = decode_content(bytes(forgotten.content))
    forgotten.delete()
    _two_looks(mailbox)
    assert mailbox.state(2) == second
    with pytest.raises(BlobMissing):
        open_reader(account_id).read(part)
    mailbox.now += timedelta(days=30)
    mailbox.cloud.add_mail(inbox, content=bytes([0]) * 900)
    assert mailbox.run() == "success"
    assert open_reader(account_id).read(part) == bytes([0]) * 900, "the same bytes came again: stored anew"
    assert not named(mailbox) - {
        bytes(blob_id)
        for blob_id in BlobLocation.objects.filter(account_id=account_id).values_list("blob_id", flat=True)
    }


def _two_looks(mailbox: Mailbox) -> None:
    Pack.objects.filter(state=PackState.STORED).update(created_at=mailbox.now)  # its thread knows real time
    with clock.travel(mailbox.now + timedelta(days=2)):
        collect(mailbox.entity.account_id, now=True)
    with clock.travel(mailbox.now + timedelta(days=7)):
        collect(mailbox.entity.account_id)
    mailbox.now += timedelta(days=8)


def test_a_run_at_work_from_before_is_waited_for_and_a_later_one_is_not(mailbox: Mailbox) -> None:
    account_id, entity_id = mailbox.entity.account_id, mailbox.entity.pk
    lease = claim(account_id=account_id, entity_id=entity_id)
    assert lease is not None
    began = clock.now()
    Run.objects.create(account_id=account_id, entity_id=entity_id, started_at=began)
    assert not writers_gone(account_id, began + timedelta(minutes=1))
    assert writers_gone(account_id, began - timedelta(minutes=1))
    Run.objects.update(verdict=Verdict.SUCCESS)
    assert writers_gone(account_id, began + timedelta(minutes=1))


def test_a_run_that_slept_through_its_lease_can_write_no_more(mailbox: Mailbox) -> None:
    account_id, entity_id = mailbox.entity.account_id, mailbox.entity.pk
    lease = claim(account_id=account_id, entity_id=entity_id)
    assert lease is not None
    Run.objects.create(account_id=account_id, entity_id=entity_id)
    with clock.travel(clock.now() + timedelta(days=3)):
        assert writers_gone(account_id, clock.now())
        with pytest.raises(LeaseLost), lease.guard():
            raise AssertionError("it wrote")
    assert Entity.objects.get(pk=entity_id).lease_owner == ""
