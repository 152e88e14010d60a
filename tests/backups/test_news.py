"""What failed, was lost, found or is gone: told once, in one letter a task, to who may see it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest

from apps.backups.enums import EntityState, Topic
from apps.backups.models import BackupTask, Entity, News, NewsTold
from apps.backups.reports import telling
from apps.backups.services import discovery, news
from apps.backups.services.activation import pause
from apps.connectors.services import connection_mark_connected, connection_mark_disconnected
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.core.errors import Gone, Unavailable
from apps.notifications.letters import opened
from apps.notifications.models import Delivery, Recipient
from tests.cast import Cast
from tests.fixtures.mailbox import Mailbox

from .fake_cloud import FakeCloud, found
from .makers import make_mailbox, make_protected


@pytest.fixture(autouse=True)
def _worker() -> Iterator[None]:
    with acting_as(SYSTEM), patch("celery.app.task.Task.apply_async"):
        yield


def recipient(account_id: int, address: str = "desk@partner.example", **fields: Any) -> None:
    wanted = {"kinds": ["exceptions", "discovery"], "limited": True, "view": True, "services": None}
    Recipient.objects.create(account_id=account_id, address=address, **{**wanted, **fields})


def refuse(mailbox: Mailbox, error: Exception) -> None:
    def trouble(page: int) -> None:
        raise error

    mailbox.cloud.before_page = trouble


def told(task: BackupTask, minutes: int = 15) -> list[Any]:
    """What is told of a task so much later."""
    before = set(Delivery.objects.values_list("pk", flat=True))
    with clock.travel(clock.now() + timedelta(minutes=minutes)):
        telling.tell(task.pk)
    return [opened(row) for row in Delivery.objects.exclude(pk__in=before).order_by("pk")]


def test_a_failure_is_told_when_trying_again_did_not_help_and_once(mailbox: Mailbox) -> None:
    recipient(mailbox.entity.account_id)
    mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"))
    refuse(mailbox, Unavailable("Microsoft does not answer."))
    for run, number in enumerate([0, 0, 1, 1, 1], 1):
        assert mailbox.run() == "failed"
        assert News.objects.count() == number, f"after run {run}"
    (letter,) = told(mailbox.entity.task)
    assert "1 backup failed" in letter.subject and "Microsoft does not answer." in letter.body
    assert not News.objects.exists() and not told(mailbox.entity.task, 300)


def test_what_goes_on_failing_after_the_connection_is_back_is_told(mailbox: Mailbox) -> None:
    mailbox.cloud.add_mail(mailbox.cloud.add_folder("Inbox"))
    refuse(mailbox, Unavailable("Microsoft does not answer."))
    connection = mailbox.entity.task.connection
    connection_mark_disconnected(connection=connection, reason="The secret has expired.")
    for _ in range(4):
        assert mailbox.run() == "failed"
    failed = News.objects.filter(topic=Topic.FAILED)
    assert not failed.exists(), "the lost connection is the news"
    with clock.travel(mailbox.now + timedelta(hours=1)):
        connection_mark_connected(connection=connection)
    for number in (0, 0, 1, 1):
        assert mailbox.run() == "failed"
        assert failed.count() == number


def test_what_is_not_tried_again_soon_and_what_is_not_complete_is_told_at_its_first_time(
    mailbox: Mailbox,
) -> None:
    refuse(mailbox, Gone("The mailbox is gone."))
    mailbox.run()
    assert News.objects.get().topic == Topic.FAILED


def test_a_burst_is_one_letter_and_names_only_what_its_reader_sees(cast: Cast, task: BackupTask) -> None:
    recipient(cast.account.pk, cast.owner.email, user=cast.owner)
    recipient(cast.account.pk, cast.viewer.email, user=cast.viewer)
    recipient(cast.account.pk, cast.custom.email, user=cast.custom)
    for number in range(30):
        news.note(task, Topic.FAILED, entity=make_protected(task, f"Box {number:02}"), words="No answer.")
    news.note(task, Topic.FAILED, entity=make_protected(task, "Board", limited=True), words="No answer.")
    news.note_entities(task, Topic.PAUSED, Entity.objects.none())
    assert not told(task, 5), "it may go on"
    owner, viewer = told(task)
    assert "31 backups failed" in owner.subject and "and 11 more" in owner.body
    assert "30 backups failed" in viewer.subject and "Board" not in viewer.body + str(viewer.facts)
    news.note(task, Topic.PARTIAL, entity=Entity.objects.earliest("pk"))
    assert not told(task, 60), "the next letter waits"
    assert len(told(task, 240)) == 2


def test_a_lost_connection_is_told_at_once_and_instead_of_its_mailboxes(cast: Cast, task: BackupTask) -> None:
    recipient(cast.account.pk)
    connection_mark_disconnected(connection=task.connection, reason="The secret has expired.")
    connection_mark_disconnected(connection=task.connection, reason="The secret has expired.")
    (letter,) = told(task, 0)
    assert "the connection is lost" in letter.subject and "The secret has expired." in letter.body


def test_two_workers_tell_once(cast: Cast, task: BackupTask) -> None:
    recipient(cast.account.pk)
    news.note(task, Topic.LOST, words="Gone.")
    seen_by_another = NewsTold.objects.create(account=cast.account, task=task, kind="exceptions")
    with patch.object(telling, "notify", side_effect=RuntimeError), pytest.raises(RuntimeError):
        telling.tell(task.pk)
    assert telling.tell(task.pk) == 1 and telling.tell(task.pk) == 0
    news.note(task, Topic.LOST, words="Gone.")
    with patch.object(NewsTold.objects, "get", return_value=seen_by_another):
        assert telling.tell(task.pk) == 0
    assert News.objects.count() == 1


def test_who_is_paused_and_what_discovery_found_is_told_once_a_day(
    cast: Cast, task: BackupTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipient(cast.account.pk)

    def look(*people: Any) -> None:
        monkeypatch.setattr(discovery, "open_connector", lambda connection: FakeCloud(*people))
        since = clock.now()
        BackupTask.objects.update(discovering_since=since)
        assert discovery.discover(task_id=task.pk, since=since) is not None

    look(found("Agata"), found("Bob"), found("Carla"))
    assert not News.objects.exists(), "at first all are new"
    Entity.objects.filter(name="Bob").update(state=EntityState.ACTIVE)
    look(found("Agata"), found("Carla"), found("Dora"))
    exceptions, listed = told(task)
    assert "1 mailbox no longer backed up" in exceptions.subject and "Bob" in exceptions.body
    assert "1 mailbox found" in listed.subject and "Dora" in listed.body and "Bob" in listed.body
    BackupTask.objects.update(auto_activate=True)
    look(found("Agata"), found("Carla"), found("Dora"), found("Emil"), found("Bob"))
    pause(task=task, entities=Entity.objects.filter(name="Emil"))
    assert [letter.subject for letter in told(task, 200)] == ["Mail: 1 mailbox no longer backed up"]
    (next_day,) = told(task, 25 * 60)
    assert "1 mailbox activated" in next_day.subject and "Bob" in next_day.body


def test_who_was_found_and_activated_before_the_letter_is_not_said_to_wait(
    cast: Cast, task: BackupTask
) -> None:
    recipient(cast.account.pk)
    for name in ("Agata", "Bob"):
        news.note(task, Topic.FOUND, entity=make_mailbox(task, name))
    Entity.objects.filter(name="Bob").update(state=EntityState.ACTIVE)
    (letter,) = told(task)
    assert "1 mailbox found, not backed up yet" in letter.subject and "Bob" not in letter.body
    news.note(task, Topic.FOUND, entity=Entity.objects.get(name="Bob"))
    assert told(task, 25 * 60) == []
    assert not News.objects.exists()


def test_what_concerns_very_many_is_a_number_that_hides_nobody(cast: Cast, task: BackupTask) -> None:
    recipient(cast.account.pk, cast.owner.email, user=cast.owner)
    recipient(cast.account.pk, cast.viewer.email, user=cast.viewer)
    for number in range(60):
        make_mailbox(task, f"Box {number}", state=EntityState.ACTIVE, limited=number < 3)
    pause(task=task, entities=Entity.objects.all())
    assert News.objects.count() == 1
    owner, viewer = told(task)
    assert "60 mailboxes" in owner.subject and "57 mailboxes" in viewer.subject


def test_thousands_of_news_are_counted_not_read_and_what_comes_meanwhile_is_kept(
    cast: Cast, task: BackupTask, django_assert_max_num_queries: Any
) -> None:
    recipient(cast.account.pk)
    boxes = [make_protected(task, f"Box {number:02}") for number in range(30)]
    for number in range(40):
        news.note_ids(task, Topic.FAILED, [box.pk for box in boxes], "No answer.")
        news.note(task, Topic.RULE, words=f"Rule {number} was not followed.")
    read = telling.letter_of

    def reading(*args: Any) -> Any:
        news.note(task, Topic.FAILED, entity=boxes[0], words="Later.")
        with django_assert_max_num_queries(6):
            return read(*args)

    with patch.object(telling, "letter_of", side_effect=reading):
        (letter,) = told(task)
    assert "1200 backups failed" in letter.subject.replace(",", "") and "and 1180 more" in letter.body
    assert "Rule 19 was" in letter.body and "and 20 more" in letter.body and "Rule 20 was" not in letter.body
    assert "Later." not in letter.body and News.objects.get().words == "Later."
