"""The second half of the main job: day two, browsing, the way back into the mailbox, and out as a file."""

import io
import json
import re
import urllib.request
import zipfile
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.rig import Visit
from tests.fixtures.portal import RunningPortal

A_JOB_MS = 90_000


def live_mailbox(portal: RunningPortal, address: str) -> dict[str, Any]:
    """Return folders and messages as the cloud holds them."""
    where = f"{portal.sandbox_url}/_control/mailboxes/{address}/export"
    with urllib.request.urlopen(where, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def let_people_work(portal: RunningPortal) -> None:
    """One day passes in the cloud."""
    request = urllib.request.Request(
        f"{portal.sandbox_url}/_control/advance", b'{"days": 1}', {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=60).close()


def back_up_the_next_day(visit: Visit, portal: RunningPortal) -> None:
    """From the mailbox's page: people worked, a second backup holds what changed and the first stays."""
    page = visit.page
    let_people_work(portal)
    page.get_by_role("button", name=re.compile("Back up now")).first.click()
    runs = page.locator("table", has_text="Removed").locator("tbody tr")
    expect(runs).to_have_count(2, timeout=A_JOB_MS)
    expect(runs.first.get_by_text("Success")).to_be_visible(timeout=A_JOB_MS)


def browse(visit: Visit, name: str) -> None:
    """From home to the mailbox, calendar, then the latest backup, a preview, a tick."""
    page = visit.page
    visit.open("/")
    page.get_by_role("link", name="Recovery: Our mail").click()
    visit.arrive()
    page.get_by_label("Part of the name").fill(name)
    page.get_by_role("link", name=f"Choose a day of {name}").click()
    visit.check("main-10-days")
    page.get_by_role("link", name="Open this backup").click()
    visit.arrive()
    subject = page.locator(".ek-mails a").first
    subject.click()
    expect(page.get_by_text("Pictures from the internet are not loaded").first).to_be_visible()
    page.locator(".ek-mails input[type=checkbox]").first.check()
    expect(page.get_by_role("group", name="Selected items")).to_contain_text("1 message")
    visit.check("main-11-browse")


def restore(visit: Visit, portal: RunningPortal, address: str, me: str) -> None:
    """Plan, confirm, report; afterwards the cloud holds one message more, in a folder of its own, no draft.

    Who ordered it gets a mail that leads to the report.
    """
    page, before = visit.page, live_mailbox(portal, address)
    page.get_by_role("link", name="Restore", exact=True).click()
    visit.check("main-12-restore")
    page.get_by_role("button", name="Make the plan").click()
    expect(page.get_by_role("button", name="Restore now")).to_be_visible(timeout=A_JOB_MS)
    visit.check("main-13-plan")
    page.get_by_role("button", name="Restore now").click()
    _await_success(page)
    visit.check("main-14-restored")
    after = live_mailbox(portal, address)
    assert len(after["messages"]) == len(before["messages"]) + 1
    known = {message["id"] for message in before["messages"]}
    (restored,) = [message for message in after["messages"] if message["id"] not in known]
    assert "/Restored " in "/" + restored["folder"] and restored["isDraft"] is False
    report = portal.wait_for_link(me, "jobs")
    assert any("Restored and read back: 1\nSkipped: 0\nFailed: 0" in mail for mail in portal.mails_to(me))
    page.goto(report)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Restore")


def export(visit: Visit, portal: RunningPortal, entity_id: str, me: str) -> None:
    """The same selection as a ZIP whose one letter reads back, by the page of the job and by the mail."""
    page = visit.page
    visit.open(f"/recovery/{entity_id}/latest/")
    page.get_by_role("link", name="Export", exact=True).click()
    visit.check("main-15-export")
    page.get_by_role("button", name="Start export").click()
    _await_success(page)
    page.get_by_role("link", name="Download results").click()
    visit.check("main-16-downloads")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download part 1").click()
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        assert archive.testzip() is None
        assert len([name for name in archive.namelist() if name.endswith(".eml")]) == 1
    page.goto(portal.wait_for_link(me, "exports/link"))
    assert any("Download within 72 hours, signed in to Everkeep." in mail for mail in portal.mails_to(me))
    expect(page.get_by_role("link", name="Download part 1")).to_be_visible()


def _await_success(page: Page) -> None:
    expect(page.get_by_text("Success", exact=True).first).to_be_visible(timeout=A_JOB_MS)
