"""A job's ledger is written before anything is done, and the worker hears of it only after the commit."""

from unittest.mock import patch

import pytest
from django.db import IntegrityError
from kombu.exceptions import OperationalError

from apps.activity.models import Activity
from apps.core.scope import account_scope
from apps.jobs.base import NewItem
from apps.jobs.enums import ItemOutcome, JobKind, JobState
from apps.jobs.models import Job, JobItem
from apps.jobs.services import INSERT_BATCH, job_create
from tests.cast import Cast
from tests.jobs.conftest import new_job, signed_in

pytestmark = pytest.mark.database


def test_a_job_has_its_items_its_initiator_and_its_activity_row(cast: Cast) -> None:
    job = new_job(cast.owner, items=3, params={"mode": "skip"})
    with account_scope(cast.account.pk):
        assert (job.state, job.items_total, job.initiator_label) == (JobState.PENDING, 3, "Olivia Romano")
        assert list(job.items.order_by("pk").values_list("key", "label", "outcome")) == [
            (f"k{n}", f"Mail {n}", ItemOutcome.PENDING) for n in range(3)
        ]
        row = Activity.objects.get(subject_id=job.public_id)
        assert (row.code, row.status, row.item_label) == ("restore.started", "started", "bob.smith")


def test_more_items_than_one_batch_all_arrive(cast: Cast) -> None:
    job = new_job(cast.owner, items=INSERT_BATCH + 7)
    with account_scope(cast.account.pk):
        assert job.items_total == JobItem.objects.filter(job=job).count() == INSERT_BATCH + 7


def test_odd_letters_from_a_provider_are_kept_or_replaced_but_never_refused(cast: Cast) -> None:
    with signed_in(cast.owner):
        item = NewItem("k", "tab\tand nul\x00 and 🦔", details={"path": "a\x00b\\c\t"})
        job = job_create(kind=JobKind.EXPORT, items=[item])
        stored = job.items.get()
    assert stored.label == "tab\tand nul\ufffd and 🦔"
    assert stored.details == {"path": "a\ufffdb\\c\t"}


def test_a_ledger_that_fails_half_way_leaves_no_job(cast: Cast) -> None:
    twice = [NewItem("same"), NewItem("same")]
    with signed_in(cast.owner), pytest.raises(IntegrityError):
        job_create(kind=JobKind.RESTORE, items=twice)
    with account_scope(cast.account.pk):
        assert not Job.objects.exists()


def test_the_worker_is_told_after_the_commit(cast: Cast, django_capture_on_commit_callbacks: object) -> None:
    with patch("apps.jobs.dispatch.current_app.send_task") as send:
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
            job = new_job(cast.owner)
            assert not send.called
        assert send.call_args.kwargs["kwargs"] == {"account_id": cast.account.pk, "job_id": job.pk}


def test_a_job_is_created_though_the_broker_is_down(
    cast: Cast, django_capture_on_commit_callbacks: object
) -> None:
    with (
        patch("apps.jobs.dispatch.current_app.send_task", side_effect=OperationalError("no route")),
        django_capture_on_commit_callbacks(execute=True),  # type: ignore[operator]
    ):
        job = new_job(cast.owner)
    with account_scope(cast.account.pk):
        job.refresh_from_db()
        assert (job.state, job.dispatched_at) == (JobState.PENDING, None)
