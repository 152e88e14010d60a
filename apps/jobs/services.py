"""The doors of a job: create, claim, heartbeat, postpone, finish, cancel, log. Rules: docs/runs-and-jobs.md."""

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce

from apps.activity.models import ActivityStatus
from apps.activity.services import record
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.bulk import insert_rows
from apps.core.errors import Conflict
from apps.core.ids import new_public_id
from apps.core.permissions import require
from apps.core.scope import current_account_id

from .base import JobResult, NewItem
from .dispatch import send_after_commit
from .enums import JobState
from .errors import LeaseLost
from .ledger import as_json, as_text, tally_of
from .models import Job, JobItem, JobLog
from .registry import right_to_cancel, tell_finished
from .verdict import verdict

LEASE = timedelta(seconds=60)
HEARTBEAT_SECONDS = 20
MAX_ATTEMPTS = 5
INSERT_BATCH = 5000
LOG_LINE_MAX = 2000
ORGANISATION = "organisation"

logger = logging.getLogger("everkeep.jobs")
_ACTIVITY_STATUS = {
    JobState.SUCCEEDED: ActivityStatus.DONE,
    JobState.PARTIAL: ActivityStatus.PARTIAL,
    JobState.FAILED: ActivityStatus.FAILED,
    JobState.CANCELLED: ActivityStatus.CANCELLED,
}


def job_create(
    *,
    kind: str,
    items: Iterable[NewItem],
    params: dict[str, Any] | None = None,
    service: str = "",
    task_label: str = "",
    entity_label: str = "",
    destination_label: str = "",
    entity_id: UUID | None = None,
    destination_id: UUID | None = None,
    organisation: str = "",
    backup_date: datetime | None = None,
    repeats: Job | None = None,
    failed_only: bool = False,
) -> Job:
    """Write the job, its whole ledger and the activity row; send it to a worker after the commit.

    The initiator is the actor in force, whose right to do `kind` the caller has checked. `items` may be a
    generator of hundreds of thousands: it is read once, in batches. `entity_id` and `destination_id` are the
    public ids of the mailboxes that the labels name: who may not see one of them does not see the job.
    `organisation` is that of the destination when it is another than the source's: the audit names it.
    `repeats` is the job that this one does again, with `failed_only` only what that one did not get done.
    Raises Conflict when that was taken up before: two jobs would do the same items.
    """
    actor, now = current_actor(), clock.now()
    with transaction.atomic():
        if repeats and failed_only:
            _refuse_second_retry(repeats)
        job = Job.objects.create(
            account_id=current_account_id(),
            kind=kind,
            params=(params or {}) | ({ORGANISATION: organisation} if organisation else {}),
            service=service,
            task_label=task_label[:200],
            entity_label=entity_label[:300],
            destination_label=destination_label[:300],
            entity_id=entity_id,
            destination_id=destination_id,
            backup_date=backup_date,
            initiator_label=actor.label[:200],
            initiator_id=actor.user_id,
            created_at=now,
            dispatched_at=now,
            repeats=repeats,
            failed_only=failed_only,
        )
        job.items_total, job.bytes_total = _insert_items(job, items)
        job.save(update_fields=["items_total", "bytes_total"])
        _record(job, "started", ActivityStatus.STARTED, items=job.items_total)
        send_after_commit(job)
    return job


def _refuse_second_retry(job: Job) -> None:
    list(Job.objects.select_for_update().filter(pk=job.pk))
    if Job.objects.filter(repeats=job, failed_only=True).exists():
        raise Conflict(
            "Another job has taken these items up already.", do="Open that one: it can be retried itself."
        )


def job_claim(job_id: int, owner: str) -> Job | None:
    """Take the job for `owner` for one LEASE; None when it is in other hands, over or gone.

    The state in the WHERE is the lock: of two workers one sees zero rows.
    """
    now = clock.now()
    free = Q(state=JobState.PENDING) | Q(state=JobState.RUNNING, lease_until__lt=now)
    claimed = Job.objects.filter(free, pk=job_id).update(
        state=JobState.RUNNING,
        lease_owner=owner,
        lease_until=now + LEASE,
        started_at=Coalesce(F("started_at"), now),
        attempts=F("attempts") + 1,
        dispatched_at=None,
    )
    return Job.objects.get(pk=job_id) if claimed else None


def job_heartbeat(job: Job, owner: str) -> None:
    """Keep the job for another LEASE. Raises LeaseLost."""
    _held(job, owner, lease_until=clock.now() + LEASE)


def job_progress(job: Job, owner: str, message: str) -> None:
    """Say in one sentence what is being done now. Counters move with the ledger. Raises LeaseLost."""
    _held(job, owner, message=as_text(message))


def job_release(job: Job, owner: str, *, until: datetime | None = None, reason: str = "") -> None:
    """Give an unfinished job back: at once (a stopping worker), or to go on at `until` for a `reason`.

    The dispatcher takes it for a dead worker's job once `until` has passed.
    """
    _held(job, owner, lease_owner="", lease_until=until or clock.now(), attempts=0, message=as_text(reason))


def job_finish(job: Job, owner: str, result: JobResult, *, stopped: bool = False) -> JobState:
    """Write the verdict, counted from the ledger itself. `stopped`: an error ended it. Raises LeaseLost."""
    with transaction.atomic():
        _held(job, owner, finished_at=clock.now())
        job.refresh_from_db()
        tally = tally_of(job)
        job.state = verdict(tally, cancelled=job.cancel_requested, stopped=stopped)
        job.items_done, job.items_skipped, job.items_failed = tally.done, tally.skipped, tally.failed
        job.bytes_done = tally.bytes_done
        job.message, job.result = as_text(result.message), {**job.result, **result.result}
        job.lease_owner, job.lease_until = "", None
        job.save(
            update_fields=[
                "state", "items_done", "items_skipped", "items_failed", "bytes_done",
                "message", "result", "lease_owner", "lease_until",
            ]
        )  # fmt: skip
        _record_end(job)
    return JobState(job.state)


def job_cancel(job: Job) -> None:
    """Ask for an end. A job that nobody works on ends now; a worker stops after the item in its hands."""
    require(right_to_cancel(job.kind))
    now = clock.now()
    with transaction.atomic():
        waiting = Job.objects.filter(pk=job.pk, state=JobState.PENDING)
        if waiting.update(state=JobState.CANCELLED, cancel_requested=True, finished_at=now):
            job.refresh_from_db()
            _record_end(job)
            return
        running = Job.objects.filter(pk=job.pk, state=JobState.RUNNING)
        if running.filter(cancel_requested=False).update(cancel_requested=True):
            _record(job, "cancel_requested", ActivityStatus.DONE)
        # A postponed job would notice only when its wait is over: let the next tick end it.
        running.filter(lease_owner="").update(lease_until=now, dispatched_at=None)


def job_log(job: Job, text: str) -> None:
    """Add one line to the job's log."""
    JobLog.objects.create(account_id=job.account_id, job=job, text=as_text(text)[:LOG_LINE_MAX])


def _held(job: Job, owner: str, **fields: Any) -> None:
    held = Job.objects.filter(pk=job.pk, lease_owner=owner, state=JobState.RUNNING)
    if not held.update(**fields):
        raise LeaseLost("Another worker goes on with this job.", item=str(job))


def _insert_items(job: Job, items: Iterable[NewItem]) -> tuple[int, int]:
    columns = (
        "public_id", "account_id", "job_id", "key", "label", "folder_label", "outcome", "cause", "message",
        "size", "node_version_id", "written_id", "details",
    )  # fmt: skip
    rows = (
        (
            new_public_id().hex, job.account_id, job.pk, item.key, as_text(item.label)[:500],
            as_text(item.folder_label)[:500], "pending", "", "", item.size, item.node_version_id, "",
            as_json(item.details),
        )
        for item in items
    )  # fmt: skip
    total, size, at = 0, 0, columns.index("size")
    for batch in _batches(rows, INSERT_BATCH):
        insert_rows(JobItem, columns, batch)
        total += len(batch)
        size += sum(row[at] for row in batch)
    return total, size


def _batches(rows: Iterable[Any], size: int) -> Iterator[list[Any]]:
    source = iter(rows)
    while batch := list(islice(source, size)):
        yield batch


def _record(job: Job, verb: str, status: str, **details: Any) -> None:
    record(
        f"{job.kind}.{verb}",
        status=status,
        service=job.service,
        task_label=job.task_label,
        item_label=job.entity_label,
        subject_id=job.public_id,
        entity_id=job.entity_id,
        audited=_sentence(job),
        **_destination(job),
        **details,
    )


def _sentence(job: Job) -> str:
    """ "Bob Smith, to Download, 1,911 items": what the security audit says of a job.

    The row is narrowed by the source alone: another mailbox than that is not named in it, but by its id, and
    an organisation that data goes to is.
    """
    where = f"to {job.destination_label}" if job.destination_label else ""
    if job.destination_id not in (None, job.entity_id):
        abroad = job.params.get(ORGANISATION)
        where = f"to a mailbox of {abroad}" if abroad else "to another mailbox"
    count = f"{job.items_total:,} item{'' if job.items_total == 1 else 's'}"
    return ", ".join(filter(None, (job.entity_label, where, count)))


def _destination(job: Job) -> dict[str, str]:
    return {"destination_id": str(job.destination_id)} if job.destination_id else {}


def _record_end(job: Job) -> None:
    _record(
        job,
        "finished",
        _ACTIVITY_STATUS[JobState(job.state)],
        items=job.items_total,
        done=job.items_done,
        skipped=job.items_skipped,
        failed=job.items_failed,
        bytes=job.bytes_done,
        seconds=round((job.finished_at - job.started_at).total_seconds())
        if job.started_at and job.finished_at
        else 0,
    )
    _tell_end(job)


def _tell_end(job: Job) -> None:
    """Write the letter with the end that it tells: a worker that is killed leaves both or neither.

    What breaks in the letter must not keep the job from its end.
    """
    try:
        with transaction.atomic():
            tell_finished(job)
    except Exception:
        logger.exception("the end of job %s could not be told", job.pk)
