"""The letter about the end of a job is written with the end: there are both, or neither."""

from collections.abc import Callable
from dataclasses import replace
from unittest.mock import patch

import pytest

from apps.core.scope import account_scope
from apps.jobs import registry
from apps.jobs.base import Handler, JobResult
from apps.jobs.context import JobContext
from apps.jobs.enums import JobState
from apps.jobs.models import Job
from apps.notifications.models import Delivery
from tests.cast import Cast

pytestmark = pytest.mark.database
Run = Callable[[Job, Handler], str]


class Killed(BaseException):
    """Stands for the end of the process: nothing behind it runs."""


def ends_with(finished: Callable[[Job], None]) -> Handler:
    """A handler that does everything, of a kind that tells its end so."""

    def handler(context: JobContext) -> JobResult:
        entry = registry._kinds[context.job.kind]
        registry._kinds[context.job.kind] = replace(entry, finished=finished)
        for batch in context.pending_items():
            for item in batch:
                context.done(item)
        return JobResult()

    return handler


def letters(cast: Cast) -> int:
    with account_scope(cast.account.pk):
        return Delivery.objects.filter(letter="job_ended").count()


def test_a_worker_that_is_killed_behind_the_end_has_written_the_letter(cast: Cast, job: Job, run: Run) -> None:
    tell = registry._kinds[job.kind].finished
    assert tell is not None

    def told_and_killed(ended: Job) -> None:
        tell(ended)
        raise Killed

    with patch("celery.app.task.Task.apply_async"):
        with pytest.raises(Killed):
            run(job, ends_with(told_and_killed))
        assert job.state == JobState.RUNNING and letters(cast) == 0, "neither"
        assert run(job, ends_with(tell)) == JobState.SUCCEEDED
    assert letters(cast) == 1, "without anything that runs after the commit"


def test_a_letter_that_cannot_be_written_does_not_keep_a_job_from_its_end(
    cast: Cast, job: Job, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(ended: Job) -> None:
        raise RuntimeError("no such template")

    assert run(job, ends_with(breaks)) == JobState.SUCCEEDED
    assert "could not be told" in caplog.text
