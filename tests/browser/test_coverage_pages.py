"""The coverage pages in a real browser: axe, both themes, both widths, and a gap acknowledged by hand."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from apps.backups.enums import IssueKind, Verdict
from apps.backups.models import BackupTask, Run, RunIssue
from apps.core.scope import account_scope
from tests.backups.makers import make_connection, make_protected, make_run, make_snapshot, make_task
from tests.backups.test_coverage_pages import gap
from tests.browser.rig import Visit
from tests.cast import Cast


@pytest.fixture
def run(cast: Cast, transactional_db: None) -> Run:
    """Ann's last run: mail with gaps, contacts refused."""
    with account_scope(cast.account.pk):
        task: BackupTask = make_task(make_connection(cast.account))
        ann = make_protected(task, "Ann Amber", Verdict.PARTIAL)
        run = make_run(ann, verdict=Verdict.PARTIAL)
        inbox = {"expected": 12, "captured": 9, "skipped": 2, "skipped malware": 2, "failed": 1}
        make_snapshot(run, coverage={"inbox": inbox, "sent": {"expected": 4, "captured": 4}})
        RunIssue.objects.create(
            account_id=task.account_id,
            run=run,
            entity=ann,
            sub_service="contacts",
            kind=IssueKind.FAILED,
            what="Microsoft does not let us read this: a permission is missing.",
            do="Consent to Contacts.Read.",
        )
        gap(ann)
        gap(ann, "malware", "inbox", label="Inbox", sub_service="mail", count=2, do="")
    return run


def test_a_gap_is_seen_and_acknowledged_and_the_mailbox_is_green(run: Run, olivia: Visit) -> None:
    olivia.open(reverse("run_coverage", args=[run.public_id]))
    expect(olivia.page.get_by_text("Contacts are not in this backup.")).to_be_visible()
    olivia.check("coverage-run")
    olivia.open(reverse("task_coverage", args=[run.entity.task.public_id]))
    olivia.check("coverage-task")
    olivia.open(reverse("entity", args=[run.entity.public_id]))
    olivia.check("coverage-mailbox")
    olivia.page.get_by_label("Reason").fill("We know")
    olivia.page.get_by_role("button", name="Acknowledge").click()
    expect(olivia.page.get_by_text("2 gaps acknowledged.")).to_be_visible()
    expect(olivia.page.locator(".ek-title-row")).to_contain_text("Success")
