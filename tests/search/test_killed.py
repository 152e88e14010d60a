"""The indexer is killed at each step: nothing is lost or doubled, and nothing is left lying about."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db import connection

from apps.core.scope import account_scope
from apps.search import cache, indexing, opening
from apps.search.language.tree import Everything
from apps.search.models import SearchIndex
from apps.search.objects import files_in, named
from apps.search.selectors import count
from apps.vault import derived
from apps.vault.services import open_vault
from tests.faults.store import Fault, FaultyStore, Killed, Kind
from tests.recovery.factories import Mailbox
from tests.search.conftest import index, letter, subjects

pytestmark = pytest.mark.django_db(transaction=True)


def a_day(box: Mailbox, number: int) -> list[str]:
    """One mail comes, one goes, one changes; returns what is there to be found then, deleted ones too."""
    letter(box, f"new{number}", f"Invoice {number}")
    letter(box, "same", f"Changed {number}")
    if number:
        box.remove(f"new{number - 1}")
    box.day()
    return sorted([f"Changed {number}", *(f"Invoice {each}" for each in range(number + 1))])


def assert_whole(box: Mailbox, expected: list[str]) -> None:
    """All is found once, from the vault alone, and the vault holds nothing that nobody names but the last."""
    cache.wipe()
    opening._open.clear()
    assert subjects(box) == expected
    assert count(box.entity.account_id, Everything(), scope=Everything()).number == len(expected)
    row = SearchIndex.objects.get()
    there = set(derived.open_derived(box.entity.account_id).names())
    assert there <= named(files_in(row.manifest)) | set(row.former)
    assert named(files_in(row.manifest)) <= there


def killed(box: Mailbox) -> None:
    """Let a pass be killed. A real kill leaves the lease to run out: here another takes over at once."""
    with pytest.raises(Killed):
        indexing.index_account(box.entity.account_id)
    connection.ensure_connection()


@pytest.mark.slow
def test_killed_at_any_call_to_the_store(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    real = open_vault(account_id=box.entity.account_id).store

    def through(store: FaultyStore) -> None:
        def opened(*, account_id: int) -> Any:
            return replace(open_vault(account_id=account_id), store=store)

        monkeypatch.setattr(derived, "open_vault", opened)

    a_day(box, 0)
    index(box)
    a_day(box, 1)
    counting = FaultyStore(real)
    through(counting)
    cache.wipe()
    index(box)
    number = 1
    for call in range(1, counting.total + 1):
        number += 1
        expected = a_day(box, number)
        cache.wipe()
        opening._open.clear()
        through(FaultyStore(real, [Fault(Kind.KILL_BEFORE, call)]))
        try:
            indexing.index_account(box.entity.account_id)
        except Killed:
            connection.ensure_connection()
        through(FaultyStore(real))
        index(box)
        assert_whole(box, expected)


@pytest.mark.parametrize("step", ["seal_new", "_note", "collect", "begin_anew"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_step(box: Mailbox, monkeypatch: pytest.MonkeyPatch, step: str, when: str) -> None:
    a_day(box, 0)
    if step != "begin_anew":
        index(box)
    expected = a_day(box, 1)
    before = subjects(box)
    work: Callable[..., Any] = getattr(indexing, step)

    def dies(*args: Any, **kwargs: Any) -> None:
        if when == "after":
            work(*args, **kwargs)
        raise Killed(step)

    with monkeypatch.context() as patch:
        patch.setattr(indexing, step, dies)
        killed(box)
    if step != "collect":
        assert subjects(box) == before, "what is not published is not seen"
    index(box)
    assert_whole(box, expected)


def test_who_was_overtaken_publishes_nothing(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    a_day(box, 0)
    index(box)
    expected = a_day(box, 1)
    seal = indexing.seal_new

    def slow(*args: Any) -> Any:
        SearchIndex.objects.update(lease_owner="another")
        with account_scope(box.entity.account_id):
            SearchIndex.objects.update(lease_owner="")
            index(box)
        return seal(*args)

    with monkeypatch.context() as patch:
        patch.setattr(indexing, "seal_new", lambda *args: (patch.undo(), slow(*args))[1])
        with pytest.raises(indexing.IndexLeaseLost):
            indexing.index_account(box.entity.account_id)
    index(box)
    letter(box, "last", "The last")
    box.day()
    index(box)
    assert_whole(box, sorted([*expected, "The last"]))
