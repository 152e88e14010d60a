"""One of many mailboxes is found and taken by keyboard; what a search found is erased, to its certificate."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from apps.backups.models import Erasure, Snapshot
from apps.backups.selectors.points import point_of
from apps.core.actor import SYSTEM, acting_as
from apps.core.scope import account_scope
from apps.recovery.models import Plan
from apps.recovery.services import selections_everything
from tests.browser.pictures import picture
from tests.browser.rig import Visit
from tests.cast import PASSWORD, Cast
from tests.jobs.conftest import signed_in
from tests.recovery.factories import Mailbox, mail, make_entity, store
from tests.recovery.test_targets import crowd
from tests.search.conftest import index, search_folder  # noqa: F401 - a fixture


@pytest.fixture
def backup(cast: Cast, transactional_db: None, search_folder: Path, monkeypatch: Any) -> Iterator[Snapshot]:  # noqa: F811
    monkeypatch.setattr("apps.recovery.views.restore.make_plan.after_commit", lambda **_: None)
    with account_scope(cast.account.pk), acting_as(SYSTEM):
        box = Mailbox(make_entity())
        box.folder("inbox", "Inbox", well_known="inbox")
        for name in ("My knee", "Lunch"):
            letter = mail(name, "See you there.")
            box.item(name, "inbox", name, content=store(letter), size=len(letter))
        snapshot = box.day()
        crowd(box.entity.task, 30)
        index(box)
    with account_scope(cast.account.pk):
        yield snapshot


def test_one_of_many_mailboxes_is_found_and_taken_by_keyboard(
    olivia: Visit, cast: Cast, backup: Snapshot
) -> None:
    page = olivia.page
    with signed_in(cast.owner):
        selections_everything(point=point_of(backup.run))
    olivia.open(reverse("recovery_restore", args=[backup.run.public_id]))
    expect(page.get_by_role("searchbox", name="Mailbox: letters")).to_be_hidden()
    page.get_by_label("Another mailbox").check()
    field = page.get_by_role("searchbox", name="Mailbox: letters")
    field.press_sequentially("number 00")
    expect(page.get_by_text("The first 8 with these letters: type more")).to_be_visible()
    field.fill("number00027")
    expect(page.get_by_role("radio", name="Number")).to_have_count(1)
    field.press("ArrowDown")
    page.keyboard.press("Space")
    field.fill("nobody")
    field.press("Enter")
    expect(page.get_by_text("Nothing else has these letters")).to_be_visible()
    expect(page.get_by_role("radio", name="Number 00027")).to_be_checked()
    olivia.check("restore-target")
    page.get_by_role("button", name="Make the plan").click()
    expect(page.get_by_text("Looking at Number 00027.")).to_be_visible()
    assert Plan.objects.get().target.name == "Number 00027"


def test_what_a_search_found_is_erased_by_an_administrator_up_to_its_certificate(
    olivia: Visit, backup: Snapshot
) -> None:
    page = olivia.page
    olivia.open(reverse("search", query={"q": "knee"}))
    page.get_by_label("Select: My knee").check()
    page.locator("#picked").get_by_role("button", name="Erase…").click()
    page.get_by_role("textbox", name="Your password").fill(PASSWORD)
    page.get_by_role("button", name="It is me").click()
    expect(page.get_by_role("heading", name="Erase these items?")).to_be_visible()
    expect(page.get_by_role("row", name="My knee")).to_be_visible()
    olivia.check("erase")
    page.get_by_label("Reason").fill("Request 7")
    page.get_by_label("Type erase 1 item of Mail").fill("erase 1 item of Mail")
    picture(olivia, "erase-question", page.locator("main"))
    page.get_by_role("button", name="Erase after").click()
    expect(page.get_by_role("heading", name="Certificate of erasure")).to_be_visible()
    expect(page.get_by_text("left to take it back")).to_be_visible()
    page.get_by_role("button", name="Close this message").click()
    picture(olivia, "erase-certificate", page.locator("main"))
    olivia.check("erasure-certificate")
    assert Erasure.objects.get().items_count == 1
    olivia.open(reverse("search", query={"q": "knee"}))
    expect(page.get_by_label("Select: My knee")).to_have_count(0)
