"""Items that are erased: hidden at once, gone after a grace from backups, journals, packs, and never back."""

from datetime import datetime
from typing import Any

import pytest

from apps.backups import registry
from apps.backups.engine.lease import Lease
from apps.backups.erasure import erase as erasing
from apps.backups.erasure.certificate import certificate_of
from apps.backups.erasure.order import erasure_cancel
from apps.backups.journals.rebuild import rebuild
from apps.backups.models import BackupTask, Entity, ErasedItem, Erasure, Hold, NodeVersion, RunIssue, Snapshot
from apps.backups.models.catalog import key_of
from apps.backups.selectors.browse import as_of, folder_page, nodes_by_keys
from apps.backups.selectors.compare import Pair, compare_page
from apps.backups.selectors.hidden import hidden_versions
from apps.backups.selectors.tree import folder_tree
from apps.backups.services.holds import hold_items
from apps.connectors.base import FetchProblem
from apps.core import clock
from apps.core.actor import acting_as, current_actor
from apps.core.errors import Conflict
from apps.vault.api import open_journals
from apps.vault.gc import collect
from apps.vault.models import BlobLocation
from apps.vault.services import open_vault
from apps.vault.store.inspect import list_packs, read_pack_index
from tests.backups.erasure.conftest import DAY, let_pass, order, versions
from tests.fixtures.mailbox import Mailbox, Seen

pytestmark = pytest.mark.database
SECRET = b"what Paula wrote about her knee "


@pytest.fixture
def kept(mailbox: Mailbox) -> Mailbox:
    """Three days of a mailbox: `mail-knee` is changed on the second; `mail-twin` has a double."""
    mailbox.now = clock.now() - 20 * DAY
    inbox, away = mailbox.cloud.add_folder("Inbox"), mailbox.cloud.add_folder("Away")
    mailbox.cloud.add_mail(inbox, "My knee", content=SECRET * 30, mail_id="mail-knee")
    for name in ("mail-twin", "mail-other"):
        mailbox.cloud.add_mail(inbox, "Both have this", content=b"the same bytes " * 60, mail_id=name)
    for number in range(6):
        mailbox.cloud.add_mail(away, f"Kept {number}", content=f"kept {number} ".encode() * 80)
    assert mailbox.run() == "success"
    mailbox.cloud.change_mail("mail-knee", content=SECRET * 40)
    assert mailbox.run() == "success"
    mailbox.cloud.add_mail(away, "Later")
    assert mailbox.run() == "success"
    mailbox.entity.refresh_from_db()
    return mailbox


def without(state: dict[str, Seen], *remote_ids: str) -> dict[str, Seen]:
    return {key: seen for key, seen in state.items() if key not in remote_ids}


def states(mailbox: Mailbox) -> list[dict[str, Seen]]:
    return [mailbox.state(snapshot.number) for snapshot in mailbox.snapshots()]


def collect_garbage(account_id: int, now: datetime) -> datetime:
    for _ in range(7):
        with clock.travel(now):
            collect(account_id)
        now = let_pass(4, now)
    return now


def everything_readable(account_id: int) -> bytes:
    """All that the store gives to who has its keys: every blob of every pack, every line of journals."""
    vault, found = open_vault(account_id=account_id), b""
    for pack_id, _ in list_packs(vault.store):
        places = dict(read_pack_index(vault.store, vault.keys, pack_id))
        here = {bytes(row) for row in BlobLocation.objects.values_list("blob_id", flat=True)}
        assert set(places) <= here, "a pack holds bytes that no row names"
        found += b"".join(vault.reader().load(places).values())
    folder = open_journals(account_id)
    for name, part, _ in folder.list():
        if part == 0:
            journal = folder.open(name)
            found += repr(journal.info).encode() + repr(list(folder.lines(journal))).encode()
    return found


def counted(snapshot: Snapshot) -> tuple[int, int, dict[str, list[int]]]:
    """The totals of a snapshot, from its rows."""
    rows = [
        row
        for row in NodeVersion.objects.filter(entity_id=snapshot.entity_id, is_folder=False)
        if row.first <= snapshot.number and (row.gone is None or row.gone > snapshot.number)
    ]
    folders: dict[str, list[int]] = {}
    for row in rows:
        each = folders.setdefault(row.parent_id or "", [0, 0])
        each[0], each[1] = each[0] + 1, each[1] + row.size
    return len(rows), sum(row.size for row in rows), folders


def test_what_is_ordered_is_hidden_at_once_and_shown_again_when_it_is_taken_back(
    kept: Mailbox, olivia: Any
) -> None:
    first = kept.snapshots()[0]
    before = [page.name for page in folder_page(as_of(first), inbox_of(kept)).nodes]
    erasure = order(kept.entity, "mail-knee")
    state = as_of(first)
    assert [page.name for page in folder_page(state, inbox_of(kept)).nodes] == before[:-1]
    assert nodes_by_keys(state, [key_of("mail-knee")]) == []
    assert folder_tree(first, state).by_id[inbox_of(kept)].items == 2
    begun = Pair(state.account_id, state.entity_id, "mail", 0, 3, state.hidden)
    assert "My knee" not in {row.node.name for row in compare_page([begun]).rows}
    assert hidden_versions(state.account_id) == {row.pk for row in kept.rows() if row.remote_id == "mail-knee"}
    with pytest.raises(Conflict, match="already"):
        order(kept.entity, "mail-knee")
    kept.cloud.change_mail("mail-knee", content=b"a new word")
    assert kept.run() == "success", "backups go on, so that nothing is missing if it is taken back"
    let_pass(6.5)
    assert versions(kept.entity, "mail-knee") == 3
    erasure_cancel(public_id=erasure.public_id)
    let_pass(20)
    assert [page.name for page in folder_page(as_of(first), inbox_of(kept)).nodes] == before
    assert kept.state(4)["mail-knee"].content == b"a new word"


def inbox_of(mailbox: Mailbox) -> str:
    return next(key for key, folder in mailbox.cloud.folders.items() if folder.name == "Inbox")


def test_after_the_grace_and_gc_no_pack_journal_or_row_holds_it_and_all_else_reads_as_before(
    kept: Mailbox, olivia: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry._remains, "search", lambda account_id: True)
    account_id = kept.entity.account_id
    kept.cloud.problems["mail-knee"] = FetchProblem("mail-knee", "Not today.", code="x")
    kept.cloud.change_mail("mail-knee", content=SECRET * 50)
    kept.run()
    assert RunIssue.objects.filter(remote_id="mail-knee").exists()
    kept.cloud.problems.clear()
    wanted = [without(state, "mail-knee", "mail-twin") for state in states(kept)]
    erasure = order(kept.entity, "mail-knee", "mail-twin")
    now = let_pass(7.5)
    erasure.refresh_from_db()
    assert (erasure.state, erasure.left, erasure.bytes_gone_at) == ("done", [], None)
    assert (erasure.proof["items"], erasure.proof["versions"]) == (2, 3)
    assert states(kept) == wanted
    for snapshot in kept.snapshots():
        assert (snapshot.items, snapshot.size, snapshot.folder_totals) == counted(snapshot)
        row = snapshot.coverage.get(inbox_of(kept), {"skipped erased": 2, "captured": 1})
        assert (row["skipped erased"], row["captured"]) == (2, 1)
    assert [snapshot.added for snapshot in kept.snapshots()][:3] == [7, 0, 1]
    assert not RunIssue.objects.filter(remote_id="mail-knee").exists()
    assert "wait for garbage collection" in " ".join(certificate_of(erasure)["not erased"])
    now = collect_garbage(account_id, now)
    erasure.refresh_from_db()
    assert erasure.bytes_gone_at is None and "search index" in " ".join(certificate_of(erasure)["not erased"])
    monkeypatch.undo()
    now = let_pass(0.25, now)
    erasure.refresh_from_db()
    assert erasure.bytes_gone_at is not None and erasure.shared == 1
    plain = everything_readable(account_id)
    assert SECRET not in plain and b"My knee" not in plain and b"mail-knee" not in plain
    assert b"the same bytes" in plain and b"kept 3" in plain
    assert states(kept) == wanted
    said = certificate_of(erasure)
    assert "My knee" not in repr(said) and said["what"]["Mail"]["ids"] == sorted(
        map(key_of, ("mail-knee", "mail-twin"))
    )


def test_no_run_takes_it_up_again_and_the_ledger_says_so(kept: Mailbox, olivia: Any) -> None:
    order(kept.entity, "mail-knee", "mail-twin")
    kept.now = let_pass(7.5)
    kept.cloud.fetched.clear()
    kept.cloud.change_mail("mail-knee", content=SECRET * 60)
    assert kept.run() == "success"
    kept.cloud.refuse_cursor = True
    assert kept.run() == "success"
    assert "mail-knee" not in kept.cloud.fetched and versions(kept.entity, "mail-knee") == 0
    ledger = kept.snapshots()[-1].coverage[inbox_of(kept)]
    assert (ledger["expected"], ledger["captured"], ledger["skipped erased"]) == (3, 1, 2)
    assert kept.last_run().items_failed == 0 and not RunIssue.objects.exists()
    kept.cloud.delete_mail("mail-knee")
    assert kept.run() == "success"
    assert ErasedItem.objects.get(key=key_of("mail-knee")).place is None
    assert kept.snapshots()[-1].coverage[inbox_of(kept)]["skipped erased"] == 1


def test_a_hold_that_comes_while_items_are_being_erased_is_not_too_late(
    kept: Mailbox, olivia: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, person = erasing._rows, current_actor()

    def held_before(*args: Any) -> None:
        monkeypatch.undo()
        with acting_as(person):
            hold_items(kept.entity, {"mail": [key_of("mail-knee")]}, name="Case 9")
        real(*args)

    monkeypatch.setattr(erasing, "_rows", held_before)
    erasure = order(kept.entity, "mail-knee")
    now = let_pass(7.5)
    erasure.refresh_from_db()
    assert (erasure.state, erasure.waiting_for) == ("erasing", "On legal hold.")
    assert versions(kept.entity, "mail-knee") == 2
    Hold.objects.update(lifted_at=clock.now())
    let_pass(0.5, now)
    erasure.refresh_from_db()
    assert erasure.state == "done" and versions(kept.entity, "mail-knee") == 0


def test_the_database_is_lost_and_it_stays_erased(kept: Mailbox, olivia: Any) -> None:
    order(kept.entity, "mail-knee")
    kept.now = let_pass(7.5)
    wanted, account_id = states(kept), kept.entity.account_id
    name = kept.entity.public_id
    NodeVersion.objects.all().delete()
    for rows in (ErasedItem, Erasure, Snapshot):
        rows.objects.all().delete()
    Entity.objects.all().delete()
    BackupTask.objects.all().delete()
    assert rebuild(account_id=account_id, say=lambda words: None).problems == []
    kept.entity = Entity.objects.get(public_id=name)
    assert states(kept) == wanted
    kept.cloud.change_mail("mail-knee", content=SECRET)
    kept.cloud.refuse_cursor = True
    assert kept.run() == "success" and versions(kept.entity, "mail-knee") == 0


def test_after_an_old_dump_no_record_of_later_backups_goes_before_they_are_rebuilt(
    kept: Mailbox, olivia: Any
) -> None:
    kept.cloud.add_mail(inbox_of(kept), "Only on the third day", mail_id="mail-third")
    assert kept.run() == "success"
    kept.cloud.delete_mail("mail-third")
    assert kept.run() == "success"
    wanted, account_id = [without(state, "mail-knee") for state in states(kept)], kept.entity.account_id
    Snapshot.objects.filter(number__gt=3).delete()
    NodeVersion.objects.filter(first__gt=3).delete()
    NodeVersion.objects.filter(gone__gt=3).update(gone=None)
    kept.entity.refresh_from_db()
    erasure = order(kept.entity, "mail-knee")
    now = let_pass(7.5)
    erasure.refresh_from_db()
    assert (erasure.state, erasure.waiting_for[:24]) == ("erasing", "There are later backups ")
    assert rebuild(account_id=account_id, say=lambda words: None).snapshots == 2
    assert states(kept) == wanted
    let_pass(0.5, now)
    erasure.refresh_from_db()
    assert erasure.state == "done" and states(kept) == wanted


@pytest.mark.parametrize("after", range(1, 7))
def test_killed_anywhere_it_is_finished_by_the_next_hour(
    kept: Mailbox, olivia: Any, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    calls = iter(range(1, 1000))
    places: list[tuple[str, Any]] = [
        ("guard", Lease),
        ("_count_anew", erasing),
        ("journals_compact", erasing),
        ("journals_prune", erasing),
        ("_strays", erasing),
    ]
    for name, owner in places:
        real = getattr(owner, name)

        def killing(*args: Any, real: Any = real, **how: Any) -> Any:
            if next(calls) == after:
                raise RuntimeError("killed")
            return real(*args, **how)

        monkeypatch.setattr(owner, name, killing)
    wanted = [without(state, "mail-knee") for state in states(kept)]
    erasure = order(kept.entity, "mail-knee")
    let_pass(7.6)
    erasure.refresh_from_db()
    assert next(calls) > after and (erasure.state, erasure.left) == ("done", [])
    assert states(kept) == wanted and erasure.proof["versions"] == 2
    for snapshot in kept.snapshots():
        assert (snapshot.items, snapshot.size, snapshot.folder_totals) == counted(snapshot)
    monkeypatch.undo()
    plain = b"".join(
        repr(list(folder.lines(folder.open(name)))).encode()
        for folder in [open_journals(kept.entity.account_id)]
        for name, part, _ in folder.list()
        if part == 0
    )
    assert b"mail-knee" not in plain
