"""Every day's state of the backup is the state that the mailbox had that day."""

import random

import pytest

from apps.backups.catalog import Draft, add_up
from apps.backups.models import NodeVersion
from tests.fixtures.mailbox import Mailbox, Seen
from tests.fixtures.people import People

pytestmark = pytest.mark.database


def test_a_first_backup_holds_every_folder_and_mail_byte_for_byte(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    for number in range(50):
        mailbox.cloud.add_mail(inbox, f"Mail {number}", bytes([number]) * 1_000)
    assert mailbox.run() == "success"
    assert mailbox.state(1) == mailbox.live()
    assert mailbox.last_run().items_stored == 50


def test_a_day_without_changes_adds_a_snapshot_but_no_version_and_no_download(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mailbox.cloud.add_mail(inbox)
    mailbox.run()
    rows, fetched = len(mailbox.rows()), len(mailbox.cloud.fetched)
    assert mailbox.run() == "success"
    assert [s.number for s in mailbox.snapshots()] == [1, 2]
    assert (len(mailbox.rows()), len(mailbox.cloud.fetched)) == (rows, fetched)


@pytest.mark.parametrize("new_version", [True, False])
def test_a_moved_message_is_in_its_new_folder_the_next_day(mailbox: Mailbox, new_version: bool) -> None:
    inbox, archive = mailbox.cloud.add_folder("Inbox"), mailbox.cloud.add_folder("Archive")
    mail = mailbox.cloud.add_mail(inbox)
    mailbox.run()
    mailbox.cloud.move_mail(mail, archive, new_version=new_version)
    mailbox.run()
    assert mailbox.state(1)[mail].parent == inbox
    assert mailbox.state(2)[mail].parent == archive
    assert len(mailbox.cloud.fetched) == (2 if new_version else 1), "an unchanged mail is not downloaded again"


def test_what_was_in_a_deleted_folder_is_gone_but_what_was_moved_out_stays(mailbox: Mailbox) -> None:
    cloud = mailbox.cloud
    inbox, projects = cloud.add_folder("Inbox"), cloud.add_folder("Projects")
    old = cloud.add_folder("Old", projects)
    lost, kept = cloud.add_mail(old), cloud.add_mail(old)
    mailbox.run()
    cloud.move_mail(kept, inbox)
    cloud.delete_folder(projects)
    mailbox.run()
    assert mailbox.state(2) == mailbox.live()
    assert {lost, old, projects} <= mailbox.state(1).keys()


def test_an_undeleted_mail_comes_back_without_a_download(mailbox: Mailbox) -> None:
    inbox = mailbox.cloud.add_folder("Inbox")
    mail = mailbox.cloud.add_mail(inbox)
    mailbox.run()
    was = mailbox.cloud.delete_mail(mail)
    mailbox.run()
    mailbox.cloud.undelete_mail(mail, was)
    mailbox.run()
    assert [mail in mailbox.state(number) for number in (1, 2, 3)] == [True, False, True]
    assert mailbox.cloud.fetched == [mail]


def test_a_refused_cursor_lists_all_anew_and_downloads_only_what_is_new(mailbox: Mailbox) -> None:
    cloud = mailbox.cloud
    inbox, gone = cloud.add_folder("Inbox"), cloud.add_folder("Gone")
    mails = [cloud.add_mail(inbox) for _ in range(30)]
    cloud.add_mail(gone)
    mailbox.run()
    cloud.delete_mail(mails[3])
    cloud.delete_folder(gone)
    new = cloud.add_mail(inbox)
    cloud.refuse_cursor = True
    cloud.fetched.clear()
    assert mailbox.run() == "success"
    assert mailbox.state(2) == mailbox.live()
    assert cloud.fetched == [new]
    assert mailbox.last_run().items_removed == 2


@pytest.mark.parametrize("seed", range(6))
def test_any_history_is_kept_day_by_day(mailbox: Mailbox, seed: int) -> None:
    cloud = mailbox.cloud
    cloud.seed, cloud.random = seed, random.Random(seed)
    people = People(cloud, random.Random(seed))
    days: dict[int, dict[str, Seen]] = {}
    for _ in range(12):
        people.work()
        cloud.refuse_cursor = people.random.random() < 0.2
        assert mailbox.run() == "success", mailbox.last_run().message
        days[len(days) + 1] = mailbox.live()
    for number, live in days.items():
        assert mailbox.state(number) == live, f"seed {seed}, day {number}"
    _assert_totals(mailbox)


def _assert_totals(mailbox: Mailbox) -> None:
    """The totals, carried on from day to day, are what a count of everything says."""
    for snapshot in mailbox.snapshots():
        state = mailbox.state(snapshot.number)
        mails = [seen for seen in state.values() if not seen.is_folder]
        assert snapshot.items == len(mails)
        assert snapshot.folders == len(state) - len(mails)
        assert snapshot.size == sum(len(seen.content or b"") for seen in mails)
        for folder_id in {seen.parent for seen in mails} | snapshot.folder_totals.keys():
            inside = [seen for seen in mails if seen.parent == folder_id]
            assert snapshot.folder_totals[folder_id] == [
                len(inside),
                sum(len(s.content or b"") for s in inside),
            ]
    last = mailbox.snapshots()[-1]
    empty = Draft(last.account_id, last.entity_id, last.sub_service, last.number + 1, 0)
    assert add_up(empty, last).items == last.items
    assert not NodeVersion.objects.filter(first__gt=last.number).exists()
