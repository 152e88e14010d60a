"""A job as its card shows it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.activity.registry import service_words
from apps.core import clock
from apps.core.permissions import Permission, allowed

from .enums import JobState
from .models import Job
from .registry import results_url, right_to_cancel

ICONS = {"restore": "recover", "undo": "undo", "export": "download", "move": "database"}
# An estimate from less than this says more than it knows.
ESTIMATE_AFTER_ITEMS = 20
ESTIMATE_AFTER = timedelta(seconds=10)


@dataclass(frozen=True)
class JobCard:
    """`look` is a word of the status vocabulary and `label` what stands in the chip."""

    job: Job
    title: str
    icon: str
    look: str
    label: str
    service: str
    percent: int
    left: str
    waits_until: datetime | None
    can_cancel: bool
    can_see_log: bool
    results_url: str


def card_of(job: Job) -> JobCard:
    """Read a job for the person who looks at it."""
    waits_until = _waits_until(job)
    percent = job.items_finished * 100 // job.items_total if job.items_total else 0
    look = "waiting" if waits_until else job.state
    stopping = job.is_open and job.cancel_requested
    return JobCard(
        job=job,
        title=f"{job.get_kind_display()}: {job.entity_label}" if job.entity_label else job.get_kind_display(),
        icon=ICONS.get(job.kind, "jobs"),
        look=look,
        label="Stopping" if stopping else _label(job, look, percent),
        service=service_words(job.service) if job.service else "",
        percent=percent,
        left="" if waits_until or stopping else _left(job),
        waits_until=waits_until,
        can_cancel=job.is_open and not job.cancel_requested and allowed(right_to_cancel(job.kind)),
        can_see_log=allowed(Permission.ACTIVITY),
        results_url="" if job.is_open else results_url(job),
    )


def _label(job: Job, look: str, percent: int) -> str:
    if look == JobState.RUNNING and job.items_total:
        return f"In progress, {percent} %"
    return "" if look == "waiting" else JobState(job.state).label


def _waits_until(job: Job) -> datetime | None:
    """A running job without an owner was postponed; its lease ends when it goes on."""
    waits = job.state == JobState.RUNNING and not job.lease_owner and job.lease_until
    return job.lease_until if waits and job.lease_until and job.lease_until > clock.now() else None


def _left(job: Job) -> str:
    if job.state != JobState.RUNNING or job.started_at is None or job.items_finished < ESTIMATE_AFTER_ITEMS:
        return ""
    elapsed = clock.now() - job.started_at
    if elapsed < ESTIMATE_AFTER:
        return ""
    minutes = round(
        elapsed / job.items_finished * (job.items_total - job.items_finished) / timedelta(minutes=1)
    )
    if minutes < 1:
        return "Less than a minute left"
    return (
        f"About {minutes} minute{'s' if minutes > 1 else ''} left"
        if minutes < 90
        else f"About {minutes // 60} hours left"
    )
