"""The usage report made by a worker: a file that its orderer fetches by the link in a mail, for three days."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.registry import StepResult
from apps.accounts.selectors import person_now
from apps.core import clock
from apps.core.actor import acting_as, current_actor
from apps.core.errors import NotFound
from apps.core.ids import new_public_id
from apps.core.mails import mail_after_commit
from apps.core.permissions import Permission, require
from apps.core.sight import sees_limited, sight_key, whole_sight
from apps.core.spreadsheet import csv_lines
from apps.jobs.api import JobContext
from apps.jobs.base import JobResult, NewItem
from apps.jobs.enums import JobKind, JobState
from apps.jobs.models import Job
from apps.jobs.services import job_create

from ..models import Entity
from .rows import HEADER, usage_rows

VALID_FOR = timedelta(hours=72)


def usage_order() -> Job:
    """Let a worker make the report and tell the actor by mail."""
    require(Permission.VIEW)
    return job_create(kind=JobKind.USAGE, entity_label="All backup tasks", items=[NewItem("file", "Report")])


def run_usage(context: JobContext) -> JobResult:
    """Write the file with the eyes of who ordered it: the ones that they have today."""
    person = person_now(context.job.initiator_id or 0)
    if person is None:
        raise NotFound("Whoever ordered the report is no longer in the account.")
    path = path_of(context.job)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # A worker that lost the job may still be writing: each has a file of its own.
    unfinished = path.with_name(f"{path.stem}.{new_public_id().hex}")
    with acting_as(person):
        seen = _seen_now()

    @contextmanager
    def enter() -> Iterator[None]:
        with acting_as(person):
            yield

    with unfinished.open("w", encoding="utf-8", newline="") as stream:
        for line in csv_lines(HEADER, usage_rows(enter)):
            stream.write(line)
            if context.cancelled():
                break
    if context.cancelled():
        unfinished.unlink()
        return JobResult()
    unfinished.rename(path)
    for items in context.pending_items(batch=1):
        for item in items:
            context.done(item, size=path.stat().st_size)
    return JobResult(result={"seen": seen})


def path_of(job: Job) -> Path:
    """Where its file lies; the name tells nothing and cannot be guessed."""
    return _root() / f"{job.public_id.hex}.csv"


def valid_until(job: Job) -> datetime | None:
    """Until when the file can be fetched; None without one."""
    made = job.kind == JobKind.USAGE and job.state == JobState.SUCCEEDED
    return job.finished_at + VALID_FOR if made and job.finished_at else None


def file_url(job: Job) -> str:
    """Where the actor in force fetches the file, "" when there is none, or none for them (`jobs.registry`)."""
    until = valid_until(job)
    mine = job.initiator_id is not None and job.initiator_id == current_actor().user_id
    return reverse("usage_file", args=[job.public_id]) if mine and until and clock.now() < until else ""


def file_of(job: Job) -> Path:
    """Return the file for who ordered it, if they still see as much as is in it. Raises NotFound."""
    if not file_url(job) or job.result.get("seen") != _seen_now() or not path_of(job).exists():
        raise NotFound("This report is not there, or not any more.", do="Make a new one.")
    return path_of(job)


def _seen_now() -> str:
    """What the actor in force sees, and who is hidden from them: a file of before may name who is so since."""
    if sees_limited():
        return sight_key()
    with whole_sight("who is hidden is named by no file of before"):
        hidden = Entity.objects.filter(limited=True).order_by("pk").values_list("pk", flat=True)
        return f"{sight_key()} without {hashlib.sha256(','.join(map(str, hidden)).encode()).hexdigest()}"


def tell_orderer(job: Job) -> None:
    """Send the link, or say that there is none."""
    person = User.objects.filter(pk=job.initiator_id or 0).first()
    if person is None or person_now(person.pk) is None or job.state == JobState.CANCELLED:
        return
    made = job.state == JobState.SUCCEEDED
    mail_after_commit(
        "usage_report",
        [person.email],
        link=reverse("usage_file", args=[job.public_id]) if made else reverse("job", args=[job.public_id]),
        link_words="Download the report" if made else "See what happened",
        made=made,
        job=job,
    )


def purge_usage() -> int:
    """Remove files that cannot be fetched any more; returns how many."""
    gone, oldest = 0, (clock.now() - VALID_FOR - timedelta(hours=1)).timestamp()
    for path in _root().glob("*") if _root().exists() else ():
        if path.stat().st_mtime < oldest:
            path.unlink()
            gone += 1
    return gone


def delete_usage(account_id: int) -> StepResult:
    """Remove all files of an account that ends (`accounts.registry`)."""
    paths = [path_of(job) for job in Job.objects.filter(kind=JobKind.USAGE).iterator()]
    present = [path for path in paths if path.exists()]
    for path in present:
        path.unlink()
    return StepResult(proof={"files": len(present)})


def _root() -> Path:
    return Path(settings.DATA_DIR) / "usage"
