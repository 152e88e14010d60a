"""Celery doors of jobs."""

from celery import shared_task

from apps.core.scope import every_account

from . import dispatch, runner


@shared_task(name=dispatch.RUN_JOB)  # type: ignore[untyped-decorator]
def run_job(*, account_id: int, job_id: int) -> str:
    """Run one job. The scope of `account_id` is entered by the task's base class."""
    return runner.run(job_id)


@shared_task(name="apps.jobs.tasks.dispatch_jobs")  # type: ignore[untyped-decorator]
def dispatch_jobs() -> int:
    """Send what waits: jobs whose message was lost, and jobs whose worker died."""
    with every_account("dispatch jobs of all accounts whose message or worker was lost"):
        return dispatch.send_due()
