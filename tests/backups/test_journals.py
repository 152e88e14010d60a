"""Each snapshot leaves a journal in the vault before it counts, which says what the snapshot changed."""

import random

import pytest

from apps.backups.engine import commit
from apps.backups.models import Entity, NodeVersion, RunIssue, Snapshot
from apps.connectors.base import FetchProblem
from apps.vault.api import (
    Chain,
    EndLine,
    IssueLine,
    Journal,
    JournalName,
    VersionLine,
    open_journals,
)
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.errors import StoreFull
from tests.faults.store import Killed
from tests.fixtures.mailbox import Mailbox
from tests.fixtures.people import People

pytestmark = pytest.mark.database


def heads(mailbox: Mailbox) -> list[JournalName]:
    return [name for name, part, _ in open_journals(mailbox.entity.account_id).list() if part == 0]


def journal_of(mailbox: Mailbox, snapshot: Snapshot) -> Journal:
    """Open the journal that a snapshot row names."""
    (name,) = [each for each in heads(mailbox) if each.short == snapshot.journal]
    assert name.chain == Chain(mailbox.entity.public_id, "mail")
    return open_journals(mailbox.entity.account_id).open(name)


def said(mailbox: Mailbox, snapshot: Snapshot) -> tuple[list[str], list[VersionLine], list[dict[str, object]]]:
    lines = list(open_journals(mailbox.entity.account_id).lines(journal_of(mailbox, snapshot)))
    return (
        [line.remote_id for line in lines if isinstance(line, EndLine)],
        [line for line in lines if isinstance(line, VersionLine)],
        [line.data for line in lines if isinstance(line, IssueLine)],
    )


@pytest.mark.parametrize("seed", range(2))
def test_every_journal_holds_exactly_what_its_snapshot_began_and_ended(mailbox: Mailbox, seed: int) -> None:
    mailbox.cloud.random = random.Random(seed)
    people = People(mailbox.cloud, random.Random(seed))
    for _ in range(6):
        people.work()
        mailbox.cloud.refuse_cursor = people.random.random() < 0.2
        assert mailbox.run() == "success"
    link = None
    for snapshot in mailbox.snapshots():
        ended, begun, _ = said(mailbox, snapshot)
        rows = NodeVersion.objects.filter(entity_id=mailbox.entity.pk)
        assert sorted(ended) == sorted(rows.filter(gone=snapshot.number).values_list("remote_id", flat=True))
        wanted = rows.filter(first=snapshot.number).order_by("id").values_list(*VersionLine._fields)
        assert begun == [VersionLine(*values)._replace(gone=None) for values in wanted]
        journal = journal_of(mailbox, snapshot)
        assert (journal.info["before"], journal.link) == (link, snapshot.journal_link)
        link = snapshot.journal_link
        assert journal.info["snapshot"]["cursor"] == snapshot.cursor
        assert journal.info["snapshot"]["items"] == snapshot.items
        assert journal.info["run"]["items_stored"] == snapshot.run.items_stored
        assert journal.info["run"]["finished_at"] == snapshot.run.finished_at.isoformat()
    assert len(heads(mailbox)) == 6


def test_a_journal_says_whose_backup_it_is_and_holds_no_secret(mailbox: Mailbox) -> None:
    mailbox.run()
    info = journal_of(mailbox, mailbox.snapshots()[0]).info
    task = mailbox.entity.task
    assert info["account"]["name"] == task.account.name
    assert (info["connection"]["tenant_id"], info["task"]["service"]) == ("t", "exchange")
    assert info["entity"]["address"] == "paula@pizza-perfecto.example"
    assert "sealed_credential" not in info["connection"]


def test_what_failed_is_in_the_journal_with_its_cause_and_stays_open(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mailbox.cloud.add_mail(inbox)
    bad = mailbox.cloud.add_mail(inbox)
    mailbox.cloud.problems[bad] = FetchProblem(bad, what="The provider stumbled.", do="Wait.")
    assert mailbox.run() == "partial"
    (row,) = RunIssue.objects.filter(entity=mailbox.entity)
    (issue,) = said(mailbox, mailbox.snapshots()[0])[2]
    assert (issue["remote_id"], issue["open"], issue["what"]) == (bad, True, row.what)
    assert issue["upsert"] == row.upsert


def test_without_a_durable_journal_there_is_no_snapshot(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"))
    put = LocalStore.put_if_absent

    def full(self: LocalStore, key: str, data: bytes) -> bool:
        if "/journals/" in key:
            raise StoreFull("The vault's disk is full.", do="Free space.")
        return put(self, key, data)

    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "put_if_absent", full)
        assert mailbox.run() == "failed"
    run = mailbox.last_run()
    assert run.message == f"A store of Everkeep's does not answer as it should. Reference: {run.public_id}"
    assert mailbox.snapshots() == []
    fetched = len(mailbox.cloud.fetched)
    assert mailbox.run() == "success"
    assert (mailbox.state(1), len(mailbox.cloud.fetched)) == (mailbox.live(), fetched)


def test_a_run_that_dies_between_journal_and_commit_leaves_one_that_does_not_count(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mailbox.cloud.add_mail(inbox)

    def die(settled: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(commit, "settle_issues", die)
        with pytest.raises(Killed):
            mailbox.run()
    assert mailbox.snapshots() == [] and len(heads(mailbox)) == 1
    mailbox.cloud.add_mail(inbox)
    Entity.objects.update(lease_owner="", lease_until=None)
    assert mailbox.run() == "success"
    (snapshot,) = mailbox.snapshots()
    assert len(heads(mailbox)) == 2
    assert len(said(mailbox, snapshot)[1]) == 3, (
        "the folder and both mails, though one was read by the dead run"
    )


def test_who_was_overtaken_while_writing_the_journal_commits_nothing(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"))
    real = commit.write_journal

    def overtaken(*args: object, **kwargs: object) -> object:
        Entity.objects.update(lease_owner="somebody else")
        return real(*args, **kwargs)

    monkeypatch.setattr(commit, "write_journal", overtaken)
    assert mailbox.run() == "overtaken"
    assert mailbox.snapshots() == []


def test_a_long_journal_keeps_the_lease(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.backups.journals.writing.PULSE_SECONDS", 0)
    monkeypatch.setattr("apps.backups.journals.reading.ROWS", 2)
    inbox = mailbox.cloud.add_folder("Inbox")
    for _ in range(11):
        mailbox.cloud.add_mail(inbox)
    renewed: list[object] = []
    real = commit.write_journal

    def counted(*args: object, **kwargs: object) -> object:
        pulse = kwargs.pop("pulse")
        return real(*args, **kwargs, pulse=lambda: renewed.append(pulse()))

    monkeypatch.setattr(commit, "write_journal", counted)
    assert mailbox.run() == "success"
    assert len(renewed) == 6 + 1
