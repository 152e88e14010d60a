"""The in-place archive: kept where the task says so, and never at the cost of the mailbox it belongs to."""

from typing import Any

import pytest

from apps.backups.enums import Verdict
from apps.backups.models import BackupTask, CoverageGap, NodeVersion, RunIssue, Snapshot
from apps.backups.selectors import ledger_of
from apps.backups.selectors.tree import folder_tree
from tests.backups.test_run_against_sandbox import Backup, backup
from tests.sandbox.client import Graph

__all__ = ["backup"]

LETTER = b"From: gran@example.com\r\nSubject: %s\r\nMessage-ID: <%s@example.com>\r\n\r\nLong ago.\r\n"


class Archive:
    """Somebody's archive, and what of it the newest backup holds."""

    def __init__(self, mailbox: Backup) -> None:
        self.backup, self.cloud = mailbox, mailbox.cloud
        self.name = self.cloud.add_archive(self.cloud.admin)
        self.graph, self.primary = Graph(self.cloud, mailbox=self.name), Graph(self.cloud)
        self.switch(on=True)

    def switch(self, *, on: bool) -> None:
        BackupTask.objects.update(inplace_archives=on, recoverable_items=True)
        self.backup.entity.refresh_from_db()

    def deliver(self, subject: str, mailbox: str = "") -> str:
        name = subject.encode()
        return self.cloud.deliver(mailbox or self.name, LETTER % (name, name.replace(b" ", b"-")))

    def real(self) -> dict[str, str]:
        mails = self.cloud.export(self.name)["messages"]
        return {f"{self.name}/{mail['id']}": mail["sha256"] for mail in mails}

    def is_whole(self) -> bool:
        return self.backup.digests() == self.backup.real() | self.real()

    def ledger(self) -> list[str]:
        made = ledger_of(Snapshot.objects.latest("number").run)
        return [each.what for each in (*made.excluded, *made.beyond)]


@pytest.fixture
def archive(backup: Backup) -> Archive:
    return Archive(backup)


def test_an_archive_stands_at_the_foot_of_the_tree_and_is_followed_from_day_to_day(archive: Archive) -> None:
    graph, backup = archive.graph, archive.backup
    folder = graph.post("mailFolders", {"displayName": "Inheritance"})
    below = graph.post(f"mailFolders/{folder['id']}/childFolders", {"displayName": "Letters"})
    old, moved = archive.deliver("Old"), archive.deliver("Moved")
    graph.post(f"messages/{moved}/move", {"destinationId": below["id"]})
    thrown = archive.deliver("Thrown away")
    graph.post(f"messages/{thrown}/move", {"destinationId": "recoverableitemsdeletions"})
    leaving = archive.deliver("Leaving", archive.cloud.admin)
    assert backup.run().verdict == Verdict.SUCCESS
    tree = folder_tree(Snapshot.objects.latest("number"))
    assert tree.roots[-1].node.name == "In-Place Archive" and tree.roots[0].node.name == "Inbox"
    names = [" / ".join(each.path[1:]) for each in tree.roots[-1].walk() if each.items]
    assert names == ["Inbox", "Inheritance / Letters", "Recoverable Items"]
    assert archive.is_whole()
    assert "In-place archive" not in archive.ledger()
    assert backup.run().items_stored == 0
    graph.delete(f"messages/{old}")
    graph.post(f"messages/{moved}/permanentDelete")
    graph.post(f"mailFolders/{below['id']}/permanentDelete")
    archive.primary.post(f"messages/{leaving}/permanentDelete")
    archive.deliver("Leaving")
    archive.cloud.set_mailbox(archive.cloud.admin, forget_sync_state=True)
    assert backup.run().verdict == Verdict.SUCCESS
    assert archive.is_whole()
    archive.cloud.set_mailbox(archive.name, forget_sync_state=True)
    graph.post(f"mailFolders/{folder['id']}/permanentDelete")
    assert backup.run().verdict == Verdict.SUCCESS
    assert archive.is_whole()
    live = NodeVersion.objects.filter(is_folder=True, gone=None).values_list("name", flat=True)
    assert "Inheritance" not in live
    assert archive.cloud.contract_violations() == []


REFUSALS: list[dict[str, Any]] = [
    {"path": "users/MBX", "status": 403, "code": "ErrorAccessDenied"},
    {"path": "users/MBX", "status": 404, "code": "ErrorInvalidUser"},
    {"path": "users/MBX", "status": 308, "code": "ErrorArchiveFolderMovedPermanently"},
    {"path": "users/MBX.*/messages", "status": 503, "code": "ServiceUnavailable"},
]


def test_an_archive_that_is_refused_costs_the_mailbox_nothing_and_loses_nothing(archive: Archive) -> None:
    backup, cloud = archive.backup, archive.cloud
    archive.deliver("Old")
    cloud.add_fault("error", path="settings/exchange", status=403, code="ErrorAccessDenied", count=None)
    assert backup.run().verdict == Verdict.PARTIAL
    gap = CoverageGap.objects.get()
    assert gap.label == "In-Place Archive" and "User.Read.All" in gap.do
    cloud.clear_faults()
    assert backup.run().verdict == Verdict.SUCCESS
    assert archive.is_whole()
    cloud.add_fault("error", path="settings/exchange", status=400, code="BadRequest", count=None)
    assert backup.run().verdict == Verdict.SUCCESS, "what beta said once is known"
    cloud.clear_faults()
    for number, refusal in enumerate(REFUSALS):
        cloud.add_fault("error", count=None, **refusal)
        archive.deliver(f"New {number}", cloud.admin)
        cloud.set_mailbox(cloud.admin, forget_sync_state=True)  # so that what is not named has gone
        assert backup.run().verdict == Verdict.PARTIAL, refusal
        assert archive.is_whole()
        assert CoverageGap.objects.filter(label="In-Place Archive").exists()
        cloud.clear_faults()
    archive.deliver("Later")
    assert backup.run().verdict == Verdict.SUCCESS
    assert archive.is_whole()


def test_mail_of_the_archive_that_is_not_handed_out_fails_alone_until_it_is(archive: Archive) -> None:
    backup, cloud = archive.backup, archive.cloud
    archive.deliver("Old")
    code = "ErrorArchiveFolderMovedPermanently"
    cloud.add_fault("error", path="users/MBX.*value$", status=308, code=code, count=None)
    assert backup.run().verdict == Verdict.PARTIAL
    assert "another mailbox" in RunIssue.objects.get().what
    cloud.clear_faults()
    cloud.add_fault("error", path="users/MBX.*value$", status=404, code="ErrorInvalidUser", count=None)
    assert backup.run().verdict == Verdict.PARTIAL
    assert backup.real().items() <= backup.digests().items()
    cloud.clear_faults()
    assert backup.run().verdict == Verdict.SUCCESS
    assert archive.is_whole()


def test_an_archive_ends_when_it_is_switched_off_or_gone_and_older_days_keep_it(archive: Archive) -> None:
    backup, cloud = archive.backup, archive.cloud
    archive.deliver("Old")
    backup.run()
    archive.switch(on=False)
    backup.run()
    assert backup.digests() == backup.real()
    assert "In-place archive" in archive.ledger()
    first = Snapshot.objects.earliest("number")
    assert [each.node.name for each in folder_tree(first).roots][-1] == "In-Place Archive"
    archive.switch(on=True)
    backup.run()
    assert archive.is_whole()
    cloud.set_mailbox(archive.name, remove=True)
    assert backup.run().verdict == Verdict.SUCCESS
    assert backup.digests() == backup.real()


def test_a_mailbox_without_an_archive_hears_nothing_of_it(backup: Backup) -> None:
    BackupTask.objects.update(inplace_archives=True)
    assert backup.run().verdict == Verdict.SUCCESS
    folders = NodeVersion.objects.filter(is_folder=True).values_list("name", flat=True)
    ledger = ledger_of(Snapshot.objects.latest("number").run)
    assert not any("rchive" in each.what for each in (*ledger.excluded, *ledger.beyond))
    assert "In-Place Archive" not in folders
