"""Old backups go a week after their mark, whole or not at all; what is left reads byte for byte."""

import random
from datetime import timedelta
from typing import Any

import pytest

from apps.activity.models import Activity
from apps.backups.engine.lease import Lease
from apps.backups.holds import on_hold
from apps.backups.models import BackupTask, Entity, Expiry, HeldPart, Hold, MarkClock, NodeVersion, Snapshot
from apps.backups.registry import Reader, register_reader
from apps.backups.retention import expiry
from apps.backups.retention.marking import GRACE, count_marks_on
from apps.backups.retention.night import Night, night
from apps.backups.retention.rules import Keep, KeepAll, KeepFor, KeepSteps, Rule, Unit
from apps.core import clock
from apps.vault.api import decode_content
from apps.vault.gc import collect
from apps.vault.models import BlobLocation, Pack
from apps.vault.store.pack import pack_key
from tests.backups.makers import let_marks_be_seen
from tests.backups.test_rebuild import journals, lose_the_database, rebuilt, settled, vault_folder
from tests.faults.store import Killed
from tests.fixtures.mailbox import Mailbox, Seen

pytestmark = pytest.mark.database

FOUR = KeepSteps(latest=4)


def worked(mailbox: Mailbox, days: int = 8) -> str:
    """Have somebody add, edit, move and delete mails each day, and a backup run; returns the Inbox."""
    cloud = mailbox.cloud
    inbox, other = cloud.add_folder("Inbox"), cloud.add_folder("Done")
    mails = [cloud.add_mail(inbox, content=random.Random(number).randbytes(900)) for number in range(12)]
    for day in range(days):
        mails.append(cloud.add_mail(inbox, content=random.Random(100 + day).randbytes(1_500)))
        cloud.change_mail(mails[1], content=random.Random(200 + day).randbytes(700))
        cloud.move_mail(mails[2], other if day % 2 else inbox)
        if day:
            cloud.delete_mail(mails.pop(3))
        assert mailbox.run() == "success"
    return inbox


def rule(mailbox: Mailbox, keep: Keep) -> None:
    BackupTask.objects.filter(pk=mailbox.entity.task_id).update(retention=Rule(keep).to_json())


def look(mailbox: Mailbox, days: float) -> Night:
    """Have a night so many days after the last backup, seen to pass by the hourly task."""
    let_marks_be_seen(mailbox.now + timedelta(days=days))
    with clock.travel(mailbox.now + timedelta(days=days)):
        return night()


def numbers(mailbox: Mailbox) -> list[int]:
    return [snapshot.number for snapshot in mailbox.snapshots()]


def states(mailbox: Mailbox) -> dict[int, dict[str, Seen]]:
    return {number: mailbox.state(number) for number in numbers(mailbox)}


def test_what_a_rule_lets_go_is_marked_for_a_week_and_the_mark_follows_the_rule(mailbox: Mailbox) -> None:
    worked(mailbox)
    assert look(mailbox, 0.1) == Night(), "everything is kept unless somebody says otherwise"
    rule(mailbox, FOUR)
    assert look(mailbox, 0.2).marked == 4
    marks = {s.number: s.goes_at for s in mailbox.snapshots() if s.goes_at}
    due = mailbox.now + timedelta(days=0.2) + GRACE
    assert sorted(marks) == [1, 2, 3, 4]
    assert all(due <= mark < due + timedelta(minutes=1) for mark in marks.values())
    assert look(mailbox, 7.1) == Night(), "a week is a week"
    rule(mailbox, KeepSteps(latest=6))
    look(mailbox, 7.15)
    assert [s.number for s in mailbox.snapshots() if s.goes_at] == [1, 2], (
        "a longer rule takes marks off at once"
    )
    rule(mailbox, FOUR)
    kept = {number: state for number, state in states(mailbox).items() if number > 2}
    assert look(mailbox, 7.3) == Night(marked=2, gone=2), "what was unmarked waits anew"
    assert states(mailbox) == kept
    assert look(mailbox, 14.2) == Night(), "a kind of data is compacted once a week"
    assert look(mailbox, 14.4).gone == 2
    assert numbers(mailbox) == [5, 6, 7, 8]
    said = Activity.objects.filter(code="retention.expired")
    assert [row.details["count"] for row in said.order_by("pk")] == [2, 2]


def test_a_clock_that_jumps_ahead_ends_no_week(mailbox: Mailbox) -> None:
    worked(mailbox, days=5)
    rule(mailbox, FOUR)
    assert look(mailbox, 0.1).marked == 1
    with clock.travel(mailbox.now + timedelta(days=3650)):
        count_marks_on()
        assert night().gone == 0, "its date has come, but nobody saw the week pass"
    MarkClock.objects.update(counted_at=mailbox.now + timedelta(days=0.1))
    assert look(mailbox, 6.8).gone == 0
    assert look(mailbox, 7.2).gone == 1


def test_what_is_left_says_the_same_after_the_database_is_lost_and_backups_go_on(mailbox: Mailbox) -> None:
    inbox = worked(mailbox)
    rule(mailbox, FOUR)
    look(mailbox, 0.1)
    assert look(mailbox, 7.2).gone == 4
    assert len(journals()) == 1
    mailbox.now += timedelta(days=7)
    mailbox.cloud.add_mail(inbox, content=b"a new one")
    assert mailbox.run() == "success"
    before = states(mailbox)
    assert list(before) == [5, 6, 7, 8, 9]
    lose_the_database()
    assert rebuilt(mailbox).problems == []
    settled(mailbox)
    assert states(mailbox) == before


def test_killed_anywhere_it_goes_on_the_next_night_and_nothing_that_stays_is_touched(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked(mailbox)
    rule(mailbox, FOUR)
    look(mailbox, 0.1)
    kept = {number: state for number, state in states(mailbox).items() if number > 4}
    deaths = 0
    for step in range(1, 40):
        left = iter(range(step))

        def die(self: Lease, real: Any = Lease.renew, left: Any = left) -> bool:
            if next(left, None) is None:
                raise Killed
            return bool(real(self))

        with monkeypatch.context() as patched:
            patched.setattr(Lease, "renew", die)
            for name in ("journals_compact", "journals_prune"):
                patched.setattr(expiry, name, dying(getattr(expiry, name), left))
            try:
                look(mailbox, 7.2)
            except Killed:
                deaths += 1
                assert {number: mailbox.state(number) for number in kept} == kept
                assert numbers(mailbox) in ([*range(1, 9)], [*kept])
                continue
        break
    assert deaths >= 4
    assert numbers(mailbox) == [*kept]
    assert Expiry.objects.get().finished_at is not None
    shown = {row.pk for n in kept for row in mailbox.rows() if row.first <= n and (row.gone or n + 1) > n}
    assert {row.pk for row in mailbox.rows()} == shown
    lose_the_database()
    assert rebuilt(mailbox).problems == []
    assert states(settled(mailbox)) == kept


def dying(real: Any, left: Any) -> Any:
    def wrapped(**arguments: Any) -> Any:
        if next(left, None) is None:
            raise Killed
        return real(**arguments)

    return wrapped


def test_a_run_that_was_not_committed_keeps_what_it_has_written(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked(mailbox)
    rule(mailbox, FOUR)
    draft = NodeVersion.objects.filter(entity_id=mailbox.entity.pk, first=8).first()
    assert draft is not None
    draft.pk, draft.first, draft.remote_id = None, 9, "of the draft"
    draft.save()
    look(mailbox, 0.1)
    look(mailbox, 7.2)
    assert numbers(mailbox) == [5, 6, 7, 8]
    assert NodeVersion.objects.filter(remote_id="of the draft").exists()


def test_what_is_held_read_or_backed_up_right_now_stays(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked(mailbox, days=6)
    rule(mailbox, KeepFor(2, Unit.DAYS))
    assert look(mailbox, 0.1).marked == 3
    entity, first = mailbox.entity, mailbox.snapshots()[0].pk
    hold = Hold.objects.create(account_id=entity.account_id, name="Lawsuit")
    HeldPart.objects.create(
        account_id=entity.account_id, hold=hold, entity=entity, remote_id="x", remote_hash=1
    )
    assert on_hold([entity.pk]) == {entity.pk: [hold]}
    assert look(mailbox, 7.2) == Night()
    assert not any(snapshot.goes_at for snapshot in mailbox.snapshots())
    Hold.objects.update(lifted_at=mailbox.now)
    assert look(mailbox, 7.5).marked == 3
    Entity.objects.update(lease_owner="a run", lease_until=mailbox.now + timedelta(days=16))
    assert look(mailbox, 15) == Night(waiting=1)
    Entity.objects.update(lease_owner="")
    register_reader("a restore", Reader(lambda keys: {first} & set(keys), lambda keys: None))
    try:
        assert look(mailbox, 15).gone == 2
        assert numbers(mailbox)[0] == 1
    finally:
        register_reader("a restore", Reader(lambda keys: set(), lambda keys: None))


def test_what_a_restore_keeps_from_going_does_not_become_the_measure_of_good_days(mailbox: Mailbox) -> None:
    """Its own measure stays with it: judged alone it would be good, and all the good ones after it not."""
    worked(mailbox, days=6)
    Snapshot.objects.update(items=1_200, size=900)
    Snapshot.objects.filter(number=1).update(items=1_000, size=1_000)
    Snapshot.objects.filter(number=2).update(items=3_000, size=400)
    rule(mailbox, KeepSteps(latest=3))
    assert look(mailbox, 0.1).marked == 3
    read = mailbox.snapshots()[1].pk
    register_reader("a restore", Reader(lambda keys: {read} & set(keys), lambda keys: None))
    try:
        look(mailbox, 7.2)
    finally:
        register_reader("a restore", Reader(lambda keys: set(), lambda keys: None))
    for _ in range(3):
        mailbox.run()
    Snapshot.objects.filter(number__gt=6).update(items=0, size=0)
    for days in (1, 9, 17):
        look(mailbox, days)
    assert {4, 5, 6} <= set(numbers(mailbox))


def test_a_rule_that_becomes_longer_while_backups_go_keeps_the_next_ones(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journals of a large mailbox take long to write anew: meanwhile somebody thinks better of it."""
    worked(mailbox, days=6)
    Snapshot.objects.bulk_create(
        Snapshot(
            account_id=each.account_id, entity_id=each.entity_id, run_id=each.run_id, sub_service="notes",
            number=each.number, taken_at=each.taken_at, verdict=each.verdict, items=9, size=9,
        )
        for each in mailbox.snapshots()
    )  # fmt: skip
    rule(mailbox, FOUR)
    assert look(mailbox, 0.1).marked == 4
    real = expiry.journals_compact

    def slow(*, entity: Entity, sub_service: str) -> Any:
        rule(mailbox, KeepAll())
        return real(entity=entity, sub_service=sub_service)

    monkeypatch.setattr(expiry, "journals_compact", slow)
    assert look(mailbox, 7.2).gone == 2, "of the first kind of data"
    assert Snapshot.objects.filter(sub_service="notes").count() == 6


def test_a_mailbox_that_was_emptied_and_a_clock_that_jumped_take_no_good_day_along(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mails = [mailbox.cloud.add_mail(inbox, content=random.Random(n).randbytes(900)) for n in range(6)]
    for _ in range(3):
        mailbox.run()
    for mail in mails:
        mailbox.cloud.delete_mail(mail)
    for _ in range(6):
        mailbox.run()
    Snapshot.objects.filter(number=9).update(taken_at=mailbox.now + timedelta(days=3_650))
    rule(mailbox, KeepSteps(daily=2))
    look(mailbox, 1)
    look(mailbox, 8.2)
    assert numbers(mailbox) == [1, 2, 3, 7, 8, 9]
    assert len(mailbox.state(1)) == len(mails) + 1


def test_bytes_that_nothing_names_any_more_are_gone_from_the_store(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    for number in range(30):
        mailbox.cloud.add_mail(inbox, content=random.Random(number).randbytes(2_000))
    mailbox.run()
    doomed = mailbox.cloud.add_mail(inbox, content=random.Random("doomed").randbytes(50_000))
    mailbox.run()
    (part,) = decode_content(bytes(NodeVersion.objects.get(remote_id=doomed).content))
    pack = BlobLocation.objects.filter(blob_id=part.blobs[0]).get().pack_row
    key = vault_folder() / pack_key(bytes(Pack.objects.get(pk=pack).pack_id))
    mailbox.cloud.delete_mail(doomed)
    for _ in range(5):
        mailbox.run()
    rule(mailbox, KeepFor(2, Unit.DAYS))
    look(mailbox, 0.1)
    look(mailbox, 7.2)
    Pack.objects.update(created_at=mailbox.now)
    kept, before = states(mailbox), stored()
    assert not NodeVersion.objects.filter(remote_id=doomed).exists()
    for days in (8, 12, 16, 20):
        with clock.travel(mailbox.now + timedelta(days=days)):
            collect(mailbox.entity.account_id)
    assert not BlobLocation.objects.filter(blob_id__in=part.blobs).exists()
    assert not key.exists()
    assert stored() < before - 45_000
    assert states(mailbox) == kept


def stored() -> int:
    return sum(path.stat().st_size for path in vault_folder().rglob("*") if path.is_file())
