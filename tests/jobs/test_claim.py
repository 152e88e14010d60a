"""One job has one worker; a dead worker's job finds another."""

from datetime import timedelta
from unittest.mock import patch

import pytest

from apps.core import clock
from apps.core.scope import account_scope
from apps.jobs.dispatch import REDISPATCH_AFTER
from apps.jobs.enums import JobState
from apps.jobs.errors import LeaseLost
from apps.jobs.models import Job
from apps.jobs.services import LEASE, job_claim, job_heartbeat
from apps.jobs.tasks import dispatch_jobs
from config.celery import app
from tests.cast import Cast

pytestmark = pytest.mark.database


def test_two_workers_cannot_claim_one_job(cast: Cast, job: Job) -> None:
    with account_scope(cast.account.pk):
        first, second = job_claim(job.pk, "first"), job_claim(job.pk, "second")
    assert first is not None
    assert (first.state, first.lease_owner, first.attempts) == (JobState.RUNNING, "first", 1)
    assert second is None


def test_an_expired_lease_is_taken_over_and_the_first_worker_cannot_go_on(cast: Cast, job: Job) -> None:
    with account_scope(cast.account.pk):
        first = job_claim(job.pk, "first")
        assert first is not None
        with clock.travel(clock.now() + LEASE + timedelta(seconds=1)):
            second = job_claim(job.pk, "second")
            assert second is not None
            assert (second.lease_owner, second.attempts) == ("second", 2)
            assert second.started_at == first.started_at
            with pytest.raises(LeaseLost):
                job_heartbeat(first, "first")


def test_a_heartbeat_keeps_the_job(cast: Cast, job: Job) -> None:
    start = clock.now()
    with account_scope(cast.account.pk):
        claimed = job_claim(job.pk, "first")
        assert claimed is not None
        with clock.travel(start + LEASE * 0.9):
            job_heartbeat(claimed, "first")
        with clock.travel(start + LEASE * 1.5):
            assert job_claim(job.pk, "second") is None


def test_a_job_of_another_account_cannot_be_claimed(cast: Cast, job: Job) -> None:
    with account_scope(cast.other_account.pk):
        assert job_claim(job.pk, "stranger") is None


def test_the_beat_sends_what_waits_and_nothing_twice(cast: Cast, job: Job) -> None:
    start = clock.now()
    with patch("apps.jobs.dispatch.current_app.send_task") as send:
        dispatch_jobs()
        assert not send.called, "it was sent when it was created"
        with clock.travel(start + REDISPATCH_AFTER + timedelta(seconds=1)):
            dispatch_jobs()
            dispatch_jobs()
        assert send.call_count == 1
        with account_scope(cast.account.pk):
            assert job_claim(job.pk, "worker")
        dispatch_jobs()
        assert send.call_count == 1, "somebody works on it"
        with clock.travel(clock.now() + LEASE + timedelta(seconds=1)):
            dispatch_jobs()
        assert send.call_count == 2, "its worker died"


def test_one_dead_broker_does_not_stop_the_next_tick(cast: Cast, job: Job) -> None:
    with clock.travel(clock.now() + REDISPATCH_AFTER + timedelta(seconds=1)):
        with patch("apps.jobs.dispatch.current_app.send_task", side_effect=OSError("refused")):
            assert dispatch_jobs() == 0
        with patch("apps.jobs.dispatch.current_app.send_task") as send:
            assert dispatch_jobs() == 1
    assert send.called


def test_the_names_that_are_sent_are_tasks(db: None) -> None:
    app.loader.import_default_modules()
    assert {"apps.jobs.tasks.run_job", "apps.jobs.tasks.dispatch_jobs"} <= set(app.tasks)
