"""Old snapshots go; one base journal then says all that is left, and the chain goes on from it."""

import pytest
from django.db.models import Q

from apps.backups.journals.compacting import Pruned, journals_compact, journals_prune
from apps.backups.models import Entity, NodeVersion, Run, RunIssue, Snapshot
from apps.core import clock
from apps.vault.api import open_journals
from apps.vault.errors import JournalCorrupt, ObjectLocked
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.journal import JournalFolder
from tests.backups.test_rebuild import journals, lived, lose_the_database, picture, rebuilt, settled
from tests.faults.store import Killed
from tests.fixtures.mailbox import Mailbox

pytestmark = pytest.mark.database


def expire(mailbox: Mailbox, kept: set[int]) -> None:
    """Delete snapshots as retention would: with the versions that no snapshot shows any more."""
    mine = Snapshot.objects.filter(entity=mailbox.entity)
    runs = list(mine.exclude(number__in=kept).values_list("run_id", flat=True))
    mine.exclude(number__in=kept).delete()
    RunIssue.objects.filter(run_id__in=runs).delete()
    Run.objects.filter(pk__in=runs).delete()
    shown = Q()
    for number in kept:
        shown |= Q(first__lte=number) & (Q(gone__isnull=True) | Q(gone__gt=number))
    NodeVersion.objects.filter(entity_id=mailbox.entity.pk).exclude(shown).delete()


def picture_without_old_issues() -> dict[str, object]:
    """A base keeps the issues of its own snapshot alone, and the first snapshot that is left is its first."""
    found = picture()
    found["version"] = sorted(
        repr(row) for row in NodeVersion.objects.values_list("remote_id", "name", "content", "first", "gone")
    )
    return {key: found[key] for key in ("version", "snapshot", "run")}


def compact(mailbox: Mailbox) -> Pruned:
    journals_compact(entity=mailbox.entity, sub_service="mail")
    return journals_prune(entity=mailbox.entity, sub_service="mail")


@pytest.mark.parametrize(("seed", "kept"), [(21, {3, 6, 8}), (22, {8}), (23, set(range(1, 9)))])
def test_what_is_left_comes_back_from_the_base_and_what_followed_it(
    mailbox: Mailbox, seed: int, kept: set[int]
) -> None:
    people = lived(mailbox, seed)
    expire(mailbox, kept)
    states = {number: mailbox.state(number) for number in kept}
    assert compact(mailbox) == Pruned(deleted=8, locked=0)
    assert len(journals()) == 1
    folder = open_journals(mailbox.entity.account_id)
    for snapshot in mailbox.snapshots():
        (name,) = [name for name, _, _ in folder.list() if name.short == snapshot.journal]
        assert folder.open(name).link == snapshot.journal_link
    mailbox.cloud.problems.clear()
    people.work()
    assert mailbox.run() in ("success", "partial")
    before, states[9] = picture_without_old_issues(), mailbox.state(9)
    lose_the_database()
    assert rebuilt(mailbox).problems == []
    assert picture_without_old_issues() == before
    settled(mailbox)
    assert {number: mailbox.state(number) for number in states} == states
    people.work()
    assert mailbox.run() in ("success", "partial")
    assert [s.number for s in mailbox.snapshots()] == sorted([*kept, 9, 10])


def test_it_may_be_done_again_and_again(mailbox: Mailbox) -> None:
    lived(mailbox, 24, days=4)
    compact(mailbox)
    mailbox.run()
    assert compact(mailbox) == Pruned(deleted=2, locked=0)
    assert compact(mailbox) == Pruned(deleted=1, locked=0)
    before = picture_without_old_issues()
    lose_the_database()
    assert rebuilt(mailbox).problems == []
    assert picture_without_old_issues() == before


def test_up_to_an_older_snapshot_the_journals_after_it_stay(mailbox: Mailbox) -> None:
    lived(mailbox, 25)
    before = picture()["version"]
    journals_compact(entity=mailbox.entity, sub_service="mail", upto=5)
    assert journals_prune(entity=mailbox.entity, sub_service="mail").deleted == 5
    assert [path.name[:10] for path in journals()] == [f"{number:010d}" for number in (5, 6, 7, 8)]
    lose_the_database()
    assert rebuilt(mailbox).problems == []
    assert picture()["version"] == before


def test_a_crash_after_the_base_leaves_two_ways_to_the_same_catalog(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived(mailbox, 26, days=4)
    before = picture()

    def die(self: JournalFolder, name: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(JournalFolder, "open", die)
        with pytest.raises(Killed):
            journals_compact(entity=mailbox.entity, sub_service="mail")
    assert len(journals()) == 5
    assert rebuilt(mailbox, again=True).problems == []
    assert picture()["version"] == before["version"]
    lose_the_database()
    assert rebuilt(mailbox).problems == []
    assert picture()["version"] == before["version"]


def test_a_base_that_the_store_does_not_give_back_replaces_nothing(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived(mailbox, 27, days=3)
    real = LocalStore.put_if_absent

    def spoilt(self: LocalStore, key: str, data: bytes) -> bool:
        return real(self, key, data[:-1] + b"x" if "-base" in key else data)

    monkeypatch.setattr(LocalStore, "put_if_absent", spoilt)
    with pytest.raises(JournalCorrupt):
        journals_compact(entity=mailbox.entity, sub_service="mail")
    assert not any(snapshot.journal.endswith("-base") for snapshot in mailbox.snapshots())
    assert journals_prune(entity=mailbox.entity, sub_service="mail").deleted == 1, "the spoilt base alone"
    assert len(journals()) == 3


def test_what_the_store_has_locked_is_counted_and_left(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived(mailbox, 28, days=3)

    def locked(self: LocalStore, key: str) -> None:
        raise ObjectLocked("locked")

    monkeypatch.setattr(LocalStore, "delete", locked)
    assert compact(mailbox) == Pruned(deleted=0, locked=3)


def test_a_journal_beyond_the_newest_snapshot_is_never_pruned(mailbox: Mailbox) -> None:
    lived(mailbox, 29, days=3)
    Snapshot.objects.filter(entity=mailbox.entity, number=3).delete()
    assert journals_prune(entity=mailbox.entity, sub_service="mail") == Pruned(0, 0)
    assert len(journals()) == 3
    assert Entity.objects.get().lease_owner == "", f"released at {clock.now()}"


def test_a_database_from_before_the_compaction_catches_up_by_the_base(mailbox: Mailbox) -> None:
    lived(mailbox, 30, days=6)
    expire(mailbox, {5, 6})
    compact(mailbox)
    before = picture_without_old_issues()
    Snapshot.objects.filter(entity=mailbox.entity, number=6).delete()
    Snapshot.objects.filter(entity=mailbox.entity).update(number=3, journal="0000000003-" + "0" * 32)
    assert rebuilt(mailbox).problems == []
    assert picture_without_old_issues() == before
