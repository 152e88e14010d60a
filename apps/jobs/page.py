"""A job as its card shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.activity.registry import service_words
from apps.core import clock
from apps.core.permissions import Permission, allowed

from .enums import JobState
from .models import Job
from .pace import Progress, progress_of
from .registry import results_url, right_to_cancel, right_to_repeat
from .selectors import repeats_of

ICONS = {"restore": "recover", "undo": "undo", "export": "download", "move": "database"}


@dataclass(frozen=True)
class JobCard:
    """`look` is a word of the status vocabulary and `label` what stands in the chip.

    `earlier` is the job that this one does again, `later` the newest that does this one again.
    """

    job: Job
    title: str
    icon: str
    look: str
    label: str
    service: str
    percent: int
    progress: Progress
    waits_until: datetime | None
    can_cancel: bool
    can_see_log: bool
    results_url: str
    can_retry: bool
    can_rerun: bool
    earlier: Job | None
    later: Job | None

    @property
    def asks(self) -> bool:
        """Tell whether anything can be done about it besides cancelling."""
        return self.can_retry or self.can_rerun


def cards_of(jobs: Sequence[Job]) -> list[JobCard]:
    """Read jobs for the person who looks at them, with one query for all."""
    earlier, later = repeats_of(jobs)
    return [_card(job, earlier.get(job.pk), later.get(job.pk)) for job in jobs]


def card_of(job: Job) -> JobCard:
    """Read one job."""
    return cards_of([job])[0]


def _card(job: Job, earlier: Job | None, later: Job | None) -> JobCard:
    waits_until = _waits_until(job)
    percent = job.items_finished * 100 // job.items_total if job.items_total else 0
    look = "waiting" if waits_until else job.state
    stopping = job.is_open and job.cancel_requested
    right = right_to_repeat(job.kind)
    again = not job.is_open and right is not None and allowed(right)
    taken_up = later is not None and later.failed_only
    return JobCard(
        job=job,
        title=f"{job.get_kind_display()}: {job.entity_label}" if job.entity_label else job.get_kind_display(),
        icon=ICONS.get(job.kind, "jobs"),
        look=look,
        label="Stopping" if stopping else _label(job, look, percent),
        service=service_words(job.service) if job.service else "",
        percent=percent,
        progress=Progress() if waits_until or stopping else progress_of(job, clock.now()),
        waits_until=waits_until,
        can_cancel=job.is_open and not job.cancel_requested and allowed(right_to_cancel(job.kind)),
        can_see_log=allowed(Permission.ACTIVITY),
        results_url="" if job.is_open else results_url(job),
        can_retry=again and job.items_not_done > 0 and not taken_up,
        can_rerun=again,
        earlier=earlier,
        later=later,
    )


def _label(job: Job, look: str, percent: int) -> str:
    if look == JobState.RUNNING and job.items_total:
        return f"In progress, {percent} %"
    return "" if look == "waiting" else JobState(job.state).label


def _waits_until(job: Job) -> datetime | None:
    """A running job without an owner was postponed; its lease ends when it goes on."""
    waits = job.state == JobState.RUNNING and not job.lease_owner and job.lease_until
    return job.lease_until if waits and job.lease_until and job.lease_until > clock.now() else None
