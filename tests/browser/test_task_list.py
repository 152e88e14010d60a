"""The list of mailboxes as an administrator works with it: tags, filters, many at once."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from apps.backups.models import BackupTask, Entity
from apps.backups.services import tags
from apps.core.scope import account_scope
from tests.backups.makers import make_connection, make_mailbox, make_protected, make_task
from tests.browser.pictures import picture
from tests.browser.rig import Visit
from tests.cast import Cast


@pytest.fixture
def task(cast: Cast) -> BackupTask:
    with account_scope(cast.account.pk):
        task = make_task(make_connection(cast.account), name="Mail and calendars")
        make_protected(task, "Agata Brown", items=18204, size=3_910_000_000)
        make_protected(task, "Bob Smith", items=8008, size=6_580_000_000)
        make_mailbox(task, "Info", licensed=False)
        make_protected(task, "Mila Scott", items=2310, size=978_000_000)
        kitchen = tags.tag_create(name="Kitchen")
        tags.tag_apply(task=task, entities=Entity.objects.filter(name="Bob Smith"), tag=kitchen)
        return task


def test_mailboxes_are_tagged_found_by_their_tag_and_limited(olivia: Visit, task: BackupTask) -> None:
    page = olivia.page
    olivia.open(reverse("task", args=[task.public_id]))
    picture(olivia, "task-list")
    button = page.locator(".ek-toolbar").get_by_role("button", name="Tags")
    expect(button).to_be_disabled()
    page.get_by_label("Select Agata Brown").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.get_by_text("2 selected")).to_be_visible()
    picture(olivia, "task-selected")
    button.click()
    expect(page.get_by_role("heading", name="Tags of 2 mailboxes")).to_be_visible()
    expect(page.get_by_text("on 1 of 2")).to_be_visible()
    page.get_by_label("New tag").fill("Manager")
    picture(olivia, "task-tags")
    olivia.check("task-tags")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Manager put on 2 mailboxes.")).to_be_visible()
    olivia.arrive()
    page.get_by_label("Tag", exact=True).select_option("Kitchen")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("tag="))
    expect(page.locator("tbody tr")).to_contain_text("Manager")
    page.get_by_label("More for Bob Smith").click()
    olivia.check("task-list-menu")
    page.get_by_role("button", name="Limit access").last.click()
    expect(page.get_by_role("heading", name="Limit access?")).to_be_visible()
    page.get_by_role("button", name="Limit access").click()
    expect(page.locator("tbody tr")).to_contain_text("Limited access")
    olivia.check("task-list-tagged")
    page.get_by_label("More for Bob Smith").click()
    page.get_by_role("button", name="Take the limit away").click()
    expect(page.locator("tbody tr .ek-tag", has_text="Limited access")).to_have_count(0)


def test_a_task_is_found_set_up_and_its_mailboxes_paused_and_backed_up(olivia: Visit, task: BackupTask) -> None:
    page = olivia.page
    olivia.open("/")
    page.get_by_label("Find a task").fill("calend")
    expect(page).to_have_url(re.compile("q=calend"))
    page.get_by_role("link", name="Mail and calendars", exact=True).click()
    page.get_by_role("link", name="Task settings").click()
    page.get_by_label("Task name").fill("Our mail")
    page.get_by_label("Activate new mailboxes").check()
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_role("heading", name="Our mail", level=1)).to_be_visible()
    expect(page.get_by_label("Activate new mailboxes")).to_be_checked()

    page.get_by_role("link", name="Mailboxes").click()
    olivia.arrive()
    page.get_by_label("Licence").select_option("Unlicensed")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("Info")
    page.get_by_label("Licence").select_option("Any licence")
    expect(page.locator("tbody tr")).to_have_count(4)
    bar = page.get_by_role("group", name="Selected mailboxes")
    agata = page.locator("tr", has_text="Agata Brown")
    for button, word in (("Pause", "Paused"), ("Resume", "Success"), ("Back up now", "Pending")):
        page.get_by_label("Select Agata Brown").check()
        bar.get_by_role("button", name=button).click()
        expect(agata.locator(".ek-cell-status")).to_contain_text(word)
        olivia.arrive()
    page.get_by_label("Status").select_option("Pending")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert olivia.complaints == []


def test_the_tags_of_the_account_are_kept_in_order(olivia: Visit, task: BackupTask) -> None:
    page = olivia.page
    olivia.open(reverse("tags"))
    page.get_by_label("Name of a new tag").fill("Drivers")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("Tag Drivers created.")).to_be_visible()
    page.get_by_label("New name of Kitchen").fill("Kitchen and bar")
    page.get_by_role("button", name="Rename Kitchen").click()
    expect(page.get_by_role("row").filter(has_text="Kitchen and bar")).to_contain_text("1")
    olivia.check("tags")
    page.get_by_role("button", name="Delete the tag Drivers").click()
    page.get_by_role("button", name="Delete the tag", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    assert olivia.complaints == []


def test_what_the_page_does_not_show_is_counted_before_it_is_done(olivia: Visit, task: BackupTask) -> None:
    page = olivia.page
    with account_scope(task.account_id):
        for number in range(55):
            make_mailbox(task, f"Driver {number:02}")
    olivia.open(f"{reverse('task', args=[task.public_id])}?q=driver")
    page.get_by_label("Select all mailboxes on this page").check()
    page.get_by_label("All 55 that match").check()
    page.get_by_role("button", name="Activate", exact=True).click()
    expect(page.get_by_role("heading", name="Activate: 55 mailboxes?")).to_be_visible()
    picture(olivia, "task-all-matching")
    page.get_by_role("button", name="Activate", exact=True).click()
    expect(page.get_by_text("55 mailboxes activated.")).to_be_visible()
    expect(page).to_have_url(re.compile("q=driver"))
    page.get_by_role("link", name="Usage report (CSV)").click()
    picture(olivia, "usage-report")
    olivia.check("usage-report")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download now").click()
    assert taken.value.path().read_text().count("Driver ") == 55
