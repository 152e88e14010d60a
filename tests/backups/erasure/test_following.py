"""What is ordered to be erased goes first by another way: with its mailbox, by retention, out of a new pack."""

import random
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest

from apps.backups.deletion.facts import what_of
from apps.backups.deletion.order import delete_wish
from apps.backups.deletion.work import look_after_deletions
from apps.backups.engine import commit
from apps.backups.engine.lease import held
from apps.backups.enums import EntityState
from apps.backups.erasure.certificate import certificate_of
from apps.backups.erasure.order import erasure_cancel
from apps.backups.erasure.work import look_after_erasures
from apps.backups.journals.compacting import journals_compact, journals_prune
from apps.backups.journals.rebuild import rebuild
from apps.backups.models import BackupTask, Entity, ErasedItem, ErasedPlace, Erasure, NodeVersion, Snapshot
from apps.backups.retention.expiry import forget_unseen
from apps.backups.services import discovery
from apps.core import clock
from apps.vault.api import Chain, IssueLine, ObjectLocked, open_journals
from apps.vault.gc import collect
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.errors import StoreUnavailable
from apps.vault.store.journal import JournalFolder, JournalName
from tests.backups.erasure.conftest import DAY, HOURS, let_pass, order, versions
from tests.backups.erasure.test_erasing import SECRET, everything_readable
from tests.backups.fake_cloud import FakeCloud, found
from tests.faults.store import Killed
from tests.fixtures.mailbox import Mailbox

pytestmark = pytest.mark.database
NOISE = random.Random(7)


@pytest.fixture
def paula(mailbox: Mailbox) -> Mailbox:
    """`mail-knee` lies in a pack that is full of what another mailbox holds as well: gc keeps it as it is."""
    mailbox.now = clock.now() - 20 * DAY
    inbox = mailbox.cloud.add_folder("Inbox")
    for number in range(6):
        mailbox.cloud.add_mail(inbox, f"Kept {number}", content=NOISE.randbytes(4000))
    mailbox.cloud.add_mail(inbox, "My knee", content=SECRET + NOISE.randbytes(500), mail_id="mail-knee")
    assert mailbox.run() == "success"
    content = mailbox.cloud.mails.pop("mail-knee")
    other = Entity.objects.create(
        account_id=mailbox.entity.account_id, task=mailbox.entity.task, remote_id="user-2", kind="user_mailbox",
        name="Twin Tina", state=EntityState.ACTIVE,
    )  # fmt: skip
    assert Mailbox(other, mailbox.cloud, now=mailbox.now).run() == "success"
    mailbox.cloud.mails["mail-knee"] = content
    mailbox.entity.refresh_from_db()
    return mailbox


def delete(entity: Entity) -> None:
    assert delete_wish(what_of(entity.task, Entity.objects.filter(pk=entity.pk)), typed=entity.name).done


def hours(days: float, now: datetime) -> datetime:
    for _ in range(int(days * 4)):
        with clock.travel(now):
            look_after_deletions()
            look_after_erasures()
        now += HOURS
    return now


def rounds(account_id: int, now: datetime) -> datetime:
    for _ in range(7):
        with clock.travel(now):
            collect(account_id)
        now = hours(4, now)
    return now


def test_bytes_that_leave_with_their_mailbox_are_followed_out_of_full_packs(
    paula: Mailbox, olivia: Any
) -> None:
    account_id = paula.entity.account_id
    erasure = order(paula.entity, "mail-knee")
    delete(paula.entity)
    now = hours(8, clock.now())
    erasure.refresh_from_db()
    assert erasure.state == "done" and ErasedPlace.objects.filter(pack_row__isnull=False).exists()
    assert certificate_of(erasure)["removed"] == {"items": 1}
    rounds(account_id, now)
    erasure.refresh_from_db()
    assert erasure.bytes_gone_at is not None and erasure.shared == 0
    assert SECRET not in everything_readable(account_id)


def test_bytes_of_versions_that_retention_lets_go_first_are_followed_too(paula: Mailbox, olivia: Any) -> None:
    entity, account_id = paula.entity, paula.entity.account_id
    erasure = order(entity, "mail-knee")
    paula.cloud.change_mail("mail-knee", content=SECRET + NOISE.randbytes(600))
    assert paula.run() == "success"
    paula.cloud.delete_mail("mail-knee")
    assert paula.run() == "success"
    Snapshot.objects.filter(entity=entity, number__lt=3).delete()
    with held(account_id=account_id, entity_id=entity.pk) as lease:
        assert forget_unseen(entity, "mail", lease).versions == 2
    assert len({bytes(row.blob_id) for row in erasure.places.all()}) == 2
    rounds(account_id, hours(8, clock.now()))
    erasure.refresh_from_db()
    assert erasure.bytes_gone_at is not None
    assert SECRET not in everything_readable(account_id)


def test_what_is_taken_back_is_followed_no_more(paula: Mailbox, olivia: Any) -> None:
    erasure = order(paula.entity, "mail-knee")
    assert ErasedPlace.objects.exists()
    erasure_cancel(public_id=erasure.public_id)
    assert not ErasedPlace.objects.exists()


@pytest.mark.parametrize("archived", [False, True])
def test_an_order_outlives_the_deletion_of_its_mailbox_which_comes_back(
    paula: Mailbox, olivia: Any, monkeypatch: pytest.MonkeyPatch, archived: bool
) -> None:
    task = paula.entity.task
    if archived:
        Entity.objects.filter(pk=paula.entity.pk).update(state=EntityState.ARCHIVED)
        paula.entity.refresh_from_db()
    order(paula.entity, "mail-knee")
    delete(paula.entity)
    paula.now = now = hours(7.5, clock.now())
    assert Entity.objects.filter(remote_id="user-1").exists() is not archived
    if archived:
        discovery.start_discovery(task=task)
        task.refresh_from_db()
        monkeypatch.setattr(
            discovery,
            "open_connector",
            lambda connection: FakeCloud(found("Paula", remote_id="user-1"), found("Tina", remote_id="user-2")),
        )
        assert discovery.discover(task_id=task.pk, since=task.discovering_since)
    paula.entity = Entity.objects.get(remote_id="user-1")
    Entity.objects.filter(pk=paula.entity.pk).update(state=EntityState.ACTIVE)
    assert paula.run() == "success"
    assert versions(paula.entity, "mail-knee") == 0 and len(paula.live()) > 5
    hours(4, now)
    assert Erasure.objects.get().state == "done" and versions(paula.entity, "mail-knee") == 0


def test_what_lay_in_a_pack_of_today_is_neither_gone_nor_shared_after_one_round(
    paula: Mailbox, olivia: Any
) -> None:
    account_id = paula.entity.account_id
    erasure = order(paula.entity, "mail-knee")
    now = let_pass(6.8)
    paula.now = now - DAY
    paula.cloud.change_mail("mail-knee", content=SECRET + NOISE.randbytes(700))
    assert paula.run() == "success"
    now = let_pass(0.5, now)
    with clock.travel(now):
        collect(account_id, now=True)
    now = let_pass(4, now)
    with clock.travel(now):
        collect(account_id)
    let_pass(3.5, now)
    erasure.refresh_from_db()
    assert erasure.state == "done"
    assert (erasure.bytes_gone_at, erasure.shared) == (None, 0), "gc has let the pack of that day be"
    rounds(account_id, now + 4 * DAY)
    erasure.refresh_from_db()
    assert erasure.bytes_gone_at is not None and erasure.shared == 0
    assert SECRET not in everything_readable(account_id)


def test_a_dead_runs_record_that_the_store_keeps_makes_no_rebuild_forget_the_list(
    paula: Mailbox, olivia: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    account_id, name = paula.entity.account_id, paula.entity.public_id
    real = commit.write_journal

    def dying(*args: Any, **how: Any) -> Any:
        real(*args, **how)
        raise RuntimeError("killed")

    def locked(self: JournalFolder, name: Any, part: int = 0) -> None:
        raise ObjectLocked("until Friday")

    order(paula.entity, "mail-knee")
    paula.cloud.change_mail("mail-knee", content=SECRET * 2)
    with monkeypatch.context() as patched:
        patched.setattr(commit, "write_journal", dying)
        assert paula.run() != "success"
    Entity.objects.update(lease_owner="", lease_until=None)
    monkeypatch.setattr(JournalFolder, "remove", locked)
    paula.now = let_pass(7.5)
    assert versions(paula.entity, "mail-knee") == 0
    NodeVersion.objects.all().delete()
    for rows in (ErasedItem, Erasure, Snapshot, Entity, BackupTask):
        rows.objects.all().delete()
    rebuild(account_id=account_id, say=lambda words: None)
    paula.entity = Entity.objects.get(public_id=name)
    assert ErasedItem.objects.filter(entity=paula.entity).count() == 1
    paula.cloud.refuse_cursor = True
    assert paula.run() == "success" and versions(paula.entity, "mail-knee") == 0


@pytest.mark.parametrize("ends", [StoreUnavailable("It is away."), Killed()], ids=["away", "killed"])
def test_bytes_are_there_until_the_store_has_let_go_of_them(
    paula: Mailbox, olivia: Any, monkeypatch: pytest.MonkeyPatch, ends: BaseException
) -> None:
    """gc writes down that a pack is deleted, durably, before it deletes the object (V14)."""
    account_id, real = paula.entity.account_id, LocalStore.delete
    erasure = order(paula.entity, "mail-knee")
    now = hours(8, clock.now())
    refused = list[str]()

    def delete(store: LocalStore, key: str) -> None:
        if "/packs/" in key:
            refused.append(key)
            raise ends
        real(store, key)

    with monkeypatch.context() as patched:
        patched.setattr(LocalStore, "delete", delete)
        for _ in range(7):
            with clock.travel(now), suppress(StoreUnavailable, Killed):
                collect(account_id)
            now = hours(2, now)
            if refused:
                break
    erasure.refresh_from_db()
    assert refused and erasure.bytes_gone_at is None
    assert certificate_of(erasure)["bytes gone from the store"] is None
    rounds(account_id, now)
    erasure.refresh_from_db()
    assert erasure.bytes_gone_at is not None
    assert SECRET not in everything_readable(account_id)


def test_a_record_that_a_frozen_worker_put_later_goes_before_the_certificate_says_so(
    paula: Mailbox, olivia: Any
) -> None:
    """It had read the rows before they were erased, and its last request reached the store afterwards."""
    account_id = paula.entity.account_id
    erasure = order(paula.entity, "mail-knee")
    now = paula.now = hours(7.6, clock.now())
    erasure.refresh_from_db()
    assert erasure.state == "done"
    late = open_journals(account_id).write(Chain(paula.entity.public_id, "mail"), 2)
    late.add(IssueLine({"remote_id": "mail-knee", "what": SECRET.decode()}))
    late.finish({"before": None})
    assert paula.run() == "success"
    Entity.objects.filter(pk=paula.entity.pk).update(lease_owner="a run", lease_until=now + 99 * DAY)
    now = rounds(account_id, now)
    erasure.refresh_from_db()
    assert erasure.bytes_gone_at is None and erasure.waiting_for
    Entity.objects.filter(pk=paula.entity.pk).update(lease_owner="")
    hours(1, now)
    erasure.refresh_from_db()
    assert erasure.bytes_gone_at is not None and not erasure.waiting_for
    assert SECRET not in everything_readable(account_id)


def test_records_that_a_store_locks_are_waited_for_and_those_written_since_are_not(
    paula: Mailbox, olivia: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each week retention writes the journals anew, and those of the week before are locked for some days."""
    entity, real, seen = paula.entity, JournalFolder.remove, dict[str, datetime]()

    def remove(self: JournalFolder, name: JournalName, part: int = 0) -> None:
        if clock.now() < seen.setdefault(name.short, clock.now()) + 10 * DAY:
            raise ObjectLocked("until some day")
        real(self, name, part)

    monkeypatch.setattr(JournalFolder, "remove", remove)
    erasure = order(entity, "mail-knee")
    now = hours(7.6, clock.now())
    erasure.refresh_from_db()
    assert (erasure.state, erasure.left) == ("done", ["mail"])
    for _ in range(4):
        paula.now = now
        assert paula.run() == "success"
        with clock.travel(now):
            journals_compact(entity=entity, sub_service="mail")
            journals_prune(entity=entity, sub_service="mail")
            collect(entity.account_id)
        now = hours(5, now)
    erasure.refresh_from_db()
    assert erasure.left == []
    assert SECRET not in b"".join(
        repr([open_journals(entity.account_id).open(name).info, *_lines(entity.account_id, name)]).encode()
        for name, part, _ in open_journals(entity.account_id).list()
        if part == 0
    )


def _lines(account_id: int, name: JournalName) -> list[Any]:
    folder = open_journals(account_id)
    return list(folder.lines(folder.open(name)))
