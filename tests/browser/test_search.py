"""Searching everything kept in a real browser: find, narrow down, look, select, on to the restore."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from apps.core.actor import SYSTEM, acting_as
from apps.core.scope import account_scope
from tests.browser.pictures import picture
from tests.browser.rig import Visit
from tests.cast import Cast
from tests.recovery.factories import FIRST_DAY, Mailbox, mail, make_entity, make_task, store
from tests.search.conftest import index, search_folder  # noqa: F401 - a fixture

LETTERS = [
    ("Invoice 2026-1107, mozzarella di bufala", "Please find attached the invoice for 240 kg of mozzarella."),
    ("Invoice 2026-1009, mozzarella and burrata", "The corrected VAT. The earlier invoice is void."),
    ("Re: invoice 2026-0912", "The mozzarella of Thursday was short by two crates, please credit the invoice."),
    ("Rota of next week", "Nothing about cheese."),
]


@pytest.fixture
def found(cast: Cast, transactional_db: None, search_folder: Path) -> Iterator[None]:  # noqa: F811
    with account_scope(cast.account.pk), acting_as(SYSTEM):
        task = make_task()
        for name in ("Bob Smith", "Agata Brown"):
            first = name.split()[0].lower()
            box = Mailbox(make_entity(name, f"{first}@pizza-perfecto.example", task=task))
            box.folder("inbox", "Inbox", well_known="inbox")
            for number, (subject, text) in enumerate(LETTERS):
                letter = mail(subject, text)
                box.item(
                    f"{first}{number}", "inbox", subject, author="Latteria Colli <colli@latteria.example>",
                    recipients=f"{name} <{first}@pizza-perfecto.example>", content=store(letter),
                    size=len(letter), time=FIRST_DAY - timedelta(days=35 * number), has_attachments=number == 0,
                )  # fmt: skip
            for _ in range(3):
                box.day()
            box.remove(f"{first}1")
            box.day()
        index(box)
    yield


def test_find_narrow_look_select_and_restore(olivia: Visit, found: None) -> None:
    page = olivia.page
    olivia.open("/search/")
    expect(page.get_by_role("heading", name="One search over every mailbox and every day")).to_be_visible()
    olivia.check("search-empty")
    olivia.open("/support/")
    page.keyboard.press("/")
    page.keyboard.type("invoice")
    page.keyboard.press("Enter")
    expect(page.get_by_text("6 items", exact=True)).to_be_visible()
    olivia.check("search")
    picture(olivia, "search")
    olivia.open("/search/?q=invoice")
    page.get_by_label("Deleted since").check()
    expect(page.get_by_text("2 items", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("q=invoice&life=deleted"))
    assert olivia.complaints == []
    page.get_by_label("Deleted since").uncheck()
    expect(page.get_by_text("6 items", exact=True)).to_be_visible()
    page.get_by_label("Bob Smith").check()
    expect(page.get_by_text("3 items", exact=True)).to_be_visible()
    page.get_by_role("link", name="Invoice 2026-1107").first.click()
    expect(page.get_by_role("heading", name="Invoice 2026-1107")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="Search without narrowing").click()
    page.get_by_label("Select: Invoice 2026-1107").first.check()
    page.get_by_label("Select: Invoice 2026-1009").first.check()
    expect(page.locator("#picked")).to_contain_text("2 selected")
    page.locator("#picked").get_by_role("button", name="Restore…").click()
    expect(page.get_by_role("heading", name="Selected", level=1)).to_be_visible()
    olivia.check("search-selected")
    page.get_by_role("link", name="Restore 1 message").first.click()
    expect(page).to_have_url(re.compile("/restore/$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Restore")


def test_what_is_ticked_the_moment_it_is_there_is_heard(olivia: Visit, found: None) -> None:
    page = olivia.page
    olivia.open("/search/?q=invoice")
    page.evaluate("""() => new MutationObserver((changes, watch) => {
      watch.disconnect();
      document.getElementById("narrow-life-deleted").click();
    }).observe(document.getElementById("found"), {childList: true})""")
    page.get_by_label("Deleted since").click()
    expect(page.get_by_label("Deleted since")).not_to_be_checked()
    expect(page.get_by_text("6 items", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"q=invoice(?!.*deleted)"))


def test_a_mistake_and_an_opened_backup_are_sound(olivia: Visit, found: None) -> None:
    olivia.open("/search/?q=form:anna")
    expect(olivia.page.get_by_text("There is no field “form:”.")).to_be_visible()
    olivia.check("search-mistake")
    olivia.open(reverse("search", query={"q": "xylophone"}))
    expect(olivia.page.get_by_role("heading", name="Nothing found")).to_be_visible()
