"""Retention and legal holds as an administrator sets them, step by step as docs/guide/retention.md tells it."""

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from apps.backups.models import BackupTask
from apps.core.scope import account_scope
from tests.backups.makers import make_connection, make_task
from tests.backups.retention.test_pages import nightly
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
        for name in ("Agata Brown", "Bob Smith"):
            nightly(task, name, 40)
        return task


def test_a_rule_is_previewed_and_saved_and_a_mailbox_is_put_on_hold(olivia: Visit, task: BackupTask) -> None:
    page = olivia.page
    olivia.open(reverse("task", args=[task.public_id]))
    page.get_by_role("link", name="Retention").click()
    page.get_by_label("What stays").select_option("steps")
    page.get_by_label("Last of each day, days").fill("14")
    page.get_by_label("Last of each week, weeks").fill("8")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="Preview")).to_be_visible()
    expect(page.locator("tbody tr").first).to_contain_text("Agata Brown")
    page.get_by_role("heading", name="Preview").scroll_into_view_if_needed()
    picture(olivia, "retention-preview")
    olivia.check("retention-preview")
    page.get_by_role("button", name="Save this rule").click()
    expect(page.get_by_text("The task's own rule.")).to_be_visible()
    olivia.open(reverse("holds"))
    page.get_by_label("Name").fill("Case 7")
    page.get_by_label("Reason").fill("Lawsuit of a supplier")
    page.get_by_label("Mailboxes").fill("Agata Brown")
    page.get_by_role("button", name="Put on hold").click()
    expect(page.locator("tbody tr")).to_contain_text("Case 7")
    picture(olivia, "legal-holds")
    olivia.check("legal-holds")
