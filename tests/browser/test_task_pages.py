"""The pages of backup tasks with mailboxes in every state: axe, both themes, both widths."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from apps.backups.enums import EntityState, IssueKind, Verdict
from apps.backups.models import BackupTask, Entity, NodeVersion, Run, RunIssue
from apps.backups.models.catalog import hash_of
from apps.connectors.enums import ConnectionState, EntityKind
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
from tests.browser.rig import Visit
from tests.cast import Cast


@pytest.fixture
def task(cast: Cast) -> BackupTask:
    """Pizza Perfecto with a mailbox in every state."""
    with account_scope(cast.account.pk):
        task = make_task(make_connection(cast.account), name="Mail and calendars")
        make_mailboxes(task)
        return task


def make_mailboxes(task: BackupTask) -> None:
    now = clock.now()
    tonight = {"next_run_at": now + timedelta(hours=9)}
    make_protected(task, "Agata Brown", items=18204, size=3_910_000_000, **tonight)
    bob = make_protected(task, "Bob Smith", Verdict.PARTIAL, items=8008, size=6_580_000_000, **tonight)
    Entity.objects.filter(pk=bob.pk).update(last_message="2 messages were not stored.")
    make_history(bob)
    ida = make_protected(
        task, "Ida Taylor", size=824_000_000, lease_owner="worker:1", lease_until=now + timedelta(hours=1)
    )
    make_run(ida, items_expected=1000, items_stored=417)
    make_mailbox(task, "Info", kind=EntityKind.SHARED_MAILBOX, licensed=False)
    failed = make_protected(task, "Jessica Miller", Verdict.FAILED, size=1_140_000_000, **tonight)
    Entity.objects.filter(pk=failed.pk).update(last_message="The mailbox could not be opened.", licensed=False)
    old = {"first_snapshot_at": now - timedelta(days=90), "last_snapshot_at": now - timedelta(days=40)}
    make_mailbox(task, "Linda Fuller", state=EntityState.ARCHIVED, size=2_070_000_000, **old)
    make_mailbox(task, "Mila Scott", state=EntityState.PAUSED, size=978_000_000, **old)
    make_mailbox(task, "Olivia Romano", state=EntityState.ACTIVE, **tonight)
    make_protected(task, "Rosa Late", last_snapshot_at=now - timedelta(days=3), **tonight)
    make_mailbox(task, "Tom Waiting", state=EntityState.ACTIVE, next_run_at=now)


def make_history(entity: Entity) -> None:
    """Thirty days: one failed, two partial, the last one with two named items."""
    now = clock.now()
    for back in range(29, -1, -1):
        verdict = {16: Verdict.FAILED, 8: Verdict.PARTIAL, 0: Verdict.PARTIAL}.get(back, Verdict.SUCCESS)
        at = now - timedelta(days=back, minutes=7)
        new = 0 if verdict == Verdict.FAILED else 20 + back * 37 % 130
        run = make_run(
            entity,
            verdict=verdict,
            started_at=at,
            finished_at=at + timedelta(minutes=6, seconds=48),
            items_stored=new,
            items_removed=back % 7,
            bytes_received=new * 120_000,
            calls=new * 2,
        )
        if verdict != Verdict.FAILED:
            make_snapshot(run, number=30 - back, taken_at=at, added=new, changed=back % 9, coverage=COVERAGE)
    Run.objects.filter(pk=run.pk).update(items_failed=1, items_skipped=1, message="2 items were not stored.")
    for remote_id, name in FOLDERS.items():
        NodeVersion.objects.create(
            account_id=entity.account_id,
            entity_id=entity.pk,
            sub_service="mail",
            remote_id=remote_id,
            remote_hash=hash_of(remote_id),
            name=name,
            is_folder=True,
            first=1,
            run_id=run.pk,
        )
    for kind, cause, do in (
        (IssueKind.FAILED, "Microsoft answered with a fault three times.", "The next backup tries again."),
        (IssueKind.SKIPPED, "Marked as malware by Microsoft.", "Delete it, or release it at Microsoft."),
    ):
        RunIssue.objects.create(
            account_id=entity.account_id,
            run=run,
            entity=entity,
            sub_service="mail",
            kind=kind,
            remote_id=f"item-{kind}",
            label="Invoice 4711",
            folder_label="Inbox / Orders",
            what=cause,
            do=do,
        )


FOLDERS = {
    f"folder-{name}": name for name in ("Inbox", "Drafts", "Sent Items", "Archive", "Orders", "Staff", "Old")
}
COVERAGE = {key: {"expected": 100, "captured": 100} for key in FOLDERS} | {
    "folder-Inbox": {"expected": 1284, "captured": 1282, "failed": 1, "skipped": 1}
}


def test_the_list_of_mailboxes_is_sound(olivia: Visit, task: BackupTask) -> None:
    olivia.open(reverse("task", args=[task.public_id]))
    olivia.check("task")


def test_a_task_that_lost_its_connection_while_looking_is_sound(
    olivia: Visit, task: BackupTask, cast: Cast
) -> None:
    with account_scope(cast.account.pk):
        task.discovering_since = clock.now()
        task.save()
        task.connection.state = ConnectionState.DISCONNECTED
        task.connection.state_reason = "The consent was withdrawn."
        task.connection.save()
    olivia.open(reverse("task", args=[task.public_id]))
    olivia.check("task-disconnected")


def test_the_bar_of_selected_mailboxes_is_sound(olivia: Visit, task: BackupTask) -> None:
    olivia.open(reverse("task", args=[task.public_id]))
    olivia.page.get_by_label("Select Agata Brown").check()
    olivia.page.get_by_label("Select Mila Scott").check()
    olivia.check("task-selected")


def test_a_filter_narrows_the_list_at_once_and_stands_in_the_address(olivia: Visit, task: BackupTask) -> None:
    page = olivia.page
    olivia.open(reverse("task", args=[task.public_id]))
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(10)
    page.get_by_label("Filter by name or address").press_sequentially("agata")
    expect(rows).to_have_count(1)
    expect(page).to_have_url(re.compile("q=agata"))
    expect(page.get_by_label("Filter by name or address")).to_be_focused()
    page.get_by_label("Filter by name or address").fill("")
    page.get_by_label("Status").select_option("Failed")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Jessica Miller")
    page.get_by_label("Filter by name or address").fill("nobody")
    expect(page.get_by_text("Nothing matches this filter.")).to_be_visible()
    olivia.check("task-filter-empty")
    page.get_by_role("link", name="Clear the filter").click()
    expect(rows).to_have_count(10)
    page.go_back()
    expect(page.get_by_text("Nothing matches this filter.")).to_be_visible()
    assert olivia.complaints == []


def test_rows_move_by_themselves_and_ticks_stay(olivia: Visit, task: BackupTask, cast: Cast) -> None:
    page = olivia.page
    olivia.open(reverse("task", args=[task.public_id]))
    page.get_by_label("Select Agata Brown").check()
    ida = page.get_by_role("row").filter(has_text="Ida Taylor")
    expect(ida).to_contain_text("In progress, 41 %")
    with account_scope(cast.account.pk):
        Run.objects.filter(verdict=Verdict.RUNNING).update(items_stored=900)
    expect(ida).to_contain_text("In progress, 90 %", timeout=30_000)
    with account_scope(cast.account.pk):
        Entity.objects.filter(name="Ida Taylor").update(lease_owner="", lease_until=None)
        Entity.objects.filter(name="Tom Waiting").update(next_run_at=clock.now() + timedelta(hours=5))
    expect(ida).to_contain_text("Success", timeout=30_000)
    expect(page.locator("#live")).not_to_have_attribute("hx-trigger", re.compile("."))
    expect(page.get_by_label("Select Agata Brown")).to_be_checked()
    assert olivia.complaints == []


def test_a_mailbox_with_gaps_is_sound(olivia: Visit, task: BackupTask, cast: Cast) -> None:
    with account_scope(cast.account.pk):
        bob = Entity.objects.get(name="Bob Smith")
        run = Run.objects.filter(entity=bob).order_by("-started_at").first()
        assert run is not None
    olivia.open(reverse("entity", args=[bob.public_id]))
    olivia.check("entity")
    olivia.open(reverse("run", args=[run.public_id]))
    olivia.check("run")


def test_a_mailbox_without_a_backup_is_sound(olivia: Visit, task: BackupTask, cast: Cast) -> None:
    with account_scope(cast.account.pk):
        info = Entity.objects.get(name="Info")
    olivia.open(reverse("entity", args=[info.public_id]))
    olivia.check("entity-empty")


def test_the_settings_of_a_task_are_sound(olivia: Visit, task: BackupTask) -> None:
    olivia.open(reverse("task_settings", args=[task.public_id]))
    olivia.check("task-settings")


def test_the_steps_to_a_new_task_are_sound(olivia: Visit, task: BackupTask) -> None:
    olivia.open(reverse("task_new"))
    olivia.check("task-new")
    olivia.open(reverse("task_new_service", args=["exchange"]))
    olivia.check("task-new-exchange")
