"""What a handler works with: its items, the ledger, and the person's wish to stop."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NoReturn

from django.db import transaction

from .enums import ItemOutcome, JobState
from .errors import JobPostponed, LeaseLost
from .ledger import Changes, write_changes
from .models import Job, JobItem
from .services import job_log, job_progress

FLUSH_ITEMS = 100
FLUSH_SECONDS = 1.0
LOOK_SECONDS = 1.0


class JobContext:
    """One claim of one job. May be called from several threads of the handler.

    Outcomes are durable after `flush()`, which happens by itself at least every FLUSH_ITEMS marks, every
    FLUSH_SECONDS while marks come, before each batch of `pending_items` and at the end. A killed worker hence
    loses the outcomes of at most that much work: make writing an item twice harmless.
    """

    def __init__(self, job: Job, owner: str) -> None:
        self.job, self.owner = job, owner
        self._lock = threading.RLock()
        self._lease_lost = threading.Event()
        self._changes = Changes()
        self._flushed_at = time.monotonic()
        self._looked_at = float("-inf")
        self._cancelled = job.cancel_requested

    @property
    def params(self) -> dict[str, Any]:
        """What `job_create` was given."""
        return dict(self.job.params)

    def pending_items(self, batch: int = 200) -> Iterator[list[JobItem]]:
        """Yield the items without an outcome, in the order of their creation, until the end or a cancel."""
        last = 0
        while True:
            self.flush()
            if self.cancelled():
                return
            rows = JobItem.objects.filter(job=self.job, outcome=ItemOutcome.PENDING, pk__gt=last).order_by("pk")
            items = list(rows[:batch])
            if not items:
                return
            yield items
            last = items[-1].pk

    def done(
        self,
        item: JobItem,
        *,
        written_id: str = "",
        size: int | None = None,
        details: dict[str, Any] | None = None,
        cause: str = "",
        message: str = "",
    ) -> None:
        """The item is where it was wanted; `written_id` is its id there, `size` the bytes carried.

        `message` says what of it was not possible there, `cause` is its word.
        """
        with self._lock:
            if size is not None and item.outcome != ItemOutcome.DONE:
                item.size = size
            item.written_id = written_id or item.written_id
            item.details = {**item.details, **(details or {})}
            self._mark(item, ItemOutcome.DONE, cause, message)

    def skipped(self, item: JobItem, cause: str, message: str = "") -> None:
        """Left out as the person asked (it is there already, say). `cause` comes from the app's closed list."""
        self._mark(item, ItemOutcome.SKIPPED, cause, message)

    def failed(self, item: JobItem, cause: str, message: str) -> None:
        """Wanted, and not done. `message` says what happened and what to do, in a user's words."""
        self._mark(item, ItemOutcome.FAILED, cause, message)

    def flush(self) -> None:
        """Make all outcomes so far durable. Raises LeaseLost when another worker has taken over."""
        with self._lock:
            self._check_lease()
            if self._changes.items:
                write_changes(self.job, self.owner, self._changes)
                self._changes = Changes()
            self._flushed_at = time.monotonic()

    def cancelled(self) -> bool:
        """Tell whether the person wants an end; cheap enough to ask before each item. Raises LeaseLost."""
        self._check_lease()
        with self._lock:
            if not self._cancelled and time.monotonic() - self._looked_at >= LOOK_SECONDS:
                self._cancelled = Job.objects.filter(pk=self.job.pk, cancel_requested=True).exists()
                self._looked_at = time.monotonic()
            return self._cancelled

    @contextmanager
    def guard(self) -> Iterator[None]:
        """One transaction that is undone when another worker has the job. Raises LeaseLost."""
        self._check_lease()
        with transaction.atomic():
            held = Job.objects.select_for_update().filter(
                pk=self.job.pk, lease_owner=self.owner, state=JobState.RUNNING
            )
            if not held.exists():
                raise LeaseLost("Another worker goes on with this job.", item=str(self.job))
            yield

    def log(self, text: str) -> None:
        """Add a line to the job's log."""
        job_log(self.job, text)

    def say(self, message: str) -> None:
        """Show one sentence on the job's card while it runs."""
        job_progress(self.job, self.owner, message)

    def postpone(self, until: datetime, reason: str) -> NoReturn:
        """End this claim and go on at `until`; `reason` stands on the card ("Microsoft asks for patience")."""
        raise JobPostponed(until, reason)

    def lease_lost(self) -> None:
        """Called by the heartbeat: the next call of anything here raises LeaseLost."""
        self._lease_lost.set()

    def _mark(self, item: JobItem, outcome: ItemOutcome, cause: str, message: str) -> None:
        with self._lock:
            item.cause, item.message = cause[:60], message
            self._changes.add(item, outcome)
            full = len(self._changes.items) >= FLUSH_ITEMS
            if full or time.monotonic() - self._flushed_at >= FLUSH_SECONDS:
                self.flush()

    def _check_lease(self) -> None:
        if self._lease_lost.is_set():
            raise LeaseLost("Another worker goes on with this job.", item=str(self.job))
