"""Jobs as people see them: their own account's, live while they run, with what was done to each item."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.core import clock, counting
from apps.core.errors import Conflict
from apps.core.scope import account_scope
from apps.jobs import registry
from apps.jobs.base import Handler, JobResult
from apps.jobs.context import JobContext
from apps.jobs.enums import JobKind, JobState
from apps.jobs.models import Job
from apps.jobs.pace import Progress, progress_of
from apps.jobs.selectors import ITEMS_PER_PAGE, PAGE_SIZE
from apps.jobs.services import job_claim, job_log, job_release
from tests.cast import Cast
from tests.jobs.conftest import new_job

pytestmark = pytest.mark.database
Run = Callable[[Job, Handler], str]


def url(name: str, job: Job) -> str:
    return reverse(name, args=[job.public_id])


def page(client: Client, person: User, address: str, **query: str) -> str:
    client.force_login(person)
    response = client.get(address, query)
    assert response.status_code == 200
    return response.content.decode()


def one_of_each(context: JobContext) -> JobResult:
    first, second, *rest = [item for batch in context.pending_items() for item in batch]
    context.failed(first, "quota", "The mailbox of Bob is full.")
    context.skipped(second, "exists", "It is there already.")
    for item in rest:
        context.done(item)
    context.log("Three messages written.")
    return JobResult("Most are back.", {})


def test_the_list_shows_what_a_card_says(client: Client, cast: Cast) -> None:
    new_job(cast.owner, backup_date=clock.now(), destination_label="Restored 2026-11-20")
    shown = page(client, cast.viewer, reverse("job_list"))
    for words in (
        "Restore: bob.smith", "Pending", "Mail and calendars", "Microsoft Exchange", "Restored 2026-11-20",
        "by Olivia Romano", "0 of 5 items",
    ):  # fmt: skip
        assert words in shown


def test_an_account_sees_only_its_own_jobs(client: Client, cast: Cast, job: Job) -> None:
    assert "bob.smith" in page(client, cast.viewer, reverse("job_list"), period="all")
    assert "bob.smith" not in page(client, cast.stranger, reverse("job_list"), period="all")


@pytest.mark.parametrize("name", ["job", "job_card", "job_report"])
def test_a_stranger_finds_nothing_at_the_address(client: Client, cast: Cast, job: Job, name: str) -> None:
    client.force_login(cast.stranger)
    assert client.get(url(name, job)).status_code == 404


def test_a_stranger_cannot_cancel(client: Client, cast: Cast, job: Job) -> None:
    client.force_login(cast.stranger)
    assert client.post(url("job_cancel", job)).status_code == 404
    job.refresh_from_db()
    assert job.state == JobState.PENDING


def test_somebody_without_an_account_gets_a_calm_page(client: Client, cast: Cast) -> None:
    cast.owner.memberships.all().delete()
    client.force_login(cast.owner)
    response = client.get(reverse("job_list"))
    assert response.status_code == 403
    assert "You do not belong to an account" in response.content.decode()


def test_a_viewer_cannot_cancel_and_is_not_offered_it(client: Client, cast: Cast, job: Job) -> None:
    assert "data-dialog" not in page(client, cast.viewer, reverse("job_list"))
    assert client.post(url("job_cancel", job)).status_code == 403
    job.refresh_from_db()
    assert job.state == JobState.PENDING
    assert not job.cancel_requested


def test_a_waiting_job_is_cancelled_at_once(client: Client, cast: Cast, job: Job) -> None:
    client.force_login(cast.operator)
    response = client.post(url("job_cancel", job), follow=True)
    assert "Cancelled" in response.content.decode()
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED
    assert job.finished_at


def test_a_running_job_is_asked_to_stop(client: Client, cast: Cast, job: Job) -> None:
    with account_scope(cast.account.pk):
        job_claim(job.pk, "worker")
    client.force_login(cast.operator)
    assert "Stopping" in client.post(url("job_cancel", job), follow=True).content.decode()
    job.refresh_from_db()
    assert (job.state, job.cancel_requested) == (JobState.RUNNING, True)


def test_stopping_a_move_takes_the_right_to_the_storage_settings(client: Client, cast: Cast, job: Job) -> None:
    with account_scope(cast.account.pk):
        Job.objects.update(kind=JobKind.MOVE)
    assert "data-dialog" not in page(client, cast.operator, reverse("job_list"))
    assert client.post(url("job_cancel", job)).status_code == 403
    client.force_login(cast.owner)
    assert client.post(url("job_cancel", job)).status_code == 302
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_cancelling_by_a_link_does_nothing(client: Client, cast: Cast, job: Job) -> None:
    client.force_login(cast.owner)
    assert client.get(url("job_cancel", job)).status_code == 405


def test_a_card_asks_for_itself_until_the_job_is_over(client: Client, cast: Cast, job: Job, run: Run) -> None:
    assert 'hx-trigger="every' in page(client, cast.owner, url("job_card", job))
    run(job, one_of_each)
    assert "hx-trigger" not in page(client, cast.owner, url("job_card", job))
    client.force_login(cast.owner)
    assert client.get(url("job_card", job), {"detail": ""})["HX-Refresh"] == "true"


def test_progress_is_said_in_numbers(client: Client, cast: Cast, job: Job) -> None:
    with account_scope(cast.account.pk):
        claimed = job_claim(job.pk, "worker")
        assert claimed
        context = JobContext(claimed, "worker")
        for item in next(context.pending_items())[:3]:
            context.done(item)
        context.say("Writing to bob.smith.")
        context.flush()
    shown = page(client, cast.owner, url("job_card", job))
    for words in ("In progress, 60 %", "3 of 5 items", "300 B", "Writing to bob.smith.", 'value="3" max="5"'):
        assert words in shown


def test_a_job_that_waits_says_for_what_and_until_when(client: Client, cast: Cast, job: Job) -> None:
    with account_scope(cast.account.pk):
        claimed = job_claim(job.pk, "worker")
        assert claimed
        job_release(
            claimed, "worker", until=clock.now() + timedelta(minutes=9), reason="Microsoft asks for patience."
        )
    shown = page(client, cast.owner, url("job_card", job))
    assert "Waiting" in shown
    assert "Microsoft asks for patience." in shown
    assert "Goes on" in shown


def test_the_page_lists_what_was_done_to_each_item(client: Client, cast: Cast, job: Job, run: Run) -> None:
    run(job, one_of_each)
    shown = page(client, cast.owner, url("job", job))
    for words in (
        "Partial",
        "1 of 5 items could not be done",
        "Most are back.",
        "Mail 4",
        "Three messages written.",
    ):
        assert words in shown
    failed = page(client, cast.owner, url("job", job), outcome="failed")
    assert "The mailbox of Bob is full." in failed
    assert "Mail 4" not in failed


def test_items_are_shown_page_by_page(client: Client, cast: Cast) -> None:
    job = new_job(cast.owner, items=ITEMS_PER_PAGE + 2)
    client.force_login(cast.owner)
    first = client.get(url("job", job))
    second = client.get(first.context["next_url"], headers={"HX-Request": "true"})
    assert [item.key for item in second.context["items"]] == [f"k{ITEMS_PER_PAGE}", f"k{ITEMS_PER_PAGE + 1}"]
    assert "<html" not in second.content.decode()


def test_what_is_in_a_job_is_for_who_may_look_into_backups(client: Client, cast: Cast, job: Job) -> None:
    with account_scope(cast.account.pk):
        job_log(job, "Papers: not read.")
    for person, sees in (
        (cast.owner, True),
        (cast.restorer, True),
        (cast.viewer, False),
        (cast.operator, False),
    ):
        shown = page(client, person, url("job", job))
        assert ("Mail 4" in shown) == ("Papers: not read." in shown) == sees, person
        assert client.get(url("job_report", job)).status_code == (200 if sees else 403)


def test_the_report_names_every_item(client: Client, cast: Cast, job: Job, run: Run) -> None:
    run(job, one_of_each)
    client.force_login(cast.owner)
    response = client.get(url("job_report", job))
    text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    header, *rows = csv.reader(io.StringIO(text))
    assert header[0] == "Item"
    assert len(rows) == 5
    assert rows[0] == ["Mail 0", "Inbox", "Failed", "quota", "The mailbox of Bob is full.", "100"]


def test_items_are_found_by_words_and_the_report_holds_what_the_page_shows(
    client: Client, cast: Cast, job: Job, run: Run
) -> None:
    run(job, one_of_each)
    for query, found in (
        ({"q": "mail 3"}, ["Mail 3"]),
        ({"q": "INBOX", "outcome": "done"}, ["Mail 2", "Mail 3", "Mail 4"]),
        ({"q": "is full"}, ["Mail 0"]),
        ({"outcome": "skipped"}, ["Mail 1"]),
        ({"outcome": "nonsense"}, [f"Mail {n}" for n in range(5)]),
        ({"q": "nothing"}, []),
    ):
        client.force_login(cast.owner)
        page_ = client.get(url("job", job), query)
        assert [item.label for item in page_.context["items"]] == found, query
        response = client.get(page_.context["report_url"])
        text = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
        assert [row[0] for row in csv.reader(io.StringIO(text))][1:] == found, query


def test_a_job_says_how_fast_it_goes_and_when_it_will_be_through(job: Job) -> None:
    now = clock.now()
    job.state, job.started_at = JobState.RUNNING, now - timedelta(minutes=2)
    job.items_total, job.items_done, job.bytes_total, job.bytes_done = 100, 40, 10_000_000, 4_000_000
    told = progress_of(job, now)
    assert (told.rate, told.left) == ("20 items, 1.9\xa0MB a minute", "About 3 minutes left")
    assert told.until == now + timedelta(minutes=3)
    job.bytes_total = 16_000_000
    assert progress_of(job, now).left == "About 6 minutes left", "the large ones come last"
    job.items_done, job.items_skipped = 20, 20
    assert progress_of(job, now).left == "About 3 minutes left", "bytes of what was skipped are in no counter"
    job.items_skipped = job.items_done = 4
    assert progress_of(job, now) == Progress(), "eight items say nothing"
    job.items_total, job.items_done, job.bytes_done = 1_000_000, 40, 0
    assert (progress_of(job, now).left, progress_of(job, now).until) == ("About 32 days left", None)


def test_what_was_not_done_is_offered_again_to_who_may_do_it_and_once(
    client: Client, cast: Cast, job: Job, run: Run
) -> None:
    registry.register(job.kind, one_of_each, repeat=lambda job, failed_only: f"/again/{failed_only}/")
    again = registry._kinds[job.kind]
    assert "Run again" not in page(client, cast.restorer, url("job", job)), "it is not over"
    run(job, one_of_each)
    registry._kinds[job.kind] = again
    assert "Retry 1 item" in page(client, cast.restorer, reverse("job_list"))
    assert "Retry" not in page(client, cast.viewer, reverse("job_list"))
    assert "Run again" not in page(client, cast.viewer, url("job", job))
    client.force_login(cast.restorer)
    assert client.post(url("job_retry", job)).url == "/again/True/"  # type: ignore[attr-defined]
    assert client.post(url("job_rerun", job)).url == "/again/False/"  # type: ignore[attr-defined]
    retry = new_job(cast.restorer, items=1, repeats=job, failed_only=True)
    with pytest.raises(Conflict):
        new_job(cast.restorer, items=1, repeats=job, failed_only=True)
    shown = page(client, cast.restorer, url("job", job))
    assert url("job", retry) in shown and "Retry 1 item" not in shown
    assert url("job", job) in page(client, cast.restorer, url("job", retry))


def test_what_ended_well_or_belongs_to_a_hidden_mailbox_is_not_retried(
    client: Client, cast: Cast, job: Job, run: Run
) -> None:
    run(job, lambda context: [context.done(i) for b in context.pending_items() for i in b] and JobResult())
    client.force_login(cast.restorer)
    assert client.post(url("job_retry", job)).status_code == 409
    with account_scope(cast.account.pk):
        Job.objects.filter(pk=job.pk).update(entity_id=uuid4())
    assert client.post(url("job_rerun", job)).status_code == 404


def test_tiles_count_so_far_and_no_further(client: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "COUNTED", 2)
    for _ in range(3):
        new_job(cast.owner, items=0)
    client.force_login(cast.owner)
    tiles = client.get(reverse("job_list")).context["tiles"]
    assert [tile["number"] for tile in tiles] == ["2+", "2+", "0", "0", "0"]


def test_results_can_be_downloaded_when_there_are_some(client: Client, cast: Cast, job: Job, run: Run) -> None:
    assert "Download results" not in page(client, cast.owner, url("job", job))
    run(job, one_of_each)
    registry.register(job.kind, one_of_each, results_url=lambda job: f"/download/{job.public_id}/")
    assert f'href="/download/{job.public_id}/"' in page(client, cast.owner, url("job", job))


def test_the_log_is_a_click_away_for_who_may_see_activity(client: Client, cast: Cast, job: Job) -> None:
    address = f"{reverse('activity_list')}?subject={job.public_id}"
    assert address in page(client, cast.owner, url("job", job))
    assert "Restore started" in page(client, cast.owner, address)


def test_filters_and_tiles(client: Client, cast: Cast, run: Run) -> None:
    ended = new_job(cast.owner)
    run(ended, one_of_each)
    with account_scope(cast.account.pk):
        Job.objects.filter(pk=ended.pk).update(
            entity_label="ida.taylor", kind=JobKind.EXPORT, service="onedrive"
        )
    new_job(cast.operator)
    old = new_job(cast.owner)
    with account_scope(cast.account.pk):
        Job.objects.filter(pk=old.pk).update(entity_label="kim.old", created_at=clock.now() - timedelta(days=8))
    names = ("ida.taylor", "bob.smith", "kim.old")
    for query, expected in (
        ({}, {"ida.taylor", "bob.smith"}),
        ({"period": "all"}, set(names)),
        ({"state": "partial"}, {"ida.taylor"}),
        ({"state": "in_progress"}, {"bob.smith"}),
        ({"kind": "export"}, {"ida.taylor"}),
        ({"service": "onedrive"}, {"ida.taylor"}),
        ({"initiator": "Oskar"}, {"bob.smith"}),
        ({"item": "IDA"}, {"ida.taylor"}),
        ({"task": "calend"}, {"ida.taylor", "bob.smith"}),
        ({"task": "calend", "item": "bob"}, {"bob.smith"}),
        ({"state": "pending"}, {"bob.smith"}),
        ({"state": "nonsense"}, {"ida.taylor", "bob.smith"}),
    ):
        shown = page(client, cast.owner, reverse("job_list"), **query)
        assert {name for name in names if f": {name}</a>" in shown} == expected, query
    tiles = client.get(reverse("job_list"), {"state": "partial"}).context["tiles"]
    assert [(tile["words"], tile["number"]) for tile in tiles] == [
        ("All", "2"), ("In progress", "1"), ("Succeeded", "0"), ("Partial", "1"), ("Failed", "0"),
    ]  # fmt: skip


def test_more_jobs_than_a_page(client: Client, cast: Cast) -> None:
    for _ in range(PAGE_SIZE + 1):
        new_job(cast.owner, items=0)
    client.force_login(cast.owner)
    first = client.get(reverse("job_list"), {"order": "oldest"})
    second = client.get(first.context["next_url"])
    assert len(second.context["cards"]) == 1
    assert second.context["previous_url"]


def test_an_empty_list_says_what_will_be_there(client: Client, cast: Cast) -> None:
    assert "No jobs in the last 7 days" in page(client, cast.owner, reverse("job_list"))
    assert "No job matches" in page(client, cast.owner, reverse("job_list"), kind="export")


def test_the_navigation_counts_what_goes_on(client: Client, cast: Cast, job: Job) -> None:
    assert '1<span class="ek-sr"> in progress' in page(client, cast.viewer, reverse("home"))


def test_a_log_line_is_cut_not_refused(cast: Cast, job: Job) -> None:
    with account_scope(cast.account.pk):
        job_log(job, "x" * 5000 + "\x00")
        assert len(job.log.get().text) == 2000


def test_a_page_costs_the_same_number_of_queries_whatever_is_on_it(
    client: Client, cast: Cast, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    for _ in range(PAGE_SIZE):
        new_job(cast.owner, items=1)
    client.force_login(cast.owner)
    with django_assert_max_num_queries(20):  # type: ignore[attr-defined]
        client.get(reverse("job_list"))
