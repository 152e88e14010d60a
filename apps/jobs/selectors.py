"""Reads of jobs that pages and other apps share."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from apps.core import clock
from apps.core.counting import count_up_to
from apps.core.keyset import KeysetPage, page_of
from apps.core.streams import as_now

from .enums import OPEN_STATES, ItemOutcome, JobState
from .models import Job, JobItem, JobLog

PAGE_SIZE = 20
ITEMS_PER_PAGE = 100
LOG_LINES = 200
REPORT_BATCH = 1000
IN_PROGRESS = "in_progress"
INITIATORS_AMONG = 1_000


@dataclass(frozen=True)
class JobFilter:
    """What of the jobs is asked for; an empty field asks for all. `days` None is all time.

    `item` is what was restored from or into: a mailbox. `text` is either, for the API.
    """

    text: str = ""
    task: str = ""
    item: str = ""
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
    if wanted.task:
        rows = rows.filter(task_label__icontains=wanted.task)
    if wanted.item:
        rows = rows.filter(Q(entity_label__icontains=wanted.item) | Q(destination_label__icontains=wanted.item))
    if wanted.text:
        rows = rows.filter(Q(task_label__icontains=wanted.text) | Q(entity_label__icontains=wanted.text))
    if wanted.state and not any_state:
        open_ones = wanted.state == IN_PROGRESS
        rows = rows.filter(state__in=OPEN_STATES) if open_ones else rows.filter(state=wanted.state)
    return rows


def job_page(
    wanted: JobFilter,
    *,
    before: UUID | None = None,
    after: UUID | None = None,
    counts: Mapping[str, int] | None = None,
) -> KeysetPage[Job]:
    """One page of jobs. What `counts` (of `job_counts`) know not to be there is not looked for again."""
    rows = job_rows(wanted)
    return page_of(
        rows.none() if counts and counts.get(wanted.state) == 0 else rows,
        keys=("created_at", "id"),
        descending=wanted.newest_first,
        size=PAGE_SIZE,
        before=before,
        after=after,
    )


def job_counts(wanted: JobFilter) -> dict[str, int]:
    """How many jobs of the filter, leaving out its state, are in which state; the key "" is all of them.

    No state is counted beyond `counting.COUNTED`. Letters inside names are looked for in one pass instead.
    """
    rows = job_rows(wanted, any_state=True)
    groups: dict[str, Sequence[JobState]] = {
        **{state.value: [state] for state in JobState if state not in OPEN_STATES},
        IN_PROGRESS: OPEN_STATES,
    }
    counts: dict[str, int]
    if wanted.item:
        # Grouped by state instead, SQLite would take the index of states, which holds no names.
        numbers = {key: Count("pk", filter=Q(state__in=group)) for key, group in groups.items()}
        counts = rows.aggregate(**numbers)
    else:
        counts = {key: count_up_to(rows.filter(state__in=group)) for key, group in groups.items()}
    return {"": sum(counts.values()), **counts}


def initiators(wanted: JobFilter) -> list[str]:
    """Who started jobs in the filter's time, as far as the newest INITIATORS_AMONG tell."""
    rows = job_rows(JobFilter(days=wanted.days)).order_by("-created_at", "-id")
    names = set(rows.values_list("initiator_label", flat=True)[:INITIATORS_AMONG])
    return sorted((names | {wanted.initiator}) - {""})


def open_job_count() -> int:
    """Jobs of the account in force that are not over."""
    return Job.objects.filter(state__in=OPEN_STATES).count()


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """What of a job's items is asked for; an empty field asks for all."""

    outcome: str = ""
    text: str = ""


def item_rows(job: Job, wanted: ItemFilter) -> QuerySet[JobItem]:
    """The items of a job that fit, in no order."""
    rows = JobItem.objects.filter(job=job)
    if wanted.outcome:
        rows = rows.filter(outcome=wanted.outcome)
    if wanted.text:
        in_words = Q(label__icontains=wanted.text) | Q(folder_label__icontains=wanted.text)
        rows = rows.filter(in_words | Q(message__icontains=wanted.text))
    return rows


def item_page(
    job: Job, wanted: ItemFilter | None = None, *, before: UUID | None = None, after: UUID | None = None
) -> KeysetPage[JobItem]:
    """One page of a job's ledger, in the order of the work."""
    rows = item_rows(job, wanted or ItemFilter())
    return page_of(rows, keys=("id",), size=ITEMS_PER_PAGE, before=before, after=after)


def items_of(job: Job, wanted: ItemFilter | None = None) -> Iterator[JobItem]:
    """All items that fit in bounded memory, for a streamed file (`core.streams`)."""
    return _items_of(partial(item_rows, job, wanted or ItemFilter()), as_now())


def items_not_done(job: Job | None) -> QuerySet[JobItem]:
    """What failed or was never begun, in the order of the work: what a retry takes up."""
    return items_of_job(job).filter(outcome__in=[ItemOutcome.FAILED, ItemOutcome.PENDING])


def items_of_job(job: Job | None) -> QuerySet[JobItem]:
    """The whole ledger in the order of the work."""
    return JobItem.objects.filter(job=job).order_by("pk")


def _items_of(
    rows: Callable[[], QuerySet[JobItem]], again: Callable[[], AbstractContextManager[None]]
) -> Iterator[JobItem]:
    after: int = 0
    while True:
        with again():
            batch = list(rows().filter(pk__gt=after).order_by("pk")[:REPORT_BATCH])
        if not batch:
            return
        yield from batch
        after = batch[-1].pk


def repeats_of(jobs: Iterable[Job]) -> tuple[dict[int, Job], dict[int, Job]]:
    """Map ids to the job that each does again, and to the newest that does it again; a retry goes first."""
    ids = {job.pk: job.repeats_id for job in jobs}
    rows = Job.objects.filter(Q(pk__in=[each for each in ids.values() if each]) | Q(repeats__in=ids))
    found = {job.pk: job for job in rows.order_by("failed_only", "pk")}
    later = {job.repeats_id: job for job in found.values() if job.repeats_id}
    earlier = {pk: found[first] for pk, first in ids.items() if first in found}
    return earlier, {pk: later[pk] for pk in ids if pk in later}


def log_of(job: Job) -> list[JobLog]:
    """The last lines of the job's log, oldest first."""
    return list(JobLog.objects.filter(job=job).order_by("-pk")[:LOG_LINES])[::-1]
