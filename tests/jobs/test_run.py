"""From the claim to the verdict: outcomes are durable, crashes and takeovers lose none of them."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from apps.activity.models import Activity
from apps.core import clock
from apps.core.errors import Unavailable
from apps.core.scope import account_scope
from apps.jobs import context as context_module
from apps.jobs.base import Handler, JobResult
from apps.jobs.context import JobContext
from apps.jobs.enums import ItemOutcome, JobState
from apps.jobs.errors import LeaseLost
from apps.jobs.heartbeat import Heartbeat
from apps.jobs.models import Job, JobItem
from apps.jobs.runner import OUR_FAULT, WORKER_DIED
from apps.jobs.services import LEASE, MAX_ATTEMPTS, job_cancel, job_claim
from tests.cast import Cast
from tests.jobs.conftest import new_job, signed_in

pytestmark = pytest.mark.database
Run = Callable[[Job, Handler], str]


class Killed(BaseException):
    """Stands for the end of the process: nothing behind it runs."""


def everything_done(context: JobContext) -> JobResult:
    for batch in context.pending_items(batch=2):
        for item in batch:
            context.done(item, written_id=f"w-{item.key}")
    return JobResult("All are back.", {"folder": "Restored"})


def test_a_job_runs_to_success(cast: Cast, job: Job, run: Run) -> None:
    assert run(job, everything_done) == JobState.SUCCEEDED
    assert (job.items_done, job.bytes_done, job.message) == (5, 500, "All are back.")
    assert job.result == {"folder": "Restored"}
    assert job.lease_owner == ""
    with account_scope(cast.account.pk):
        assert set(job.items.values_list("written_id", flat=True)) == {f"w-k{n}" for n in range(5)}
        row = Activity.objects.get(code="restore.finished")
        assert (row.status, row.subject_id, row.details["done"]) == ("done", job.public_id, 5)


def test_failed_and_skipped_items_are_named(cast: Cast, job: Job, run: Run) -> None:
    def mixed(context: JobContext) -> JobResult:
        first, second, *rest = [item for batch in context.pending_items() for item in batch]
        context.failed(first, "quota", "The mailbox is full.\x00")
        context.skipped(second, "exists")
        for item in rest:
            context.done(item)
        return JobResult()

    assert run(job, mixed) == JobState.PARTIAL
    assert (job.items_done, job.items_skipped, job.items_failed) == (3, 1, 1)
    with account_scope(cast.account.pk):
        failed = job.items.get(outcome=ItemOutcome.FAILED)
    assert (failed.cause, failed.message) == ("quota", "The mailbox is full.\ufffd")


def test_an_item_that_did_not_verify_can_be_marked_again(cast: Cast, job: Job, run: Run) -> None:
    def verified(context: JobContext) -> JobResult:
        items = [item for batch in context.pending_items() for item in batch]
        for item in items:
            context.done(item)
        context.flush()
        context.failed(items[0], "not_equal", "It reads back differently.")
        context.flush()
        job.refresh_from_db()
        assert (job.items_done, job.items_failed, job.bytes_done) == (4, 1, 400)
        return JobResult()

    assert run(job, verified) == JobState.PARTIAL
    assert (job.items_done, job.items_failed, job.bytes_done) == (4, 1, 400)


def test_outcomes_survive_a_crash_and_the_next_worker_does_only_the_rest(
    cast: Cast, job: Job, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.jobs.runner._give_back", lambda context: None)
    seen: list[str] = []

    def dies_in_the_second_batch(context: JobContext) -> JobResult:
        for number, batch in enumerate(context.pending_items(batch=2)):
            for item in batch:
                if number == 1:
                    raise Killed
                seen.append(item.key)
                context.done(item)
        return JobResult()

    with pytest.raises(Killed):
        run(job, dies_in_the_second_batch)
    assert (job.state, job.items_done) == (JobState.RUNNING, 2)

    def goes_on(context: JobContext) -> JobResult:
        seen.extend(item.key for batch in context.pending_items() for item in batch)
        return everything_done(context)

    assert run(job, goes_on) == "not_free"
    with clock.travel(clock.now() + LEASE + timedelta(seconds=1)):
        assert run(job, goes_on) == JobState.SUCCEEDED
    assert seen == [f"k{n}" for n in range(5)]
    assert job.items_done == 5


def test_a_stopping_worker_gives_the_job_back_at_once(cast: Cast, job: Job, run: Run) -> None:
    def stopped(context: JobContext) -> JobResult:
        context.done(next(context.pending_items())[0])
        raise SystemExit(0)

    with pytest.raises(SystemExit):
        run(job, stopped)
    assert (job.state, job.items_done, job.lease_owner) == (JobState.RUNNING, 1, "")
    assert run(job, everything_done) == JobState.SUCCEEDED


def test_who_lost_the_lease_writes_nothing_more(
    cast: Cast, job: Job, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(context: JobContext) -> JobResult:
        item = next(context.pending_items())[0]
        Job.objects.filter(pk=job.pk).update(lease_owner="another", items_done=0)
        context.done(item)
        context.flush()
        return JobResult()

    assert run(job, slow) == "lease_lost"
    assert (job.state, job.lease_owner, job.items_done) == (JobState.RUNNING, "another", 0)
    with account_scope(cast.account.pk):
        assert not job.items.exclude(outcome=ItemOutcome.PENDING).exists()


def test_a_known_error_is_told_in_its_own_words(cast: Cast, job: Job, run: Run) -> None:
    def no_answer(context: JobContext) -> JobResult:
        raise Unavailable("Microsoft does not answer.", do="Start the restore again later.")

    assert run(job, no_answer) == JobState.FAILED
    assert job.message == "Microsoft does not answer. Start the restore again later."


def test_a_fault_of_ours_keeps_what_was_done_and_is_not_success(
    cast: Cast, job: Job, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(context: JobContext) -> JobResult:
        everything_done(context)
        raise ZeroDivisionError

    assert run(job, breaks) == JobState.PARTIAL
    assert (job.items_done, job.message) == (5, OUR_FAULT)
    assert "ZeroDivisionError" in caplog.text


def test_a_kind_that_no_app_does_fails_in_words(cast: Cast, job: Job, run: Run) -> None:
    job.kind = "restore"
    from apps.jobs import registry, runner

    registry.unregister("restore")
    with account_scope(cast.account.pk):
        assert runner.run(job.pk) == JobState.FAILED


def test_a_cancelled_job_stops_at_the_next_look(
    cast: Cast, job: Job, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context_module, "LOOK_SECONDS", 0.0)

    def cancelled_after_two(context: JobContext) -> JobResult:
        for batch in context.pending_items(batch=2):
            for item in batch:
                context.done(item)
            with signed_in(cast.owner):
                job_cancel(job)
        return JobResult()

    assert run(job, cancelled_after_two) == JobState.CANCELLED
    assert job.items_done == 2


def test_a_job_that_waits_frees_its_worker_and_goes_on_by_itself(cast: Cast, job: Job, run: Run) -> None:
    later = clock.now() + timedelta(minutes=10)

    def waits(context: JobContext) -> JobResult:
        context.done(next(context.pending_items())[0])
        context.postpone(later, "Microsoft asks for patience.")
        raise AssertionError

    assert run(job, waits) == "postponed"
    assert (job.message, job.items_done, job.attempts) == ("Microsoft asks for patience.", 1, 0)
    assert run(job, everything_done) == "not_free"
    with clock.travel(later + timedelta(seconds=1)):
        assert run(job, everything_done) == JobState.SUCCEEDED
    assert job.items_done == 5


def test_a_job_that_kills_each_worker_is_given_up(cast: Cast, job: Job, run: Run) -> None:
    with account_scope(cast.account.pk):
        for attempt in range(MAX_ATTEMPTS):
            with clock.travel(clock.now() + (attempt + 1) * timedelta(minutes=2)):
                assert job_claim(job.pk, f"dies-{attempt}")
    with clock.travel(clock.now() + timedelta(hours=1)):
        assert run(job, everything_done) == JobState.FAILED
    assert job.message == WORKER_DIED


def test_progress_resets_the_count_of_attempts(cast: Cast, job: Job, run: Run) -> None:
    def one_more(context: JobContext) -> JobResult:
        context.done(next(context.pending_items())[0])
        context.flush()
        job.refresh_from_db()
        assert job.attempts == 0
        return everything_done(context)

    assert run(job, one_more) == JobState.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_tells_the_handler_that_the_lease_is_lost(transactional_db: None, cast: Cast) -> None:
    job = new_job(cast.owner)
    with account_scope(cast.account.pk):
        claimed = job_claim(job.pk, "first")
        assert claimed is not None
        Job.objects.filter(pk=job.pk).update(lease_owner="second")
        context = JobContext(claimed, "first")
        heartbeat = Heartbeat(context, seconds=0.01)
        with heartbeat:
            heartbeat._thread.join(timeout=30)
        with pytest.raises(LeaseLost):
            context.cancelled()
        assert JobItem.objects.filter(outcome=ItemOutcome.PENDING).count() == 5


def test_outcomes_are_written_in_batches(
    cast: Cast, run: Run, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    big = new_job(cast.owner, items=400)
    with django_assert_max_num_queries(60):  # type: ignore[attr-defined]
        assert run(big, everything_done_in_one_go) == JobState.SUCCEEDED


def everything_done_in_one_go(context: JobContext) -> JobResult:
    for batch in context.pending_items(batch=200):
        for item in batch:
            context.done(item)
    return JobResult()
