"""The pages of jobs and activity in a real browser: sound, live, and usable by keyboard."""

import re
from datetime import timedelta

from playwright.sync_api import expect

from apps.activity.verify import chain_check
from apps.core import clock
from apps.core.scope import account_scope
from apps.jobs.base import JobResult
from apps.jobs.context import JobContext
from apps.jobs.enums import JobKind, JobState
from apps.jobs.models import Job
from apps.jobs.services import job_claim, job_finish, job_release
from tests.browser.pictures import picture
from tests.browser.rig import Visit
from tests.cast import Cast
from tests.jobs.conftest import new_job


def work(job: Job, *, done: int, failed: int = 0, finish: bool = True, message: str = "") -> JobContext:
    """Do some of a job's items in the account's scope."""
    claimed = job_claim(job.pk, "worker")
    assert claimed
    context = JobContext(claimed, "worker")
    items = next(context.pending_items(), [])
    for item in items[:done]:
        context.done(item)
    for item in items[done : done + failed]:
        context.failed(item, "organiser_gone", "Its organiser is no longer in the organisation.")
    context.log("Folder “Restored 2026-11-20” made.")
    context.flush()
    if finish:
        job_finish(claimed, "worker", JobResult(message))
    return context


def every_kind_of_job(cast: Cast) -> Job:
    """One job in each state; returns the running one."""
    labels = {"destination_label": "New folder “Restored 2026-11-20”", "backup_date": clock.now()}
    jobs = [new_job(cast.owner, items=30, **labels) for _ in range(7)]
    with account_scope(cast.account.pk):
        work(jobs[0], done=30, message="All messages were written and read back.")
        work(jobs[1], done=27, failed=3, message="All others were written and read back.")
        work(jobs[2], done=0, failed=30, message="The mailbox was deleted while the plan was open.")
        running = work(jobs[3], done=19, finish=False).job
        waiting = work(jobs[4], done=5, finish=False)
        job_release(
            waiting.job, "worker", until=clock.now() + timedelta(hours=1), reason="Microsoft asks for patience."
        )
        Job.objects.filter(pk=jobs[5].pk).update(state=JobState.CANCELLED, finished_at=clock.now())
        Job.objects.filter(pk=jobs[0].pk).update(kind=JobKind.EXPORT)
    return running


def test_jobs_in_every_state_are_sound(olivia: Visit, cast: Cast) -> None:
    every_kind_of_job(cast)
    olivia.open("/jobs/")
    olivia.check("jobs")
    picture(olivia, "jobs")


def test_no_jobs_are_sound(olivia: Visit) -> None:
    olivia.open("/jobs/")
    olivia.check("jobs-empty")


def test_one_job_moves_and_ends_by_itself(olivia: Visit, cast: Cast) -> None:
    running = every_kind_of_job(cast)
    page = olivia.page
    olivia.open(f"/jobs/{running.public_id}/")
    olivia.check("job-running")
    card = page.locator(f"#job-{running.public_id}")
    expect(card).to_contain_text("In progress, 63 %")
    with account_scope(cast.account.pk):
        context = JobContext(running, "worker")
        for item in next(context.pending_items()):
            context.failed(item, "organiser_gone", "Its organiser is no longer in the organisation.")
        context.flush()
        job_finish(running, "worker", JobResult())
    expect(card).to_contain_text("Partial", timeout=30_000)
    page.get_by_role("link", name="Failed").click()
    expect(page.get_by_role("table")).to_contain_text("Its organiser is no longer in the organisation.")
    olivia.check("job-partial")


def test_jobs_and_their_items_are_found_and_the_address_keeps_it(olivia: Visit, cast: Cast) -> None:
    every_kind_of_job(cast)
    page = olivia.page
    olivia.open("/jobs/")
    page.get_by_label("Status").select_option("Partial")
    expect(page.locator(".ek-job")).to_have_count(1)
    expect(page).to_have_url(re.compile("state=partial"))
    page.reload()
    expect(page.get_by_label("Status")).to_have_value("partial")
    page.get_by_role("link", name="Show the 3").click()
    olivia.arrive()
    find = page.get_by_label("Item, folder or reason")
    find.fill("Mail 28")
    find.press("Enter")
    expect(page.locator("#items tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("outcome=failed.*q=Mail"))
    expect(page.get_by_role("link", name="These as CSV")).to_have_attribute("href", re.compile("q=Mail"))
    olivia.check("job-found")
    picture(olivia, "job-items")
    page.get_by_role("link", name="View log").click()
    expect(page.get_by_role("heading", name="System activity")).to_be_visible()
    page.go_back()
    page.get_by_role("button", name="Retry 3 items").click()
    expect(page.get_by_role("main")).to_contain_text("no longer kept")


def test_a_job_is_cancelled_by_keyboard_after_a_question(olivia: Visit, cast: Cast) -> None:
    job = new_job(cast.owner)
    page = olivia.page
    olivia.open("/jobs/")
    page.get_by_role("button", name="Cancel: Restore: bob.smith").press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    olivia.check("job-cancel")
    page.get_by_role("button", name="Stop the restore").press("Enter")
    expect(page.locator(f"#job-{job.public_id}")).to_contain_text("Cancelled")


def test_the_question_stays_open_while_the_card_renews_itself(olivia: Visit, cast: Cast) -> None:
    job = new_job(cast.owner)
    page = olivia.page
    olivia.open("/jobs/")
    page.get_by_role("button", name="Cancel: Restore: bob.smith").click()
    with page.expect_response(lambda response: f"{job.public_id}/card/" in response.url, timeout=30_000):
        pass
    expect(page.get_by_role("dialog")).to_be_visible()


def test_activity_is_sound_and_filters_without_a_reload(olivia: Visit, cast: Cast) -> None:
    every_kind_of_job(cast)
    page = olivia.page
    olivia.open("/activity/")
    page.locator("summary[aria-label^='Details']").nth(1).click()
    olivia.check("activity")
    page.get_by_label("Status").select_option("Failed")
    expect(page.locator("#activity tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("status=failed"))
    expect(page.locator("#export")).to_have_attribute("href", re.compile("status=failed"))
    olivia.check("activity-filtered")


def test_the_security_audit_is_sound_and_shows_how_its_chain_stands(olivia: Visit, cast: Cast) -> None:
    every_kind_of_job(cast)
    chain_check(cast.account.pk)
    page = olivia.page
    olivia.open("/activity/")
    page.get_by_role("link", name="Security audit").click()
    expect(page.locator("#chain")).to_contain_text("The chain is unbroken")
    page.locator("summary[aria-label^='Details']").nth(1).click()
    olivia.check("audit")
    page.get_by_label("Performed by").select_option("By Everkeep itself")
    expect(page).to_have_url(re.compile("who=system"))
    olivia.open("/settings/audit/")
    olivia.check("audit-stream")


def test_an_empty_activity_is_sound(olivia: Visit) -> None:
    olivia.open("/activity/")
    olivia.check("activity-empty")
