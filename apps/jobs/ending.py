"""What becomes of an account's jobs when the account is deleted."""

from django.db.models import Q

from apps.accounts.registry import StepResult
from apps.core import clock

from .enums import OPEN_STATES, JobState
from .models import Job


def stop_jobs(account_id: int) -> StepResult:
    """Cancel what waits, ask for the end of what runs; wait for a worker that still holds one."""
    now = clock.now()
    held = Q(state=JobState.RUNNING, lease_until__gte=now)
    open_jobs = Job.objects.filter(state__in=OPEN_STATES)
    open_jobs.exclude(held).update(state=JobState.CANCELLED, cancel_requested=True, finished_at=now)
    running = open_jobs.filter(held)
    running.update(cancel_requested=True)
    return StepResult(waits="a restore or an export still runs" if running.exists() else "")
