"""The main job as a person does it, on a whole running portal: from sign-up to a message that came back."""

import json
import re
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from apps.core.management.commands.serve import SANDBOX_CLIENT_ID
from tests.browser import way_back
from tests.browser.rig import Visit
from tests.fixtures.portal import RunningPortal

pytestmark = pytest.mark.slow
PASSWORD = "steam rises from the broth"
A_RUN_MS = 90_000


@pytest.fixture
def nadia(page: Page, running_portal: RunningPortal) -> Iterator[Visit]:
    """Somebody who has never been here."""
    page.set_default_timeout(20_000)
    yield Visit(page, running_portal.url)


def sign_up(visit: Visit, portal: RunningPortal, email: str) -> None:
    page = visit.page
    visit.open("/sign-up/")
    page.get_by_label("Organisation").fill("Nadia's Noodles")
    page.get_by_label("Your name").fill("Nadia Nowak")
    page.get_by_label("Work email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Where your backups are kept").select_option("Germany")
    page.get_by_role("button", name="Send me the activation link").click()
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    page.goto(portal.wait_for_link(email, "activate"))
    page.get_by_role("button", name="Activate my account").click()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(visit.base_url + "/")


def consent_at_microsoft(page: Page) -> None:
    """Authenticate, pick the administrator wherever asked, accept."""
    page.get_by_role("link", name=re.compile("Authenticate")).first.click()
    for _ in range(4):
        page.wait_for_load_state()
        if page.get_by_role("button", name="Accept").count():
            page.get_by_role("button", name="Accept").click()
        elif page.get_by_role("button", name="Global Administrator").count():
            page.get_by_role("button", name="Global Administrator").first.click()
        else:
            break


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def control(portal: RunningPortal, path: str, **wanted: object) -> None:
    """Let something happen at the sandbox Microsoft."""
    asked = urllib.request.Request(
        f"{portal.sandbox_url}/_control/{path}",
        data=json.dumps(wanted).encode(),
        headers={"Content-Type": "application/json"},
    )
    urllib.request.urlopen(asked, timeout=60).close()


def test_from_sign_up_to_a_message_that_came_back(nadia: Visit, running_portal: RunningPortal) -> None:
    page = nadia.page
    sign_up(nadia, running_portal, "nadia@noodles.example")

    page.get_by_role("link", name="Add your first backup task").click()
    nadia.check("main-1-services")
    page.get_by_role("link", name=re.compile("Microsoft Exchange")).click()
    page.get_by_label("Task name").fill("Our mail")
    nadia.check("main-2-connect")
    page.get_by_role("button", name="Authenticate").click()
    nadia.check("main-3-organisation")
    consent_at_microsoft(page)

    expect(page.get_by_label("Task name")).to_have_value("Our mail")
    nadia.check("main-4-connected")
    page.get_by_role("button", name="Create backup task").click()
    expect(page.get_by_role("heading", name="Our mail", level=1)).to_be_visible()
    first = page.locator("tbody th .ek-name").first
    expect(first).to_be_visible(timeout=A_RUN_MS)
    expect(page.get_by_text("Looking for mailboxes.")).to_have_count(0, timeout=A_RUN_MS)
    name = first.inner_text()
    nadia.check("main-5-found")

    page.get_by_label("Select all mailboxes on this page").check()
    page.get_by_role("group", name="Selected mailboxes").get_by_role("button", name="Activate").click()
    expect(page.get_by_role("status").filter(has_text="activated")).to_be_visible()
    expect(row(page, name).get_by_text("Scheduled", exact=True)).to_be_visible()
    nadia.check("main-6-activated")

    page.get_by_role("button", name=f"Back up {name} now").click()
    expect(row(page, name).get_by_text(re.compile("Pending|In progress|Success"))).to_be_visible()
    expect(row(page, name).get_by_text("Success", exact=True)).to_be_visible(timeout=A_RUN_MS)
    nadia.check("main-7-success")

    address = row(page, name).locator(".ek-sub").inner_text()
    page.get_by_role("link", name=name, exact=True).click()
    entity_id = page.url.rstrip("/").rsplit("/", 1)[1]
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    expect(page.get_by_role("heading", name="Coverage of mail", exact=True)).to_be_visible()
    nadia.check("main-8-mailbox")
    page.locator("table", has_text="Removed").get_by_role("link").first.click()
    expect(page.get_by_role("heading", name=f"Run of {name}")).to_be_visible()
    nadia.check("main-9-run")

    nadia.open(f"/entities/{entity_id}/")
    way_back.back_up_the_next_day(nadia, running_portal)
    way_back.browse(nadia, name)
    way_back.restore(nadia, running_portal, address, "nadia@noodles.example")
    way_back.export(nadia, running_portal, entity_id, "nadia@noodles.example")

    nadia.open("/usage/")
    page.get_by_role("button", name="Send me the link by mail").click()
    report = running_portal.wait_for_link("nadia@noodles.example", "usage")
    assert name in page.request.get(report).text()


def test_a_withdrawn_consent_is_said_in_words_and_healed_in_place(
    nadia: Visit, running_portal: RunningPortal
) -> None:
    page = nadia.page
    sign_up(nadia, running_portal, "nele@noodles.example")
    page.get_by_role("link", name="Add your first backup task").click()
    page.get_by_role("link", name=re.compile("Microsoft Exchange")).click()
    page.get_by_role("button", name="Authenticate").click()
    consent_at_microsoft(page)
    page.get_by_role("button", name="Create backup task").click()
    expect(page.locator("tbody th .ek-name").first).to_be_visible(timeout=A_RUN_MS)
    expect(page.get_by_text("Looking for mailboxes.")).to_have_count(0, timeout=A_RUN_MS)

    control(running_portal, "consent", client_id=SANDBOX_CLIENT_ID, revoke=True, at_once=True)
    page.get_by_role("button", name="Look for new mailboxes").click()
    expect(page.get_by_role("link", name="Disconnected")).to_be_visible(timeout=A_RUN_MS)
    expect(page.get_by_text("We can no longer read Pizza Perfecto at Microsoft.")).to_be_visible()
    nadia.check("main-lost-consent")

    page.get_by_role("link", name="Connect again").click()
    consent_at_microsoft(page)
    expect(page.get_by_role("link", name="Connected")).to_be_visible()
    page.get_by_role("button", name="Look for new mailboxes").click()
    expect(page.get_by_text("Looking for mailboxes.")).to_have_count(0, timeout=A_RUN_MS)
    expect(page.get_by_role("link", name="Connected")).to_be_visible()
    assert nadia.complaints == []
