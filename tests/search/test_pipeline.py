"""Snapshots come into the index, versions leave it, and it says the same however it was built."""

import os
import time
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from apps.backups.models import Entity, NodeVersion, Snapshot
from apps.backups.registry import ErasedVersions, erase_elsewhere, forgotten, remains_elsewhere
from apps.core.actor import Actor, acting_as
from apps.core.errors import PermissionMissing
from apps.core.permissions import Permission
from apps.core.scope import account_scope
from apps.search import cache
from apps.search.dispatch import accounts_to_index
from apps.search.index.errors import IndexTrouble
from apps.search.language.tree import Column, Deleted, Everything, Ids, Kept, Kind, Phrase, Query, Word
from apps.search.models import Indexed, Removal, SearchIndex
from apps.search.objects import files_in
from apps.search.selectors import count, facets, lag, search
from apps.search.services import is_indexed, task_index_set
from apps.vault.api import open_derived, vault_shred
from apps.vault.gc import collect as collect_garbage
from apps.vault.services import open_vault
from tests.cast import Cast
from tests.recovery.factories import FIRST_DAY, Mailbox, make_entity, store, store_document
from tests.search.conftest import index, letter, subjects

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("search_folder")]


def all_versions(box: Mailbox) -> dict[str, set[tuple[str, int]]]:
    """What the index says of every version, by questions that touch every field that changes."""
    moments = {"now": Everything(), "gone": Deleted(), "first": Kept(FIRST_DAY), "second": Kept(day(1))}
    account = box.entity.account_id
    found: dict[str, set[tuple[str, int]]] = {}
    for name, query in moments.items():
        rows = search(account, query, scope=Everything(), limit=500).rows
        found[name] = {(row.node.remote_id, row.node.first) for row in rows}
    return found


def day(number: int) -> Any:
    return FIRST_DAY + timedelta(days=number)


def a_mailbox_with_a_life(box: Mailbox) -> None:
    """Four backups: mails come, change, go, and one comes back."""
    for number in range(5):
        letter(box, f"m{number}", f"Invoice {number}", f"Please pay number{number}")
    box.day()
    box.remove("m0")
    letter(box, "m1", "Invoice 1 corrected")
    box.day()
    box.remove("m2")
    box.day()
    letter(box, "m0", "Invoice 0 again")
    box.day()


def test_what_was_backed_up_is_found_with_its_life(box: Mailbox) -> None:
    a_mailbox_with_a_life(box)
    account = box.entity.account_id
    behind = lag(account)
    assert (behind.waiting, behind.items > 0, subjects(box)) == (1, False, [])
    assert accounts_to_index() == [account]
    assert index(box).added == 7
    assert (lag(account).waiting, accounts_to_index()) == (0, [])
    assert subjects(box, "invoices") == [
        "Invoice 0 again",
        "Invoice 1 corrected",
        "Invoice 2",
        "Invoice 3",
        "Invoice 4",
    ]
    assert subjects(box, "number3") == ["Invoice 3"]
    assert subjects(box, "agata.brown@pizza-perfecto.example") == subjects(box)
    assert subjects(box, Deleted()) == ["Invoice 2"], "what came back is not deleted"
    assert subjects(box, Kept(day(0))) == [f"Invoice {number}" for number in range(5)]
    assert count(account, Word("invoice"), scope=Everything()).number == 5
    assert facets(account, Everything(), scope=Everything()).deleted == 1
    assert facets(account, Everything(), scope=Everything()).months == {"2026-11": 5}


def test_day_by_day_or_at_once_or_anew_the_index_says_the_same(box: Mailbox) -> None:
    for number in range(4):
        letter(box, f"m{number}", f"Invoice {number}")
    box.day()
    index(box)
    box.remove("m0")
    letter(box, "m1", "Invoice 1 corrected")
    box.day()
    index(box)
    assert subjects(box, Deleted()) == ["Invoice 0"]
    letter(box, "m0", "Invoice 0 again")
    box.day()
    index(box)
    assert subjects(box, Deleted()) == []
    said = all_versions(box)
    assert [len(each) for each in said.values()] == [4, 0, 4, 3]
    call_command("search", "rebuild", account=str(box.entity.account.public_id))
    assert all_versions(box)["now"] == set() and lag(box.entity.account_id).waiting == 1
    index(box)
    assert all_versions(box) == said
    assert index(box).added == 0


def test_words_of_what_was_erased_leave_the_store_and_all_else_is_found_meanwhile(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What retention lets go is only marked; an erasure is followed until no file of before is left."""
    from apps.search import indexing, pulling

    account = box.entity.account_id
    for number in range(5):
        letter(box, f"m{number}", f"Invoice {number}")
    box.day()
    index(box)
    folder, objects = open_derived(account), SearchIndex.objects.get().manifest
    before = {name for file in objects if not file["name"].endswith(".json") for name in file["objects"]}
    monkeypatch.setattr(pulling, "BATCH", 2)

    def go(remote_id: str, *, erased: bool) -> None:
        ids = list(NodeVersion.objects.filter(remote_id=remote_id).values_list("pk", flat=True))
        if erased:
            erase_elsewhere(ErasedVersions(box.entity.public_id, "mail", ids, []))
        forgotten(box.entity.pk, ids)
        NodeVersion.objects.filter(pk__in=ids).delete()

    go("m0", erased=False)
    index(box)
    assert before & set(folder.names()) and not remains_elsewhere(account)
    go("m1", erased=True)
    assert remains_elsewhere(account) and accounts_to_index() == [account]
    left = [f"Invoice {number}" for number in (2, 3, 4)]
    assert subjects(box) == left
    while indexing.index_account(account, seconds=0).more:
        assert subjects(box) == left and remains_elsewhere(account)
    assert not before & set(folder.names()) and not remains_elsewhere(account)
    assert subjects(box, "invoice") == left and lag(account).waiting == 0
    assert index(box).added == 0


def test_a_long_mailbox_comes_in_by_pieces(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.search import indexing, pulling

    for number in range(4):
        letter(box, f"m{number}", f"Invoice {number}")
    box.day()
    monkeypatch.setattr(pulling, "BATCH", 3)
    monkeypatch.setattr(indexing, "PASS_SECONDS", 0)
    sizes = []
    while (done := indexing.index_account(box.entity.account_id, seconds=0)).more:
        sizes.append(done.added)
        assert len(subjects(box)) == sum(sizes)
    assert [*sizes, done.added] == [1, 1, 1, 1], "it is asked after each item: one may take a minute"
    assert len(subjects(box, "invoice")) == 4
    assert Indexed.objects.get().up_to == 1


def test_files_of_one_item_may_not_take_the_time_of_all(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.search import pulling

    message = EmailMessage()
    message["Subject"] = "Many"
    for number in range(3):
        message.add_attachment(f"inside{number}", filename=f"file{number}.txt")
    box.item("m1", "inbox", "Many", content=store(message.as_bytes()))
    box.day()
    monkeypatch.setattr(pulling, "ITEM_SECONDS", -1.0)
    index(box)
    assert (subjects(box, "inside0"), subjects(box, "file2")) == ([], ["Many"])
    assert SearchIndex.objects.get().trouble["counts"] == {"too_long": 3}


def test_nobody_finds_what_is_anothers_or_outside_their_scope(box: Mailbox, cast: Cast) -> None:
    letter(box, "m1", "Our secret")
    box.day()
    index(box)
    other = Mailbox(make_entity("Carla", "carla@pizza-perfecto.example", limited=True))
    other.folder("inbox", "Inbox")
    letter(other, "m2", "Carla's secret")
    other.day()
    index(other)
    assert subjects(box, "secret") == ["Carla's secret", "Our secret"]
    mine: Query = Ids(Column.ENTITY, frozenset({box.entity.pk}))
    assert subjects(box, "secret", mine) == ["Our secret"]
    assert facets(box.entity.account_id, Word("secret"), scope=mine).entities == {box.entity.pk: 1}
    theirs = cast.stranger.memberships.get().account
    with account_scope(theirs.pk):
        foreign = Mailbox(make_entity("Mallory", "m@example.com"))
        foreign.folder("inbox", "Inbox")
        letter(foreign, "m3", "Mallory's secret")
        foreign.day()
        index(foreign)
        assert subjects(foreign, "secret") == ["Mallory's secret"]
    assert subjects(box, "secret") == ["Carla's secret", "Our secret"]


def test_events_and_notes_are_found_by_what_people_see_of_them(box: Mailbox) -> None:
    events = Mailbox(box.entity, "calendars")
    events.folder("cal", "Calendar")
    document = {
        "id": "AAMk" * 30,
        "subject": "Board meeting",
        "body": {"contentType": "html", "content": "<p>Bring the <b>quar</b>terly figures</p>"},
        "organizer": {"emailAddress": {"name": "Agata Brown", "address": "agata@pizza-perfecto.example"}},
        "attendees": [{"emailAddress": {"name": "Zoë", "address": "zoe@example.com"}, "type": "required"}],
        "locations": [{"displayName": "Room Vesuvio"}],
        "attachments": [{"name": "plan.txt", "contentType": "text/plain", "part": 0}],
    }
    events.item("e1", "cal", "Board meeting", content=store_document(document, "Grüße aus Köln".encode()))
    events.day()
    index(box)
    for word in ("quarterly", "vesuvio", "zoe@example.com", "agata", "plan", "koln", "board"):
        assert subjects(box, word) == ["Board meeting"], word
    for word in ("required", "html", "AAMk"):
        assert subjects(box, word) == [], word
    assert subjects(box, Kind("mail")) == []


def test_what_leaves_the_catalog_is_not_found_nor_counted_from_that_moment(box: Mailbox) -> None:
    for number in range(3):
        letter(box, f"m{number}", f"Invoice {number}")
    box.day()
    index(box)
    account = box.entity.account_id
    gone = NodeVersion.objects.get(remote_id="m1")
    gone_id = gone.pk
    gone.delete()
    assert subjects(box, "invoice") == ["Invoice 0", "Invoice 2"], "the catalog is the truth"
    forgotten(box.entity.pk, [gone_id])
    assert count(account, Word("invoice"), scope=Everything()).number == 2, "and it is not counted"
    assert index(box).removed == 1
    assert Removal.objects.count() == 0
    assert count(account, Word("invoice"), scope=Everything()).number == 2
    Snapshot.objects.all().delete()
    assert subjects(box, "invoice") == [], "what no backup shows is not found"
    Entity.objects.filter(pk=box.entity.pk).delete()
    assert count(account, Word("invoice"), scope=Everything()).number == 0
    assert Removal.objects.get().version_id is None
    index(box)
    assert Removal.objects.count() == 0


def test_a_task_that_is_switched_off_leaves_and_comes_back_whole(box: Mailbox, cast: Cast) -> None:
    letter(box, "m0", "Invoice")
    box.day()
    index(box)
    task = box.entity.task
    may = Actor("user", "Olivia", cast.owner.pk, frozenset([Permission.MODIFY.value]), services=None)
    with acting_as(may):
        assert task_index_set(task=task, on=False)
        assert not task_index_set(task=task, on=False)
    assert (subjects(box), is_indexed(task), lag(box.entity.account_id).waiting) == ([], False, 0)
    letter(box, "m1", "Invoice 1")
    box.day()
    index(box)
    assert subjects(box) == []
    with acting_as(may):
        assert task_index_set(task=task, on=True)
    index(box)
    assert subjects(box) == ["Invoice", "Invoice 1"]
    with acting_as(Actor("user", "Vera", cast.viewer.pk, services=None)), pytest.raises(PermissionMissing):
        task_index_set(task=task, on=False)


def test_a_catalog_that_was_made_anew_is_indexed_anew(box: Mailbox) -> None:
    letter(box, "m0", "Invoice")
    box.day()
    index(box)
    old = NodeVersion.objects.get(remote_id="m0")
    Snapshot.objects.all().delete()
    NodeVersion.objects.all().delete()
    box.number, box.live = 0, {}
    box.folder("inbox", "Inbox")
    box.item("m0", "inbox", "Invoice", content=bytes(old.content))
    box.day()
    index(box)
    assert subjects(box) == ["Invoice"]
    assert count(box.entity.account_id, Everything(), scope=Everything()).number == 1


def test_at_rest_it_is_sealed_and_vault_work_neither_minds_nor_forgets_it(
    box: Mailbox, search_folder: Path, tmp_path: Path
) -> None:
    letter(box, "m0", "Invoice", "A word that nobody shall read: verschwiegenheit")
    box.day()
    index(box)
    derived = open_derived(box.entity.account_id)
    names = set(derived.names())
    assert names and all(b"verschwiegenheit" not in derived.get(name) for name in names)
    collect_garbage(box.entity.account_id, now=True, forced=True)
    assert set(derived.names()) == names
    assert (search_folder.stat().st_mode & 0o777) == 0o700
    cache.wipe()
    assert [each.name for each in search_folder.iterdir()] == [".used"]
    assert subjects(box, "verschwiegenheit") == ["Invoice"], "unpacked again"
    for name in names:
        derived.remove(name)
    cache.wipe()
    from apps.search import opening

    opening._open.clear()
    with pytest.raises(Exception, match="There is no object"):
        subjects(box, "verschwiegenheit")
    assert accounts_to_index() == [box.entity.account_id], "what is damaged is built anew"
    index(box)
    assert subjects(box, "verschwiegenheit") == ["Invoice"]
    vault_shred(account_id=box.entity.account_id)
    clear = search_folder / str(box.entity.account_id)
    assert list(clear.glob("[0-9]*"))
    assert subjects(box, "verschwiegenheit") == [], "nobody reads it once the keys are destroyed"
    assert not list(clear.glob("[0-9]*")), "nor does it lie here in clear"


def test_a_sealed_file_of_an_earlier_day_does_not_open_as_todays(box: Mailbox) -> None:
    """Whoever can write to the store could show an account its index of yesterday: every file has its name."""
    letter(box, "m0", "Invoice")
    box.day()
    index(box)
    derived = open_derived(box.entity.account_id)
    old = {file.name: file for file in files_in(SearchIndex.objects.get().manifest)}
    bytes_then = {name: derived.get(file.objects[0]) for name, file in old.items()}
    letter(box, "m1", "Reminder")
    box.day()
    index(box)
    for file in files_in(SearchIndex.objects.get().manifest):
        if file.name in old and file.objects != old[file.name].objects:
            derived.remove(file.objects[0])
            derived.put(file.objects[0], bytes_then[file.name])
    cache.wipe()
    from apps.search import opening

    opening._open.clear()
    with pytest.raises(IndexTrouble, match="sealed under another key, or is another file"):
        subjects(box)
    index(box)
    assert subjects(box) == ["Invoice", "Reminder"], "built anew"


def test_what_nobody_opened_for_a_day_lies_in_clear_no_longer(box: Mailbox, search_folder: Path) -> None:
    """An account that was closed by another host is searched by nobody here: only time tells."""
    letter(box, "m0", "Invoice")
    box.day()
    index(box)
    for account, hours in ((999998, 23), (999999, 25)):
        folder = search_folder / str(account) / "1"
        folder.mkdir(parents=True)
        (folder / "x").write_bytes(b"clear")
        then = time.time() - hours * 3600
        os.utime(folder, (then, then))
    letter(box, "m1", "Reminder")
    box.day()
    index(box)
    assert (search_folder / "999998" / "1").exists() and not (search_folder / "999999" / "1").exists()


def test_the_cache_is_bounded(box: Mailbox, search_folder: Path, settings: Any) -> None:
    letter(box, "m0", "Invoice")
    box.day()
    index(box)
    account = box.entity.account_id
    stale = search_folder / "999999" / "1"
    stale.mkdir(parents=True)
    (stale / "x").write_bytes(b"0" * 1000)
    settings.SEARCH_CACHE_BYTES = 1
    cache.forget(account)
    from apps.search import opening

    opening._open.clear()
    assert subjects(box) == ["Invoice"]
    assert not stale.exists()
    assert SearchIndex.objects.get().generation in {
        int(each.name) for each in (search_folder / str(account)).iterdir()
    }
    assert subjects(box, Phrase("good morning")) == ["Invoice"]
    assert open_vault(account_id=account).account_id == account
