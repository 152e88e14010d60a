"""The summary report with its previews, and the recipients of one task, as in docs/guide/reports.md."""

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from apps.backups.enums import EntityState, Verdict
from apps.backups.models import BackupTask, ReportSettings
from apps.core.scope import account_scope
from tests.backups.makers import make_connection, make_mailbox, make_protected, make_task
from tests.browser.pictures import picture
from tests.browser.rig import Visit
from tests.cast import PASSWORD, Cast, prove_again


@pytest.fixture
def task(cast: Cast) -> BackupTask:
    with account_scope(cast.account.pk):
        connection = make_connection(cast.account)
        task = make_task(connection, name="Mail and calendars")
        make_protected(task, "Agata Brown", size=3_910_000_000)
        why = "Microsoft did not answer. It will be tried again."
        make_protected(task, "Bob Smith", Verdict.FAILED, last_message=why)
        make_mailbox(task, "Linda Fuller", state=EntityState.ARCHIVED)
        make_protected(make_task(connection, name="Shared mailboxes"), "Info")
        return task


def test_the_summary_report_is_looked_at_and_switched_on(
    cast: Cast, transactional_db: None, visit: Visit, task: BackupTask
) -> None:
    client, page = Client(), visit.page
    client.force_login(cast.owner)
    prove_again(client)
    visit.sign_in_as(client)
    visit.open(reverse("notifications"))
    page.get_by_role("link", name="Change the report").click()
    page.get_by_label("Send a summary report").check()
    page.get_by_label("At", exact=True).fill("07:30")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_role("button", name="Save reports").click()
    expect(page.get_by_text("Reports saved.")).to_be_visible()
    page.get_by_role("link", name="Preview: Backup tasks overview").click()
    shown = page.get_by_role("region", name="Backup report: 1 of 2 backup tasks needs attention")
    expect(shown).to_contain_text("1 mailbox failed.")
    expect(shown).to_contain_text("Shared mailboxes (Microsoft Exchange): Good")
    page.get_by_role("link", name="Preview: Backup failure details").click()
    expect(shown).to_contain_text("Microsoft did not answer.")
    expect(shown.get_by_role("row", name="Bob Smith")).to_be_visible()
    visit.check("reports")
    picture(visit, "reports", page.locator("#main, main").first)

    visit.open(reverse("task_settings", args=[task.public_id]))
    page.get_by_label("E-mail addresses").fill("desk@partner.example; it@partner.example")
    page.get_by_role("button", name="Save recipients").click()
    expect(page.get_by_text("Recipients of the report saved.")).to_be_visible()
    expect(page.get_by_label("E-mail addresses")).to_have_value("desk@partner.example; it@partner.example")
    visit.check("task-report-recipients")


def test_what_was_typed_before_the_proof_is_in_the_form_again(
    cast: Cast, transactional_db: None, olivia: Visit, task: BackupTask
) -> None:
    page = olivia.page
    olivia.open(reverse("reports"))
    page.get_by_label("Send a summary report").check()
    page.get_by_label("At", exact=True).fill("06:15")
    page.get_by_label("How often").select_option("weekly")
    page.get_by_role("button", name="Save reports").click()
    page.get_by_role("textbox", name="Your password").fill(PASSWORD)
    page.get_by_role("button", name="It is me").click()
    note = page.get_by_text("Nothing has been saved yet.")
    expect(note).to_be_visible()
    expect(page.get_by_label("Send a summary report")).to_be_checked()
    expect(page.get_by_label("At", exact=True)).to_have_value("06:15")
    expect(page.get_by_label("How often")).to_have_value("weekly")
    olivia.check("typed-again")
    with account_scope(cast.account.pk):
        assert not ReportSettings.objects.exists()
    page.get_by_role("button", name="Save reports").click()
    expect(page.get_by_text("Reports saved.")).to_be_visible()
    olivia.open(reverse("reports"))
    expect(note).to_have_count(0)
