"""Hands jobs to the broker. The rows decide what is due; a message that gets lost is sent again."""

import logging
from datetime import timedelta

from celery import current_app
from django.db import transaction
from django.db.models import Q, QuerySet
from kombu.exceptions import KombuError

from apps.core import clock
from apps.core.scope import account_scope

from .enums import JobState
from .models import Job

logger = logging.getLogger("everkeep.jobs")

RUN_JOB = "apps.jobs.tasks.run_job"
QUEUE = "recovery"
# A message may wait in a long queue; only after this long is it taken for lost.
REDISPATCH_AFTER = timedelta(minutes=2)
JOBS_PER_TICK = 200


def send_after_commit(job: Job) -> None:
    """Queue the job once its rows are durable."""
    account_id, job_id = job.account_id, job.pk
    transaction.on_commit(lambda: _send(account_id, job_id))


def send_due() -> int:
    """Send every job that waits: never sent, its message lost, its worker dead. Returns how many.

    The conditional update makes two beats at once harmless; `job_claim` makes a message too many harmless.
    """
    sent = 0
    for account_id, job_id in list(_due().values_list("account_id", "pk")[:JOBS_PER_TICK]):
        if not _due().filter(pk=job_id).update(dispatched_at=clock.now()):
            continue
        if not _send(account_id, job_id):
            break
        sent += 1
    return sent


def _due() -> QuerySet[Job]:
    now = clock.now()
    waiting = Q(state=JobState.PENDING) | Q(state=JobState.RUNNING, lease_until__lt=now)
    not_sent = Q(dispatched_at__isnull=True) | Q(dispatched_at__lt=now - REDISPATCH_AFTER)
    return Job.objects.filter(waiting & not_sent).order_by("pk")


def _send(account_id: int, job_id: int) -> bool:
    try:
        current_app.send_task(RUN_JOB, kwargs={"account_id": account_id, "job_id": job_id}, queue=QUEUE)
    except (KombuError, OSError) as error:
        # What the person asked for has happened: the job exists. The next tick sends it.
        logger.warning("job %s waits, the broker does not answer: %s", job_id, error)
        with account_scope(account_id):
            Job.objects.filter(pk=job_id).update(dispatched_at=None)
        return False
    return True
