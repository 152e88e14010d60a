"""Writes what came of items, in batches, and counts it. One transaction per batch, fenced by the lease."""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, F, Q, Sum

from .enums import ItemOutcome, JobState
from .errors import LeaseLost
from .models import Job, JobItem
from .verdict import Tally

COUNTERS = {
    ItemOutcome.DONE: "items_done",
    ItemOutcome.SKIPPED: "items_skipped",
    ItemOutcome.FAILED: "items_failed",
}
_UPDATE = (
    "UPDATE job_item SET outcome = %s, cause = %s, message = %s, size = %s, written_id = %s, details = %s "
    "WHERE id = %s AND job_id = %s"
)


class Changes:
    """Outcomes that are not written yet, and what they do to the job's counters."""

    def __init__(self) -> None:
        self.items: dict[int, JobItem] = {}
        self.counters: dict[str, int] = {}

    def add(self, item: JobItem, outcome: ItemOutcome) -> None:
        """Note the new outcome of an item; an item may be marked again, for one that did not verify."""
        if item.outcome in COUNTERS:
            self._count(item, ItemOutcome(item.outcome), -1)
        item.outcome = outcome
        self._count(item, outcome, 1)
        self.items[item.pk] = item

    def _count(self, item: JobItem, outcome: ItemOutcome, step: int) -> None:
        self._step(COUNTERS[outcome], step)
        if outcome == ItemOutcome.DONE:
            self._step("bytes_done", step * item.size)

    def _step(self, counter: str, step: int) -> None:
        self.counters[counter] = self.counters.get(counter, 0) + step


def write_changes(job: Job, owner: str, changes: Changes) -> None:
    """Make outcomes and counters durable together; nothing at all, and LeaseLost, when `owner` lost the job."""
    steps: dict[str, Any] = {name: F(name) + step for name, step in changes.counters.items()}
    rows = [_row(item, job.pk) for item in changes.items.values()]
    with transaction.atomic():
        held = Job.objects.filter(pk=job.pk, lease_owner=owner, state=JobState.RUNNING)
        if not held.update(attempts=0, **steps):
            raise LeaseLost("Another worker goes on with this job.", item=str(job))
        with connection.cursor() as cursor:
            cursor.executemany(_UPDATE, rows)


def _row(item: JobItem, job_id: int) -> Sequence[Any]:
    return (
        item.outcome,
        item.cause,
        as_text(item.message),
        item.size,
        as_text(item.written_id),
        as_json(item.details),
        item.pk,
        job_id,
    )


def tally_of(job: Job) -> Tally:
    """Count the ledger itself. O(items): for the end of a job, not for its page."""
    numbers = JobItem.objects.filter(job=job).aggregate(
        bytes_done=Sum("size", filter=Q(outcome=ItemOutcome.DONE), default=0),
        **{outcome.value: Count("pk", filter=Q(outcome=outcome)) for outcome in ItemOutcome},
    )
    return Tally(**numbers)


def as_text(text: str) -> str:
    """Text that both databases take: PostgreSQL refuses NUL, and providers do send it."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def as_json(value: Any) -> str:
    """JSON text for a row that goes to the driver as it is."""
    return json.dumps(value).replace("\\u0000", "\\ufffd")
