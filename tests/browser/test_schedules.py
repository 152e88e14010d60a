"""When backups run, what is left out, and policies for many, step by step as docs/guide/schedule.md."""

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from apps.backups.models import BackupTask, Entity
from apps.backups.services import tags
from apps.core.scope import account_scope
from tests.backups.makers import make_connection, make_protected, make_task
from tests.browser.pictures import picture
from tests.browser.rig import Visit
from tests.cast import Cast, prove_again


@pytest.fixture
def olivia(cast: Cast, transactional_db: None, visit: Visit) -> Visit:
    client = Client()
    client.force_login(cast.owner)
    prove_again(client)
    visit.sign_in_as(client)
    return visit


@pytest.fixture
def task(cast: Cast) -> BackupTask:
    with account_scope(cast.account.pk):
        task = make_task(make_connection(cast.account), name="Mail and calendars")
        make_protected(task, "Agata Brown", items=18204, size=3_910_000_000)
        make_protected(task, "Bob Smith", items=8008, size=6_580_000_000)
        managers = tags.tag_create(name="Managers")
        tags.tag_apply(task=task, entities=Entity.objects.filter(name="Bob Smith"), tag=managers)
        return task


def test_a_task_gets_two_schedules_with_a_window_in_a_time_zone_and_leaves_things_out(
    olivia: Visit, task: BackupTask
) -> None:
    page = olivia.page
    olivia.look(380, "dark")
    olivia.open(reverse("task_schedule", args=[task.public_id]))
    expect(page.get_by_role("link", name="Schedule", exact=True)).to_be_in_viewport(ratio=1)
    olivia.look(1280, "light")
    first = page.get_by_role("group", name="Schedule 1")
    expect(first.get_by_label("Hours between")).to_be_hidden()
    first.get_by_label("How often").select_option("Every few hours")
    expect(first.get_by_label("Hours between")).to_be_visible()
    first.get_by_label("How often").select_option("Daily")
    first.get_by_label("Starts at").fill("05:00")
    first.get_by_label("Time zone").select_option("Europe/Berlin")
    for day in ("Mon", "Tue", "Wed", "Thu", "Fri"):
        first.get_by_label(day, exact=True).check()
    first.get_by_label("Stop an unfinished run at").fill("08:00")
    page.get_by_role("button", name="Add another schedule").focus()
    page.keyboard.press("Enter")
    second = page.get_by_role("group", name="Schedule 2")
    second.get_by_label("How often").select_option("Monthly")
    expect(second.get_by_label("Mon", exact=True)).to_be_hidden()
    second.get_by_label("Day of the month").fill("31")
    second.get_by_label("Starts at").fill("22:30")
    second.get_by_label("Time zone").select_option("Europe/Berlin")
    olivia.check("schedule")
    first.scroll_into_view_if_needed()
    picture(olivia, "schedule")
    page.get_by_role("button", name="Save schedule").click()
    expect(page.get_by_text("Schedule saved.")).to_be_visible()
    now = "On Mon, Tue, Wed, Thu and Fri at 05:00 Europe/Berlin, stopped at 08:00; On day 31 of each month at"
    expect(page.get_by_text(now)).to_be_visible()
    page.get_by_label("Take this schedule away").last.check()
    page.get_by_role("button", name="Save schedule").click()
    expect(page.get_by_role("group", name="Schedule 2")).to_have_count(0)

    page.get_by_role("link", name="Settings", exact=True).last.click()
    page.get_by_label("Notes").check()
    page.get_by_label("Folders").fill("Junk*\nInbox/Newsletters")
    page.get_by_role("textbox", name="Items").fill("*.tmp")
    page.get_by_label("Items larger than").fill("25")
    picture(olivia, "left-out", page.locator(".ek-set").filter(has_text="Left out by rule"))
    page.get_by_role("button", name="Save settings").click()
    expect(page.get_by_text("Settings saved.")).to_be_visible()
    expect(page.get_by_label("Folders")).to_have_value("Junk*\nInbox/Newsletters")
    expect(page.get_by_label("Items larger than")).to_have_value("25")


def test_a_policy_rules_what_has_its_tag_and_the_page_of_the_mailbox_says_so(
    olivia: Visit, task: BackupTask
) -> None:
    page = olivia.page
    olivia.open(reverse("policies"))
    page.get_by_role("link", name="New policy").click()
    page.get_by_label("Name").fill("For managers")
    page.get_by_role("checkbox", name="Managers").check()
    page.get_by_label("Rank").fill("10")
    page.get_by_label("How often").select_option("3 times a day")
    page.get_by_label("Starts at").fill("06:00")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    expect(page.get_by_label("Delete archived ones after")).to_be_hidden()
    page.get_by_label("What stays").select_option("Keep backups up to an age")
    page.get_by_label("For", exact=True).fill("7")
    page.get_by_label("Unit").select_option("Years")
    page.get_by_label("This policy says what is left out").check()
    page.get_by_label("Folders").fill("Junk*")
    olivia.check("policy")
    picture(olivia, "policy", page.locator("form.card"))
    page.get_by_role("button", name="Save policy").click()
    expect(page.get_by_role("row", name="For managers")).to_contain_text("7 years")
    olivia.check("policies")

    olivia.open(reverse("holds"))
    page.get_by_label("Name").fill("Case 7")
    page.get_by_label("Tag").select_option("Managers")
    page.get_by_role("button", name="Put on hold").click()
    expect(page.get_by_role("main")).to_contain_text("Case 7")
    with account_scope(task.account_id):
        bob = Entity.objects.get(name="Bob Smith")
    olivia.open(reverse("entity", args=[bob.public_id]))
    ruled = page.get_by_role("region", name="What rules it")
    expect(ruled).to_contain_text("3 times a day from 06:00 Europe/Berlin")
    expect(ruled).to_contain_text("Policy “For managers”, by the tag “Managers”")
    expect(ruled).to_contain_text("Folders like Junk*")
    expect(ruled).to_contain_text("On legal hold")
    olivia.check("entity-ruled")
    picture(olivia, "mailbox-rules", ruled)
