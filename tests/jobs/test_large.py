"""The jobs page of an account with a long history: short reads of an index, and as many as ever."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from apps.core import clock
from apps.core.actor import Actor, acting_as
from apps.core.permissions import Permission
from apps.core.scope import account_scope
from apps.jobs.enums import ItemOutcome, JobKind, JobState
from apps.jobs.models import Job, JobItem
from apps.jobs.selectors import (
    ItemFilter,
    JobFilter,
    item_page,
    items_not_done,
    job_counts,
    job_page,
    repeats_of,
)
from tests.cast import Cast
from tests.plans import know_sizes, plan_of

pytestmark = pytest.mark.database
FINAL = (JobState.SUCCEEDED, JobState.PARTIAL, JobState.FAILED)
JOBS = 3_000


@pytest.fixture
def history(cast: Cast) -> Iterator[None]:
    """Years of restores."""
    now = clock.now()
    with account_scope(cast.account.pk):
        Job.objects.bulk_create(
            Job(
                account=cast.account, kind=JobKind.RESTORE, state=FINAL[number % 3],
                created_at=now - timedelta(hours=number), items_total=3, items_failed=1, initiator_label="O",
            )
            for number in range(JOBS)
        )  # fmt: skip
        know_sizes(Job)
        yield


def plans_of(read: Callable[[], Any], ask: Any) -> list[str]:
    """How the database answers each query of `read`."""
    with ask as asked:
        read()
    return [plan_of(query["sql"], without=("seqscan",)) for query in asked.captured_queries]


def test_a_page_and_its_tiles_are_ranges_of_an_index(
    cast: Cast, history: None, django_assert_num_queries: Any
) -> None:
    everything = JobFilter(days=None)
    (page,) = plans_of(lambda: job_page(everything), django_assert_num_queries(1))
    assert "job_newest" in page and "SORT" not in page.upper().replace("JOB_NEWEST", ""), page
    failed = JobFilter(days=None, state="failed")
    (page,) = plans_of(lambda: job_page(failed), django_assert_num_queries(1))
    assert "job_of_state" in page, page
    # Every third job is of a state here: PostgreSQL finds the thousand that count by any index of the account.
    others = ("job_account_id",) if connection.vendor == "postgresql" else ()
    for plan in plans_of(lambda: job_counts(everything), django_assert_num_queries(5)):
        assert any(name in plan for name in ("job_of_state", "job_open_of_account", *others)), plan


def test_letters_inside_names_are_counted_by_the_index_and_retries_found_by_one(
    cast: Cast, history: None, django_assert_num_queries: Any
) -> None:
    newest = list(Job.objects.order_by("-pk")[:20])
    (counted,) = plans_of(lambda: job_counts(JobFilter(days=None, item="x")), django_assert_num_queries(1))
    assert connection.vendor == "postgresql" or "COVERING INDEX job_newest" in counted, counted
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE job")  # nothing repeats anything: the worst that a database may believe of it
    (again,) = plans_of(lambda: repeats_of(newest), django_assert_num_queries(1))
    assert "job_again" in again, again


def test_who_does_not_see_everything_reads_no_list_of_all_mailboxes(
    cast: Cast, history: None, django_assert_num_queries: Any
) -> None:
    narrow = Actor("user", permissions=frozenset({Permission.VIEW}), services=frozenset({"exchange"}))
    with acting_as(narrow):
        (plan,) = plans_of(lambda: job_page(JobFilter(days=None)), django_assert_num_queries(1))
    # Of the few mailboxes here PostgreSQL makes a hash; SQLite has one way only.
    assert ("SubPlan" if connection.vendor == "postgresql" else "(public_id=?)") in plan, plan


def test_letters_find_as_many_as_there_are_of_each_state(cast: Cast, history: None) -> None:
    first = Job.objects.order_by("pk").values_list("pk", flat=True)[:6]
    Job.objects.filter(pk__in=list(first)).update(entity_label="Ann")
    Job.objects.filter(pk=Job.objects.latest("pk").pk).update(state="running", destination_label="Anna")
    found = job_counts(JobFilter(days=None, item="ann", state="failed"))
    assert (found["succeeded"], found["partial"], found["failed"], found["in_progress"]) == (2, 2, 2, 1)
    assert found[""] == 7


def test_items_and_what_was_not_done_are_ranges_of_an_index(
    cast: Cast, history: None, django_assert_num_queries: Any
) -> None:
    job = Job.objects.latest("pk")
    JobItem.objects.bulk_create(
        JobItem(account=cast.account, job=job, key=str(n), outcome=ItemOutcome.DONE) for n in range(500)
    )
    for read in (
        lambda: item_page(job, ItemFilter(outcome="failed")),
        lambda: list(items_not_done(job).order_by()),
    ):
        (plan,) = plans_of(read, django_assert_num_queries(1))
        assert "job_item_" in plan and "SCAN job_item" not in plan, plan


def test_the_page_asks_no_more_of_a_long_history(
    cast: Cast, client: Client, history: None, django_assert_max_num_queries: Any
) -> None:
    client.force_login(cast.owner)
    with django_assert_max_num_queries(20):
        answer = client.get(reverse("job_list"), {"period": "all"})
    assert [tile["number"] for tile in answer.context["tiles"]] == ["1,000+", "0", "1,000", "1,000", "1,000"]


def test_what_the_tiles_know_not_to_be_there_is_not_looked_for_again(
    cast: Cast, history: None, django_assert_num_queries: Any
) -> None:
    nobody = JobFilter(days=None, item="nobody")
    with django_assert_num_queries(1):
        assert job_page(nobody, counts=job_counts(nobody)).items == []
    failed = JobFilter(days=None, state="failed")
    assert job_page(failed, counts=job_counts(failed)).items == job_page(failed).items != []
