"""Keeps a running job's lease while its handler is busy with one long item."""

import logging
import threading
from types import TracebackType

from django.db import DatabaseError, connection

from apps.core.scope import account_scope

from .context import JobContext
from .errors import LeaseLost
from .services import HEARTBEAT_SECONDS, job_heartbeat

logger = logging.getLogger("everkeep.jobs")


class Heartbeat:
    """`with Heartbeat(context):` renews the lease on a thread that has its own database connection."""

    def __init__(self, context: JobContext, *, seconds: float = HEARTBEAT_SECONDS) -> None:
        self._context, self._seconds = context, seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="job-heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        try:
            while not self._over.wait(self._seconds):
                if not self._renewed():
                    return
        finally:
            connection.close()

    def _renewed(self) -> bool:
        job = self._context.job
        try:
            with account_scope(job.account_id):
                job_heartbeat(job, self._context.owner)
        except LeaseLost:
            self._context.lease_lost()
            return False
        except DatabaseError:
            # A busy database may answer the next beat: the lease outlives two missed ones.
            logger.warning("heartbeat of job %s was not written", job.pk, exc_info=True)
            connection.close()
        return True
