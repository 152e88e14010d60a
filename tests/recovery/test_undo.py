"""Undo: what a restore wrote goes, what it replaced returns, what people touched since stays and is named."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import Membership
from apps.accounts.selectors import actor_of
from apps.backups.deletion.work import go_on
from apps.backups.enums import DeletionState, EntityState
from apps.backups.models import BackupTask, Deletion, Entity, Snapshot
from apps.backups.retention.night import night
from apps.backups.retention.rules import KeepSteps, Rule
from apps.backups.selectors.browse import node_key
from apps.core import clock
from apps.core.actor import acting_as, current_actor
from apps.core.errors import Conflict, NotFound
from apps.core.permissions import Permission
from apps.jobs.models import Job, JobItem
from apps.recovery.access import plan_for
from apps.recovery.models import BeforeState, Plan
from apps.recovery.restore.before import purge_before, purge_samples
from apps.recovery.restore.panel import restore_panel, undo_panel
from apps.recovery.restore.plan import plan_start
from apps.recovery.restore.undo import undo_start
from apps.vault.references import live_blobs
from tests.backups.makers import let_marks_be_seen
from tests.recovery.conftest import Office, as_it_was
from tests.recovery.test_restore import delete, folder_key, patch

BINS = ("Deleted Items", "Recoverable Items", "Deletions")


def in_place(office: Office, mailbox: Entity | None = None) -> Counter[tuple[Any, ...]]:
    """Everything in the mailbox but what lies in its bins: undo, like people, deletes into them."""
    kept = [m for m in office.live(mailbox) if not m["folder"].startswith(BINS)]
    folders = [f["path"] for f in office.cloud.export((mailbox or office.bob).remote_id)["folders"]]
    return Counter([(m["folder"], *as_it_was(m)) for m in kept] + [(path,) for path in folders])


def undo(office: Office, job: Job) -> Job:
    return office.work(undo_start(plan=Plan.objects.get(job=job)))


def changed_mailbox(office: Office) -> Any:
    """A backup, then a mailbox in which something was deleted, edited and added since."""
    snapshot = office.back_up()
    inbox = [m for m in office.live() if m["folder"] == "Inbox"]
    delete(office, [inbox[0]["id"]])
    patch(office, inbox[1]["id"], {"categories": ["Changed since"]})
    return snapshot


@pytest.mark.parametrize("mode", ["new_root", "skip", "replace", "duplicate"])
def test_after_a_restore_and_its_undo_the_mailbox_is_as_before(office: Office, mode: str) -> None:
    snapshot = changed_mailbox(office)
    before = in_place(office)
    office.choose(snapshot, folders=[folder_key(office, "Inbox"), folder_key(office, "Sent Items")])
    job = office.restore(snapshot, mode)
    assert job.state == "succeeded", job.message
    assert in_place(office) != before
    done = undo(office, job)
    assert (done.state, done.items_failed, done.message) == ("succeeded", 0, "")
    assert in_place(office) == before


def test_what_somebody_edited_or_removed_since_stays_so_and_is_named(office: Office) -> None:
    snapshot = office.back_up()
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    job = office.restore(snapshot, "new_root")
    edited, removed = JobItem.objects.filter(job=job)[:2]
    patch(office, edited.written_id, {"categories": ["Mine now"]})
    delete(office, [removed.written_id])
    done = undo(office, job)
    skipped = list(JobItem.objects.filter(job=done, outcome="skipped"))
    assert {item.label for item in skipped} == {edited.label, removed.label}
    assert all("left as it is" in item.message for item in skipped)
    assert [m["id"] for m in office.live() if m["folder"].startswith("Restored ")] == [edited.written_id]
    assert done.message == "Not empty, so left: 2 folders." and "Inbox" in done.result["folders_left"]
    with acting_as(replace(current_actor(), permissions=frozenset({Permission.VIEW}))):
        assert undo_panel(done).context["left"] == [], "a viewer reads no names of folders"
    assert undo_panel(done).context["left"] == done.result["folders_left"]


def test_what_was_replaced_is_sealed_before_and_kept_alive(office: Office) -> None:
    snapshot = changed_mailbox(office)
    newer = next(m for m in office.live() if m["categories"] == ["Changed since"])
    office.choose(snapshot, items=[node_key(newer["id"])])
    job = office.restore(snapshot, "replace")
    kept = BeforeState.objects.get(job=job)
    assert kept.remote_id == newer["id"] and b"Changed since" in bytes(kept.props)
    live = {blob for group in live_blobs(job.account_id) for blob in group}
    assert all(blob in live for blob in blobs_of(bytes(kept.content)))
    with clock.travel(clock.now() + timedelta(days=29)):
        assert purge_before() == 0
    with clock.travel(clock.now() + timedelta(days=31)):
        assert purge_before() == 1
        with pytest.raises(Conflict, match="30 days"):
            undo_start(plan=Plan.objects.get(job=job))


def blobs_of(content: bytes) -> list[bytes]:
    from apps.vault.api import decode_content

    return [blob for part in decode_content(content) for blob in part.blobs]


def test_what_cannot_be_kept_is_not_replaced(office: Office) -> None:
    snapshot = changed_mailbox(office)
    newer = next(m for m in office.live() if m["categories"] == ["Changed since"])
    office.choose(snapshot, items=[node_key(newer["id"])])
    plan = office.plan(snapshot, "replace")
    office.cloud.add_fault("error", path=r"/\$value", count=None, status=404, code="ErrorItemNotFound")
    job = office.work(plan_start(plan=plan))
    assert job.state == "failed"
    assert "could not be kept" in JobItem.objects.get(job=job).message
    assert next(m for m in office.live() if m["id"] == newer["id"])["categories"] == ["Changed since"]


def test_an_undo_is_made_once_and_only_of_what_is_over(office: Office) -> None:
    snapshot = office.back_up()
    office.choose(snapshot, folders=[folder_key(office, "Drafts")])
    plan = office.plan(snapshot, "new_root")
    job = plan_start(plan=plan)
    with pytest.raises(Conflict):
        undo_start(plan=plan)
    office.work(job)
    undo(office, job)
    with pytest.raises(Conflict):
        undo_start(plan=plan)


def test_a_cancelled_restore_can_be_undone(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    from apps.recovery.restore import execute

    monkeypatch.setattr(execute, "BATCH", 2)
    snapshot = office.back_up()
    before = in_place(office)
    office.choose(snapshot)
    job = plan_start(plan=office.plan(snapshot, "new_root"))
    writes = execute._Restore._write

    def write_and_cancel(self: Any, *arguments: Any) -> None:
        writes(self, *arguments)
        self.context._cancelled = True
        Job.objects.filter(pk=self.context.job.pk).update(cancel_requested=True)

    monkeypatch.setattr(execute._Restore, "_write", write_and_cancel)
    job = office.work(job)
    assert job.state == "cancelled" and 0 < job.items_done < job.items_total
    assert job.result["root"]
    assert undo(office, job).state == "succeeded"
    assert in_place(office) == before


def test_a_restore_is_undone_also_after_its_backup_was_let_go(office: Office) -> None:
    snapshot = changed_mailbox(office)
    for _ in range(4):
        office.back_up()
    before = in_place(office)
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    job = office.restore(snapshot, "replace")
    assert in_place(office) != before and BeforeState.objects.filter(job=job).exists()
    Plan.objects.update(samples=[{"kind": "Mail", "name": "Secret", "fields": []}])
    short = Rule(KeepSteps(latest=3)).to_json()
    BackupTask.objects.filter(pk=office.task.pk).update(retention=short)
    for days in (1, 9):
        let_marks_be_seen(clock.now() + timedelta(days=days))
        with clock.travel(clock.now() + timedelta(days=days)):
            night()
    assert not Snapshot.objects.filter(pk=snapshot.pk).exists()
    plan = Plan.objects.get(job=job)
    assert plan.samples == [] and BeforeState.objects.filter(job=job).exists()
    done = undo(office, job)
    assert (done.state, done.items_failed) == ("succeeded", 0), done.message
    assert in_place(office) == before and undo_panel(done) is not None


def test_an_old_plan_shows_no_contents_any_more(office: Office) -> None:
    snapshot = office.back_up()
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    plan = office.plan(snapshot, "skip")
    Plan.objects.update(samples=[{"kind": "Mail", "name": "Secret", "fields": []}])
    assert purge_samples() == 0
    with clock.travel(clock.now() + timedelta(days=31)):
        assert purge_samples() == 1
    plan.refresh_from_db()
    assert plan.samples == []


def test_a_restore_into_another_mailbox_is_undone_after_the_backups_of_its_source_were_deleted(
    office: Office,
) -> None:
    snapshot = changed_mailbox(office)
    office.cloud.add_user("empty@pizza-perfecto.example")
    other = office.mailbox("empty@pizza-perfecto.example")
    before = in_place(office, other)
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    job = office.restore(snapshot, "new_root", other)
    assert job.state == "succeeded" and in_place(office, other) != before
    waiting = office.plan(snapshot, "skip", other)
    Plan.objects.filter(job=job).update(samples=[{"name": "Order 1"}])
    delete_backups(office.bob)
    plan = Plan.objects.get(job=job)
    assert (plan.source, plan.run, plan.samples) == (None, None, []), "nothing of its contents is kept"
    assert not Plan.objects.filter(pk=waiting.pk).exists(), "what was not started has nothing to restore"
    with pytest.raises(NotFound):
        plan_for(plan.public_id)
    with acting_as(replace(current_actor(), permissions=frozenset({Permission.RESTORE}))):
        assert not Plan.objects.filter(pk=plan.pk).exists(), "whose limit the source was nobody knows any more"
    owner = Membership.objects.get(account_id=job.account_id, is_owner=True)
    with acting_as(actor_of(owner)):
        panel = restore_panel(job)
        assert panel is not None and panel.context["may_undo"]
        done = office.work(undo_start(plan=plan))
    assert (done.state, done.items_failed, done.message) == ("succeeded", 0, "")
    assert (done.entity_label, done.entity_id) == (job.entity_label, job.entity_id)
    assert in_place(office, other) == before


def test_what_a_restore_replaced_in_a_mailbox_goes_with_the_backups_of_the_mailbox(office: Office) -> None:
    snapshot = changed_mailbox(office)
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    job = office.restore(snapshot, "replace")
    assert BeforeState.objects.filter(job=job).exists()
    delete_backups(office.bob)
    assert not BeforeState.objects.exists()
    assert not any(blob for group in live_blobs(job.account_id) for blob in group), "nothing keeps its bytes"


def delete_backups(entity: Entity) -> None:
    """As the hourly task does when the grace of an order is over."""
    now = clock.now()
    deletion = Deletion.objects.create(
        account_id=entity.account_id, task=entity.task, count=1, state=DeletionState.DESTROYING, ends_at=now,
        counted_at=now,
    )  # fmt: skip
    Entity.objects.filter(pk=entity.pk).update(state=EntityState.DELETING, deletion=deletion)
    assert go_on(deletion)
