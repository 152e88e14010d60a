"""Every kind of data, the whole mailbox, two days compared and the life of an item, in a real browser."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from apps.backups.models import Run
from apps.connectors.documents import canonical
from apps.core.scope import account_scope
from tests.browser.pictures import picture
from tests.browser.rig import Visit
from tests.cast import Cast
from tests.recovery.every_kind import CONTACT, PNG, every_kind, point_day, store_document
from tests.recovery.factories import FIRST_DAY, make_entity

PEOPLE = ["Charles Wilson", "Ida Taylor", "Jacob Anderson", "Jessica Miller", "Linda Fuller", "Mila Scott"]


@pytest.fixture
def runs(cast: Cast, transactional_db: None) -> Iterator[list[Run]]:
    with account_scope(cast.account.pk):
        boxes = every_kind(make_entity())
        for number in range(57):
            name = f"{PEOPLE[number % 6]} {number:02}"
            mail = f"{name.split()[1].lower()}@pizza-perfecto.example"
            boxes["contacts"].item(
                f"c{number}", "people", name, author=mail, recipients="Pizza Perfecto", size=300,
                content=store_document({**CONTACT, "displayName": name}, PNG),
                props=canonical({
                    "email": mail, "phone": f"+49 69 55 {number:03}", "address": "Mainzer Straße 4, Frankfurt",
                    "jobTitle": "Kitchen", "company": "Pizza Perfecto",
                }),
            )  # fmt: skip
        found = [point_day(boxes, FIRST_DAY)]
        boxes["mail"].remove("m1")
        giulia = bytes(boxes["contacts"].live["giulia"].content)
        boxes["contacts"].item("giulia", "people", "Giulia Rossi", content=giulia, size=700)
        boxes["notes"].item("sauce", "notes", "Sauce", author="", size=90)
        yield [*found, point_day(boxes, FIRST_DAY + timedelta(days=1), without=("calendars",))]


@pytest.fixture
def rita(cast: Cast, runs: list[Run], visit: Visit) -> Visit:
    client = Client()
    client.force_login(cast.restorer)
    visit.sign_in_as(client)
    return visit


def test_contacts_are_browsed_ticked_and_opened_by_keyboard(rita: Visit, runs: list[Run]) -> None:
    page = rita.page
    rita.open(reverse("recovery_browse", args=[runs[1].public_id], query={"kind": "contacts"}))
    expect(page.get_by_role("columnheader", name="Job title")).to_be_visible()
    rita.check("recovery-contacts")
    first = page.get_by_role("link", name="Charles Wilson 00")
    first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Charles Wilson 06")).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#selection")).to_contain_text("1 contact")
    page.keyboard.press("Enter")
    expect(page.locator("#preview")).to_contain_text("Asks for <b>early</b> orders.")
    expect(page.locator("#preview img")).to_have_js_property("complete", True)
    assert page.locator("#preview img").evaluate("(img) => img.naturalWidth > 0")
    rita.check("recovery-contact")
    page.get_by_role("link", name="Charles Wilson 06").focus()
    page.keyboard.press("Escape")
    expect(page.locator("#preview [data-opened]")).to_have_count(0)
    page.get_by_role("link", name="Show 50 more").click()
    expect(page.locator("#rows [data-row]")).to_have_count(58)
    page.get_by_label("Select all shown").check()
    expect(page.locator("#selection")).to_contain_text("58 contacts")


def test_events_settings_and_the_review_are_sound(rita: Visit, runs: list[Run]) -> None:
    page = rita.page
    rita.open(reverse("recovery_browse", args=[runs[1].public_id], query={"kind": "calendars"}))
    page.get_by_role("button", name="Whole calendar Calendar").click()
    expect(page.locator("#selection")).to_contain_text("1 calendar")
    rita.arrive()
    page.get_by_role("link", name="Shift plan").click()
    expect(page.get_by_role("table", name="Dates that differ")).to_contain_text("Shift plan, moved")
    expect(page.frame_locator("#preview iframe").get_by_text("Bring the")).to_be_visible()
    rita.check("recovery-event")
    picture(rita, "recover-choose")
    page.get_by_role("link", name="Mailbox settings").click()
    rita.arrive()
    page.get_by_label("Select: Rule: Invoices").check()
    expect(page.locator("#selection")).to_contain_text("1 setting and 1 calendar")
    page.get_by_role("link", name="Show", exact=True).click()
    rita.check("recovery-review")


def test_the_whole_mailbox_is_taken_kind_by_kind(rita: Visit, runs: list[Run]) -> None:
    page = rita.page
    rita.open(reverse("recovery_entity", args=[runs[0].entity.public_id]))
    page.get_by_role("link", name="Full mailbox").click()
    expect(page.get_by_role("switch")).to_have_count(6)
    rita.check("recovery-full")
    page.get_by_role("link", name="1 November").click()
    page.get_by_role("link", name="Take the last backup").click()
    page.get_by_role("switch", name="Mail 1", exact=False).uncheck()
    page.get_by_role("button", name="Export…").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Export")


def test_two_days_are_compared_and_one_version_is_taken_back(rita: Visit, runs: list[Run]) -> None:
    page = rita.page
    rita.open(reverse("recovery_entity", args=[runs[0].entity.public_id]))
    page.get_by_role("link", name="Compare two days").click()
    rita.arrive()
    page.get_by_label("Select: Order 1").check()
    expect(page.locator("#selection")).to_contain_text("As it was on 1 Nov")
    page.get_by_label("Select: Sauce").check()
    expect(page.locator("#selection")).to_contain_text("As it was on 2 Nov")
    rita.check("recovery-compare")
    picture(rita, "recover-compare")
    page.get_by_label("Change", exact=True).select_option("deleted")
    expect(page.get_by_label("Select: Sauce")).to_have_count(0)
    page.get_by_label("Change", exact=True).select_option("changed")
    page.get_by_role("link", name="Before: Giulia Conti").click()
    page.get_by_role("link", name="All versions").click()
    rita.check("recovery-life")
    picture(rita, "recover-life")
    page.get_by_role("button", name="Restore the version of 1 November").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Restore 1 contact")
