"""Runs one job to its end, or as far as this worker gets."""

import logging
import os
import socket

from apps.core.discretion import told
from apps.core.errors import EverkeepError
from apps.core.ids import new_public_id

from .access import still_allowed
from .base import JobResult
from .context import JobContext
from .errors import JobPostponed, LeaseLost
from .heartbeat import Heartbeat
from .registry import handler_of
from .services import MAX_ATTEMPTS, job_claim, job_finish, job_log, job_release

logger = logging.getLogger("everkeep.jobs")

OUR_FAULT = "Something went wrong on our side. What was done so far is listed; nothing else was changed."
NO_LONGER_ALLOWED = "Whoever started this may no longer do it, so it was not gone on with."
WORKER_DIED = "The work stopped several times at the same place, so it was given up there."


def run(job_id: int) -> str:
    """Claim and run the job; return in a word how this claim ended (for the worker's log)."""
    owner = f"{socket.gethostname()[:24]}:{os.getpid()}:{new_public_id().hex[-12:]}"
    job = job_claim(job_id, owner)
    if job is None:
        return "not_free"
    if job.attempts > MAX_ATTEMPTS:
        return job_finish(job, owner, JobResult(WORKER_DIED), stopped=True)
    if not still_allowed(job):
        return job_finish(job, owner, JobResult(NO_LONGER_ALLOWED), stopped=True)
    context = JobContext(job, owner)
    try:
        with Heartbeat(context):
            return _work(context)
    except LeaseLost:
        logger.warning("job %s was taken over by another worker", job.pk)
        return "lease_lost"


def _work(context: JobContext) -> str:
    job, owner = context.job, context.owner
    try:
        result = handler_of(job.kind)(context)
        context.flush()
        return job_finish(job, owner, result)
    except JobPostponed as wait:
        context.flush()
        job_release(job, owner, until=wait.until, reason=wait.reason)
        return "postponed"
    except LeaseLost:
        raise
    except EverkeepError as error:
        return _stop(context, told(error, job.public_id))
    except Exception:
        logger.exception("job %s ended by a fault of ours", job.pk)
        return _stop(context, OUR_FAULT)
    except BaseException:
        _give_back(context)
        raise


def _stop(context: JobContext, message: str) -> str:
    context.flush()
    with context.guard():  # whoever lost the job may have failed by that alone: its successor's log is not told
        job_log(context.job, message)
        return job_finish(context.job, context.owner, JobResult(message), stopped=True)


def _give_back(context: JobContext) -> None:
    """The worker is being stopped: keep what is done and let another go on without waiting for the lease."""
    context.flush()
    job_release(context.job, context.owner)
