"""Note what people shall be told of: a cheap row beside what happened. `reports.telling` tells it."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from apps.connectors.enums import ConnectionState
from apps.connectors.models import Connection
from apps.core import clock
from apps.core.sight import whole_sight

from ..enums import Topic, Verdict
from ..models import BackupTask, Entity, News, Run
from ..planning import LONGEST_WAIT

TRIES: Final = 3
"""A backup that failed so often in a row, over twenty minutes, is told; before that it is only tried again."""
SINGLY: Final = 50
WHY: Final = "people are told of all that happened, each in their own sight"


def note_run(run: Run, before: str, again: datetime | None) -> None:
    """Note a run that ended in trouble which is news: `before` is the verdict of the mailbox's last one.

    A failure is news when trying again did not help, or is not meant to happen soon. While the connection is
    lost that is the news.
    """
    if run.verdict == Verdict.PARTIAL and before != Verdict.PARTIAL:
        note(run.entity.task, Topic.PARTIAL, entity=run.entity, words=run.message)
    if run.verdict != Verdict.FAILED:
        return
    connection = Connection.objects.get(pk=run.entity.task.connection_id)
    if connection.state == ConnectionState.DISCONNECTED:
        return
    streak = _streak(run, connection.state_since)
    soon = again is not None and again - clock.now() <= LONGEST_WAIT
    if streak == TRIES or (streak == 1 and not soon):
        note(run.entity.task, Topic.FAILED, entity=run.entity, words=run.message)


def _streak(run: Run, connected: datetime) -> int:
    """How many runs in a row have failed with this one, as far as it matters.

    Those that failed while the connection was lost were not told: the count begins anew once it is back.
    """
    earlier = Run.objects.filter(entity_id=run.entity_id).exclude(pk=run.pk)
    if connected <= run.started_at:
        earlier = earlier.filter(started_at__gte=connected)
    earlier = earlier.exclude(verdict__in=[Verdict.RUNNING, Verdict.CANCELLED, Verdict.STOPPED])
    streak = 1
    for verdict in earlier.order_by("-started_at", "-id").values_list("verdict", flat=True)[:TRIES]:
        if verdict != Verdict.FAILED:
            break
        streak += 1
    return streak


def note(
    task: BackupTask, topic: Topic, *, entity: Entity | None = None, words: str = "", count: int = 1
) -> None:
    """Note one thing about a task, or about a mailbox of it."""
    News.objects.create(
        account_id=task.account_id, task=task, entity=entity, topic=topic, words=words, count=count
    )


def note_entities(task: BackupTask, topic: Topic, entities: "QuerySet[Entity]", words: str = "") -> None:
    """Note the same of these mailboxes: each by itself when they are few, else their number."""
    rows = list(entities.order_by("pk").values_list("pk", flat=True)[: SINGLY + 1])
    if len(rows) <= SINGLY:
        note_ids(task, topic, rows, words)
        return
    News.objects.create(
        account_id=task.account_id,
        task=task,
        topic=topic,
        words=words,
        count=entities.count(),
        limited=entities.filter(limited=True).count(),
    )


def note_ids(task: BackupTask, topic: Topic, ids: Collection[int], words: str = "") -> None:
    """The same by their keys, each by itself."""
    News.objects.bulk_create(
        [News(account_id=task.account_id, task=task, entity_id=pk, topic=topic, words=words) for pk in ids],
        batch_size=500,
    )


def note_lost(connection: Connection) -> None:
    """Note that the connection of these tasks is lost (`connectors.registry`)."""
    with whole_sight(WHY):
        for task in BackupTask.objects.filter(connection=connection):
            note(task, Topic.LOST, words=connection.state_reason)
