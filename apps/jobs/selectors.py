"""Reads of jobs that pages and other apps share."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from apps.core import clock
from apps.core.keyset import KeysetPage, page_of
from apps.core.streams import as_now

from .enums import OPEN_STATES, JobState
from .models import Job, JobItem, JobLog

PAGE_SIZE = 20
ITEMS_PER_PAGE = 100
LOG_LINES = 200
REPORT_BATCH = 1000
IN_PROGRESS = "in_progress"


@dataclass(frozen=True)
class JobFilter:
    """What of the jobs is asked for; an empty field asks for all. `days` None is all time."""

    text: str = ""
    kind: str = ""
    service: str = ""
    initiator: str = ""
    state: str = ""
    days: int | None = 7
    newest_first: bool = True


def job_rows(wanted: JobFilter, *, any_state: bool = False) -> QuerySet[Job]:
    """The account's jobs that fit, in no order; with `any_state`, whatever their state."""
    rows = Job.objects.all()
    if wanted.days is not None:
        rows = rows.filter(created_at__gte=clock.now() - timedelta(days=wanted.days))
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.service:
        rows = rows.filter(service=wanted.service)
    if wanted.initiator:
        rows = rows.filter(initiator_label=wanted.initiator)
    if wanted.text:
        rows = rows.filter(Q(task_label__icontains=wanted.text) | Q(entity_label__icontains=wanted.text))
    if wanted.state and not any_state:
        open_ones = wanted.state == IN_PROGRESS
        rows = rows.filter(state__in=OPEN_STATES) if open_ones else rows.filter(state=wanted.state)
    return rows


def job_page(wanted: JobFilter, *, before: UUID | None = None, after: UUID | None = None) -> KeysetPage[Job]:
    """One page of jobs."""
    return page_of(
        job_rows(wanted),
        keys=("created_at", "id"),
        descending=wanted.newest_first,
        size=PAGE_SIZE,
        before=before,
        after=after,
    )


def job_counts(wanted: JobFilter) -> dict[str, int]:
    """How many jobs of the filter, leaving out its state, are in which state; the key "" is all of them."""
    rows = job_rows(wanted, any_state=True).values_list("state").annotate(number=Count("pk")).order_by()
    by_state = dict(rows)
    return {
        "": sum(by_state.values()),
        IN_PROGRESS: sum(by_state.get(state, 0) for state in OPEN_STATES),
        **{state.value: by_state.get(state, 0) for state in JobState if state not in OPEN_STATES},
    }


def initiators(wanted: JobFilter) -> list[str]:
    """Who started jobs in the filter's time."""
    rows = job_rows(JobFilter(days=wanted.days)).exclude(initiator_label="")
    return list(rows.values_list("initiator_label", flat=True).order_by("initiator_label").distinct())


def open_job_count() -> int:
    """Jobs of the account in force that are not over."""
    return Job.objects.filter(state__in=OPEN_STATES).count()


def item_page(
    job: Job, *, outcome: str = "", before: UUID | None = None, after: UUID | None = None
) -> KeysetPage[JobItem]:
    """One page of a job's ledger, in the order of the work."""
    rows = JobItem.objects.filter(job=job)
    if outcome:
        rows = rows.filter(outcome=outcome)
    return page_of(rows, keys=("id",), size=ITEMS_PER_PAGE, before=before, after=after)


def items_of(job: Job) -> Iterator[JobItem]:
    """The whole ledger in bounded memory, for a streamed file (`core.streams`)."""
    return _items_of(job, as_now())


def _items_of(job: Job, again: Callable[[], AbstractContextManager[None]]) -> Iterator[JobItem]:
    after: int = 0
    while True:
        with again():
            batch = list(JobItem.objects.filter(job=job, pk__gt=after).order_by("pk")[:REPORT_BATCH])
        if not batch:
            return
        yield from batch
        after = batch[-1].pk


def log_of(job: Job) -> list[JobLog]:
    """The last lines of the job's log, oldest first."""
    return list(JobLog.objects.filter(job=job).order_by("-pk")[:LOG_LINES])[::-1]
