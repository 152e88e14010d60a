"""What can go wrong with the job itself, not with its items."""

from datetime import datetime

from apps.core.errors import Conflict


class LeaseLost(Conflict):
    """Another worker has taken the job over: stop at once and write nothing more."""

    code = "lease_lost"


class JobPostponed(Exception):
    """Raised by a handler that has to wait: the worker is freed, the job goes on at `until` by itself."""

    def __init__(self, until: datetime, reason: str) -> None:
        super().__init__(reason)
        self.until, self.reason = until, reason
