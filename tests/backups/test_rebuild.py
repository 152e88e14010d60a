"""The catalog comes back from packs, journals and the key alone, row by row as it was."""

import random
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.backups.engine import commit
from apps.backups.engine.lease import Lease
from apps.backups.journals.rebuild import Report, rebuild
from apps.backups.models import BackupTask, Entity, NodeVersion, Run, RunIssue, Snapshot
from apps.connectors.base import FetchProblem
from apps.connectors.enums import SkipCause
from apps.connectors.models import Connection
from apps.core import clock
from apps.core.scope import every_account
from apps.vault.api import JournalWriter
from apps.vault.models import BlobLocation, Pack, VaultKey
from tests.cast import Cast
from tests.faults.store import Killed
from tests.fixtures.mailbox import Mailbox
from tests.fixtures.people import People

pytestmark = pytest.mark.database

FOREIGN = {"id", "account_id", "entity_id", "run_id", "task_id", "connection_id", "pack_row", "store_id"}
NOT_KEPT = {
    "connection": {
        "sealed_credential",
        "credential_expires_at",
        "state",
        "state_reason",
        "state_since",
        "created_at",
    },
    "task": {"created_at", "discovered_at", "discovering_since", "discovery_error"},
    "entity": {"next_run_at", "reachable", "state_before_archive"},
    "pack": {"created_at", "public_id"},
}


def picture() -> dict[str, Any]:
    """Return all rows that must come back, without their keys in this database."""
    runs = {pk: str(name) for pk, name in Run.objects.values_list("pk", "public_id")}
    tables = {
        "connection": Connection.objects, "task": BackupTask.objects, "entity": Entity.objects,
        "run": Run.objects, "snapshot": Snapshot.objects, "issue": RunIssue.objects, "pack": Pack.objects,
        "blob": BlobLocation.objects, "version": NodeVersion.objects,
    }  # fmt: skip
    found: dict[str, Any] = {}
    for table, rows in tables.items():
        left_out = FOREIGN | NOT_KEPT.get(table, set())
        found[table] = sorted(
            repr([(key, value) for key, value in sorted(row.items()) if key not in left_out]
                 + [("run", runs.get(row.get("run_id")))])
            for row in rows.values()
        )  # fmt: skip
    return found


def lose_the_database() -> None:
    """All but the account and the vault's keys is gone."""
    for model in (NodeVersion, RunIssue, Snapshot, Run, Entity, BackupTask, Connection, BlobLocation, Pack):
        model.objects.all().delete()


def vault_folder() -> Path:
    return Path(settings.VAULT_URL.removeprefix("file://")) / VaultKey.objects.get().public_id.hex


def journals() -> list[Path]:
    return sorted(vault_folder().glob("journals/*/*/*"))


def lived(mailbox: Mailbox, seed: int, days: int = 8) -> People:
    """Have people work and backups run; some days a mail cannot be read."""
    cloud = mailbox.cloud
    cloud.seed, cloud.random = seed, random.Random(seed)
    people = People(cloud, random.Random(seed))
    for _ in range(days):
        people.work()
        cloud.refuse_cursor = people.random.random() < 0.2
        tried = {key: FetchProblem(key, what="Gone.", skip=SkipCause.GONE) for key in cloud.problems}
        cloud.problems = {key: gone for key, gone in tried.items() if key not in cloud.mails}
        if cloud.mails and people.random.random() < 0.4:
            bad = people.random.choice(list(cloud.mails))
            cloud.problems[bad] = FetchProblem(bad, what="The provider stumbled.")
        assert mailbox.run() in ("success", "partial")
    return people


def rebuilt(mailbox: Mailbox, **options: Any) -> Report:
    return rebuild(account_id=mailbox.entity.account_id, **options)


def settled(mailbox: Mailbox) -> Mailbox:
    """Return the mailbox with the entity that the rebuild made."""
    mailbox.entity = Entity.objects.select_related("task__connection").get(public_id=mailbox.entity.public_id)
    return mailbox


@pytest.mark.parametrize("seed", range(5))
def test_any_history_comes_back_into_an_empty_database_row_by_row(mailbox: Mailbox, seed: int) -> None:
    people = lived(mailbox, seed)
    before, live = picture(), [mailbox.state(s.number) for s in mailbox.snapshots()]
    lose_the_database()
    report = rebuilt(mailbox)
    assert report.problems == []
    after = picture()
    for table, rows in before.items():
        assert after[table] == rows, f"seed {seed}: {table}"
    settled(mailbox)
    assert [mailbox.state(s.number) for s in mailbox.snapshots()] == live

    mailbox.cloud.problems = {key: each for key, each in mailbox.cloud.problems.items() if each.skip}
    fetched, packs = len(mailbox.cloud.fetched), Pack.objects.count()
    assert mailbox.run() == "success"
    assert mailbox.state(9) == mailbox.live(), "the next backup goes on from the cursor that was kept"
    assert Pack.objects.count() <= packs + 1
    assert len(mailbox.cloud.fetched) - fetched <= 2, "only what could not be read before"
    people.work()
    assert mailbox.run() == "success"
    assert mailbox.state(10) == mailbox.live()


@pytest.mark.parametrize("seed", [11, 12])
def test_a_database_of_some_days_ago_catches_up(mailbox: Mailbox, seed: int) -> None:
    lived(mailbox, seed)
    before = picture()
    later = Snapshot.objects.filter(number__gt=5)
    lost_runs = list(later.values_list("run_id", flat=True))
    NodeVersion.objects.filter(first__gt=5).delete()
    NodeVersion.objects.filter(gone__gt=5).update(gone=None)
    later.delete()
    RunIssue.objects.filter(run_id__in=lost_runs).delete()
    Run.objects.filter(pk__in=lost_runs).delete()
    report = rebuilt(mailbox)
    assert (report.problems, report.snapshots) == ([], 3)
    after = picture()
    for table in ("version", "snapshot", "run", "entity", "blob"):
        assert after[table] == before[table]


def test_what_is_there_stays_as_it_is_and_nothing_is_doubled(mailbox: Mailbox) -> None:
    lived(mailbox, 3)
    before = picture()
    report = rebuilt(mailbox)
    assert (report.problems, report.snapshots, report.versions, report.packs.packs) == ([], 0, 0, 0)
    assert picture() == before


def test_a_catalog_that_is_damaged_is_made_anew_on_demand(mailbox: Mailbox) -> None:
    lived(mailbox, 4)
    before = picture()
    NodeVersion.objects.filter(first=2).delete()
    report = rebuilt(mailbox, again=True)
    assert report.problems == []
    assert picture()["version"] == before["version"]


def test_made_anew_is_only_what_the_journals_can_bring_back(mailbox: Mailbox) -> None:
    lived(mailbox, 4, days=4)
    before = picture()
    next(path for path in journals() if path.name.startswith("0000000003-")).unlink()
    report = rebuilt(mailbox, again=True)
    assert any("left as it is" in problem for problem in report.problems)
    assert picture()["version"] == before["version"]


def test_nothing_is_thrown_away_for_a_journal_with_a_damaged_segment(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(JournalWriter.__init__.__kwdefaults__, "segment_bytes", 500)
    lived(mailbox, 4, days=3)
    before = picture()
    next(path for path in journals() if path.name.endswith(".000001")).unlink()
    report = rebuilt(mailbox, again=True)
    assert any("left as it is" in problem for problem in report.problems)
    assert picture()["version"] == before["version"]


@pytest.mark.parametrize("dies_at", [1, 3, 7, 20, 31])
def test_killed_while_it_rebuilds_it_starts_again_and_comes_to_the_same(
    mailbox: Mailbox, dies_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived(mailbox, 5)
    before = picture()
    lose_the_database()
    real, calls = Lease.guard, [0]

    def guard(self: Lease) -> Any:
        calls[0] += 1
        if calls[0] == dies_at:
            raise Killed
        return real(self)

    with monkeypatch.context() as patched:
        patched.setattr(Lease, "guard", guard)
        with pytest.raises(Killed):
            rebuilt(mailbox)
    assert rebuilt(mailbox).problems == []
    after = picture()
    assert {table: after[table] for table in ("version", "snapshot", "run", "issue", "blob")} == {
        table: before[table] for table in ("version", "snapshot", "run", "issue", "blob")
    }


def test_of_the_journals_of_a_run_that_died_and_the_next_the_committed_one_counts(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mailbox.cloud.add_mail(inbox, "before")
    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(commit, "settle_issues", lambda settled: (_ for _ in ()).throw(Killed))
            with pytest.raises(Killed):
                mailbox.run()
        Entity.objects.update(lease_owner="", lease_until=None)
        mailbox.cloud.add_mail(inbox, "after")
        assert mailbox.run() == "success"
    before = picture()
    assert len(journals()) == 4
    lose_the_database()
    assert rebuilt(mailbox).problems == []
    after = picture()
    for table in ("version", "snapshot", "entity", "blob"):
        assert after[table] == before[table]


def test_a_missing_journal_is_named_and_the_next_backup_completes_the_list(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    first = mailbox.cloud.add_mail(inbox, "first")
    mailbox.run()
    second = mailbox.cloud.add_mail(inbox, "second")
    mailbox.run()
    mailbox.cloud.delete_mail(first)
    third = mailbox.cloud.add_mail(inbox, "third")
    mailbox.run()
    journals()[1].unlink()
    lose_the_database()
    report = rebuilt(mailbox)
    (problem,) = report.problems
    assert problem.startswith("Paula Pizza, Mail: the record of backup 2 is missing.")
    settled(mailbox)
    assert [s.number for s in mailbox.snapshots()] == [1, 3]
    assert set(mailbox.state(3)) == {inbox, third}
    last = mailbox.snapshots()[-1]
    assert (last.items, last.folder_totals[inbox][0], last.cursor) == (1, 1, None)
    mailbox.cloud.fetched.clear()
    assert mailbox.run() == "success"
    assert mailbox.state(4) == mailbox.live()
    assert mailbox.snapshots()[-1].items == 2
    assert mailbox.cloud.fetched == [second], "what the lost journal named is fetched, and found in the vault"


def test_a_damaged_segment_costs_only_its_lines(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(JournalWriter.__init__.__kwdefaults__, "segment_bytes", 500)
    inbox = mailbox.cloud.add_folder("Inbox")
    for number in range(12):
        mailbox.cloud.add_mail(inbox, f"Mail {number}")
    mailbox.run()
    segments = [path for path in journals() if "." in path.name]
    assert len(segments) > 3
    segments[2].write_bytes(b"x" * 100)
    lose_the_database()
    report = rebuilt(mailbox)
    (problem,) = report.problems
    assert "a part of the record of backup 1 cannot be read" in problem
    settled(mailbox)
    assert 1 < len(mailbox.state(1)) < 13
    assert mailbox.run() == "success"
    assert mailbox.state(2) == mailbox.live()


def test_a_missing_pack_is_named_by_the_mails_in_it(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mailbox.cloud.add_mail(inbox, "Lost order", b"lost" * 100)
    mailbox.run()
    lost = Pack.objects.get()
    mailbox.cloud.add_mail(inbox, "Kept order", b"kept" * 100)
    mailbox.run()
    name = bytes(lost.pack_id).hex()
    next(vault_folder().glob(f"packs/*/{name}")).unlink()
    lose_the_database()
    report = rebuilt(mailbox)
    (problem,) = report.problems
    assert "1 item cannot be read" in problem and "“Lost order”" in problem
    assert len(report.missing) >= 1
    settled(mailbox)
    assert mailbox.run() == "success"
    assert mailbox.state(3) == mailbox.live(), "the next backup fetches what the lost pack held"


def test_a_damaged_pack_is_named(mailbox: Mailbox) -> None:
    mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"), "Lost order")
    mailbox.run()
    name = bytes(Pack.objects.get().pack_id).hex()
    path = next(vault_folder().glob(f"packs/*/{name}"))
    path.write_bytes(path.read_bytes()[:-30])
    lose_the_database()
    report = rebuilt(mailbox)
    assert report.packs.damaged.keys() == {name}
    assert any(name in problem for problem in report.problems)
    assert any("Lost order" in problem for problem in report.problems)


def test_a_mailbox_that_is_backed_up_right_now_is_left_out_and_named(mailbox: Mailbox) -> None:
    mailbox.run()
    Entity.objects.update(lease_owner="a run", lease_until=clock.now() + timedelta(minutes=1))
    report = rebuilt(mailbox)
    assert report.problems == [
        "Paula Pizza, Mail: a backup is at work, so it was left out. Run this again later."
    ]


def test_the_operator_says_which_account_and_reads_what_came_back(
    mailbox: Mailbox, capsys: pytest.CaptureFixture[str]
) -> None:
    mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"))
    mailbox.run()
    account = str(mailbox.entity.account.public_id)
    lose_the_database()
    call_command("vault", "rebuild", "--account", account)
    said = capsys.readouterr().out
    assert "1 backups of 1 lists brought back, 2 versions" in said
    assert "Nothing is missing.\nA check of everything begins now" in said
    with pytest.raises(CommandError, match="no account of this id"):
        call_command("vault", "rebuild", "--account", "nonsense")


@pytest.mark.parametrize("table", ["entity", "task", "connection", "run", "snapshot"])
def test_a_journal_that_names_what_is_anothers_ends_in_words(mailbox: Mailbox, cast: Cast, table: str) -> None:
    """Whoever has a recovery key can write journals; ids of another account are on its pages."""
    mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"))
    mailbox.run()
    models = {"entity": Entity, "task": BackupTask, "connection": Connection, "run": Run, "snapshot": Snapshot}
    taken = models[table].objects.get().public_id
    account_id = mailbox.entity.account_id
    with every_account("the rows become those of another account"):
        lose_all_but(models[table], cast.other_account.pk)
    said = rebuild(account_id=account_id).problems
    assert len(said) == 1 and "It says what cannot be true here" in said[0], said
    with every_account("whose it is"):
        assert models[table].objects.get(public_id=taken).account_id == cast.other_account.pk


def lose_all_but(kept: type[Any], account_id: int) -> None:
    """The database is gone, but another account has rows with the ids of the lost ones."""
    order = [Connection, BackupTask, Entity, Run, Snapshot]
    needed = order[: order.index(kept) + 1]
    for model in (NodeVersion, RunIssue, BlobLocation, Pack):
        model.objects.all().delete()
    for model in reversed(order):
        if model in needed:
            model.objects.update(account_id=account_id)
        else:
            model.objects.all().delete()
    for model in needed[:-1]:
        for row in model.objects.all():
            model.objects.filter(pk=row.pk).update(public_id=uuid.uuid4())
