"""One item that nobody can read costs itself, and not the search of its account."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from apps.core import clock
from apps.search import indexing, pulling, tasks
from apps.search.extraction import mail
from apps.search.index import writer
from apps.search.models import SearchIndex
from apps.vault.api import ContentPart, DerivedFolder, VaultReader, open_derived
from apps.vault.store.errors import StoreUnavailable
from tests.faults.store import Killed
from tests.recovery.factories import Mailbox
from tests.search.conftest import index, letter, subjects

pytestmark = pytest.mark.django_db(transaction=True)


def three_letters(box: Mailbox) -> None:
    for number, word in enumerate(("first", "poison", "third")):
        letter(box, f"m{number}", f"Letter {number}", f"The {word} word")
    box.day()


def test_whatever_an_item_does_to_its_reader_the_others_are_found(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_letters(box)
    read, fields = mail.read_mail, writer.normalise

    def fails(data: bytes) -> Any:
        if b"poison" in data:
            raise OSError("odd")
        return read(data)

    def refuses(text: str) -> str:
        if "third" in text:
            raise OverflowError("odd")
        return fields(text)

    monkeypatch.setattr(pulling.mail, "read_mail", fails)
    monkeypatch.setattr(writer, "normalise", refuses)
    index(box)
    assert subjects(box) == ["Letter 0", "Letter 1"], "the engine could not be told of the third"
    assert SearchIndex.objects.get().trouble["counts"] == {"item": 2}


@pytest.mark.parametrize(("where", "found"), [("read_mail", 3), ("_document", 2)])
def test_an_item_that_passes_die_of_is_passed_over(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch, where: str, found: int
) -> None:
    three_letters(box)
    owner: Any = pulling.mail if where == "read_mail" else pulling
    real = getattr(owner, where)

    def dies(*args: Any) -> Any:
        if "Letter 1" in str(args):
            raise Killed(where)
        return real(*args)

    monkeypatch.setattr(owner, where, dies)
    deaths = 0
    while deaths < 9:
        try:
            index(box)
            break
        except Killed:
            deaths += 1
            connection.ensure_connection()
    assert (deaths, len(subjects(box))) == (3 if found == 3 else 4, found)
    row = SearchIndex.objects.get()
    assert (row.trouble["counts"], row.at_work) == ({"deadly": 1}, {})


def test_why_a_pass_failed_is_kept_whatever_it_was(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    three_letters(box)

    def fails(*args: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(indexing, "seal_new", fails)
    with pytest.raises(ZeroDivisionError):
        tasks.bring_in(account_id=box.entity.account_id)
    assert "ZeroDivisionError" in SearchIndex.objects.get().last_error


def test_writing_keeps_the_lease_however_long_it_takes(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    three_letters(box)
    put, start = DerivedFolder.put, clock.now()
    times = iter(range(1, 999))

    def slow(folder: DerivedFolder, name: str, data: Any) -> None:
        with clock.travel(start + timedelta(minutes=9 * next(times))):
            put(folder, name, data)
            assert SearchIndex.objects.get().lease_until > clock.now()

    monkeypatch.setattr(DerivedFolder, "put", slow)
    index(box)
    assert len(subjects(box)) == 3


def test_who_lost_the_lease_deletes_nothing(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    three_letters(box)
    collect = indexing.collect

    def late(*args: Any) -> int:
        open_derived(box.entity.account_id).put("another.000000", b"not published yet")
        SearchIndex.objects.update(lease_owner="another")
        with clock.travel(clock.now() + timedelta(minutes=11)):
            return collect(*args)

    monkeypatch.setattr(indexing, "collect", late)
    with pytest.raises(indexing.IndexLeaseLost):
        indexing.index_account(box.entity.account_id)
    assert "another.000000" in set(open_derived(box.entity.account_id).names())


def test_a_store_that_is_away_for_a_moment_costs_no_item_its_words(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    three_letters(box)
    read = VaultReader.read
    answers = iter((True, False))

    def at_times(reader: VaultReader, part: ContentPart) -> bytes:
        if next(answers, True):
            return read(reader, part)
        raise StoreUnavailable("The store does not answer.")

    monkeypatch.setattr(VaultReader, "read", at_times)
    assert not indexing.index_account(box.entity.account_id).more, "it is asked again by the next beat"
    assert subjects(box) == ["Letter 0"]
    assert SearchIndex.objects.get().last_error == "The store does not answer."
    index(box)
    assert subjects(box, "poison") == ["Letter 1"]
    assert len(subjects(box)) == 3
    row = SearchIndex.objects.get()
    assert (row.trouble.get("counts", {}), row.at_work, row.last_error) == ({}, {}, "")
