"""Home as rows and filtered, and the history of one mailbox by mouse, keys and sliders."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from apps.backups.enums import Verdict
from apps.backups.models import Entity
from apps.connectors.enums import ConnectionState
from apps.core import clock
from apps.core.scope import account_scope
from tests.backups.makers import (
    make_connection,
    make_mailbox,
    make_protected,
    make_run,
    make_snapshot,
    make_task,
)
from tests.browser.pictures import picture
from tests.browser.rig import Visit
from tests.cast import Cast


@pytest.fixture
def bob(cast: Cast) -> Entity:
    """A mailbox with thirty days behind it; a task that nobody chose, and one whose connection is lost."""
    now = clock.now()
    with account_scope(cast.account.pk):
        task = make_task(make_connection(cast.account), name="Mail and calendars")
        bob = make_protected(task, "Bob Smith", Verdict.PARTIAL, size=6_580_000_000)
        for back in range(30):
            verdict = {0: Verdict.PARTIAL, 9: Verdict.FAILED}.get(back, Verdict.SUCCESS)
            at = now - timedelta(days=back)
            run = make_run(
                bob, started_at=at, finished_at=at + timedelta(minutes=6), verdict=verdict, calls=412
            )
            for place, kind in enumerate(
                ("mail", "calendars", "contacts") if verdict != Verdict.FAILED else ()
            ):
                new = (150 - 4 * back) // (place * 3 + 1)
                brought = {"added": new, "changed": 9, "items": 7_373 // (place * 9 + 1)}
                make_snapshot(run, 30 - back, sub_service=kind, taken_at=at, **brought)
        make_mailbox(make_task(task.connection, name="Shop counters"), "Counter one")
        lost = make_connection(cast.account, name="lost.example", state=ConnectionState.DISCONNECTED)
        make_protected(make_task(lost, name="Drivers"), "Dora Driver")
        return bob


def test_tasks_are_found_and_shown_as_rows(olivia: Visit, bob: Entity) -> None:
    page = olivia.page
    olivia.open("/")
    picture(olivia, "home")
    page.get_by_label("Connection").select_option("Disconnected")
    expect(page.get_by_role("article")).to_have_count(1)
    expect(page).to_have_url(re.compile("connection=disconnected"))
    page.get_by_role("button", name="Show as rows").click()
    olivia.arrive()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_text("1 of 1 shown, 2 hidden by the filter")).to_be_visible()
    page.get_by_label("Connection").select_option("Any connection")
    expect(page.locator("tbody tr")).to_have_count(3)
    picture(olivia, "home-rows")
    olivia.check("home-rows")


def test_the_days_of_a_mailbox_are_read_by_keys_and_cut_by_sliders(olivia: Visit, bob: Entity) -> None:
    page = olivia.page
    olivia.open(reverse("entity", args=[bob.public_id]))
    expect(page.locator("[data-day]")).to_have_count(30)
    page.locator("[data-day]").last.focus()
    expect(page.locator("[data-readout]")).to_contain_text("Partial.")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("[data-readout]")).to_contain_text("Success.")
    page.keyboard.press("Home")
    expect(page.locator("[data-day]").first).to_be_focused()
    page.locator("[data-day]").nth(20).hover()
    expect(page.locator("[data-readout]")).to_contain_text("Failed.")
    picture(olivia, "mailbox-history")
    first = page.get_by_label("First day shown")
    first.focus()
    for left in (27, 24, 21):
        page.keyboard.press("PageUp")
        expect(page.locator("[data-day]")).to_have_count(left)
    expect(first).to_be_focused()
    olivia.check("entity-history")
    page.get_by_text("Show as a table").click()
    expect(page.get_by_role("columnheader", name="Calendars")).to_be_visible()
    assert olivia.complaints == []
