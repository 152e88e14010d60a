"""The catalog changes, or a task is switched, while an account is indexed by pieces."""

from collections.abc import Callable
from typing import Any

import pytest

from apps.backups.models import Snapshot
from apps.core.actor import Actor, acting_as
from apps.core.permissions import Permission
from apps.search import indexing, pulling
from apps.search.models import Indexed
from apps.search.services import task_index_set
from tests.cast import Cast
from tests.recovery.factories import Mailbox
from tests.search.conftest import index, letter, subjects

pytestmark = pytest.mark.django_db(transaction=True)


def begun(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a first pass over seven mails of one backup end after three of them."""
    for number in range(7):
        letter(box, f"m{number}", f"Invoice {number}")
    box.day()
    monkeypatch.setattr(pulling, "BATCH", 3)
    assert indexing.index_account(box.entity.account_id, seconds=0).more


def test_retention_may_let_the_backup_go_that_is_being_indexed(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(box, monkeypatch)
    box.day()
    Snapshot.objects.filter(number=1).delete()
    index(box)
    assert len(subjects(box, "invoice")) == 7


def test_all_backups_may_go_while_they_are_indexed(box: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(box, monkeypatch)
    Snapshot.objects.all().delete()
    assert index(box).added == 0
    assert Indexed.objects.get().up_to == 1
    assert subjects(box) == []


@pytest.mark.parametrize("what", ["off and on", "rebuild of the catalog"])
def test_what_is_begun_anew_during_its_first_pass_is_brought_once_more(
    box: Mailbox, cast: Cast, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    letter(box, "m0", "Invoice")
    box.day()
    may = Actor("user", "Olivia", cast.owner.pk, frozenset([Permission.MODIFY.value]), services=None)

    def meanwhile() -> None:
        if what == "off and on":
            with acting_as(may):
                task_index_set(task=box.entity.task, on=False)
                task_index_set(task=box.entity.task, on=True)
        else:
            Snapshot.objects.all().delete()
            box.day()

    seal: Callable[..., Any] = indexing.seal_new
    monkeypatch.setattr(indexing, "seal_new", lambda *args: (monkeypatch.undo(), meanwhile(), seal(*args))[2])
    index(box)
    index(box)
    assert subjects(box) == ["Invoice"]
