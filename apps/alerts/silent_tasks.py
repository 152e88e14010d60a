"""A task of which nothing came for a day, from any of its mailboxes, though its backups went well."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.db.models import Count, F, Sum

from apps.backups.models import BackupTask
from apps.core import clock

from .enums import AlertKind
from .learning.readings import History
from .learning.silence import LEAST_MAILBOXES, rhythm, task_silence
from .models import Measure
from .readings import last_measures, readings_of
from .registry import Check, Found

DAY: Final = timedelta(hours=26)
ASKED: Final = 60  # mailboxes whose rhythm is looked up: that of so many tells enough


def find_silent_tasks() -> Iterator[Found]:
    """Yield each task of the account in force that is silent now."""
    lately = Measure.objects.filter(taken_at__gt=clock.now() - DAY, is_good=True, left_out="")
    sums = lately.order_by().values("entity__task").annotate(
        mailboxes=Count("entity", distinct=True), acts=Sum(F("added") + F("changed") + F("removed"))
    )  # fmt: skip
    for row in sums:
        if row["mailboxes"] >= LEAST_MAILBOXES and not row["acts"]:
            yield from _found(row["entity__task"], list(_newest(row["entity__task"])))


def _newest(task_id: int) -> Iterator[Measure]:
    lately = Measure.objects.filter(entity__task=task_id, taken_at__gt=clock.now() - DAY, is_good=True)
    seen = set[tuple[int, str]]()
    for row in lately.order_by("-items", "-snapshot_number").iterator():
        if (row.entity_id, row.sub_service) not in seen and len(seen) < ASKED:
            seen.add((row.entity_id, row.sub_service))
            yield row


def _found(task_id: int, rows: list[Measure]) -> Iterator[Found]:
    pairs = []
    for row in rows:
        *before, reading = readings_of(last_measures(row.entity_id, row.sub_service))
        known = rhythm(History(before))
        if known is not None:
            pairs.append((known.expects(reading), reading.acts))
    finding = task_silence(pairs)
    if finding is not None:
        task = BackupTask.objects.get(pk=task_id)
        yield Found(
            AlertKind.TASK_SILENCE,
            f"{CHECK.key}:{task.public_id}",
            finding.weight.value,
            finding.facts(),
            task=task,
            service=task.service,
        )


CHECK: Final = Check("task_silence", "Backups bring nothing new", find_silent_tasks)
