"""A restore or an export again: what it did not get done, or all of it; nothing twice, nothing unasked."""

from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from django.core import mail as outbox

from apps.backups.models import Entity, Snapshot
from apps.backups.selectors.points import point_of
from apps.core.errors import Conflict
from apps.jobs.models import Job, JobItem
from apps.jobs.registry import repeat
from apps.recovery.exports.start import export_start
from apps.recovery.models import Plan, PlanPart
from apps.recovery.repeating import repeat_export
from apps.recovery.restore import execute
from apps.recovery.restore.plan import plan_make, plan_start
from tests.recovery.conftest import Office
from tests.recovery.test_export import listed, messages_in
from tests.recovery.test_restore import folder_key


def planned(job: Job, *, failed_only: bool) -> Plan:
    """Ask for it again and have the plan made, as the page does."""
    with patch("celery.app.task.Task.apply_async"):
        address = repeat(job, failed_only=failed_only)
    plan = Plan.objects.get(public_id=UUID(address.strip("/").split("/")[-1]))
    return plan_make(plan=plan)


def empty(office: Office) -> Entity:
    office.cloud.add_user("empty@pizza-perfecto.example")
    return office.mailbox("empty@pizza-perfecto.example")


def subjects(office: Office, entity: Entity) -> list[str]:
    return sorted(mail["subject"] for mail in office.live(entity))


def broken(office: Office, snapshot: Snapshot, target: Entity) -> Job:
    """A restore of which two messages were refused."""
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    for nth in (2, 4):
        office.cloud.add_fault(
            "error", path=r"/messages$", method="POST", nth=nth, status=400, code="ErrorInvalidRecipients"
        )
    job = office.restore(snapshot, "skip", target)
    assert (job.state, job.items_failed) == ("partial", 2), job.message
    return job


def test_a_retry_restores_what_failed_and_nothing_else(office: Office) -> None:
    snapshot, target = office.back_up(), empty(office)
    job = broken(office, snapshot, target)
    plan = planned(job, failed_only=True)
    assert (plan.state, plan.total("create"), plan.total("skip")) == ("ready", 2, 0), plan.message
    assert len(subjects(office, target)) == job.items_total - 2, "a plan writes nothing"
    retry = office.work(plan_start(plan=plan))
    assert (retry.state, retry.items_total, retry.items_done) == ("succeeded", 2, 2), retry.message
    assert (retry.repeats_id, retry.failed_only, retry.result["drift"]) == (job.pk, True, [])
    failed = JobItem.objects.filter(job=job, outcome="failed").values_list("label", flat=True)
    assert sorted(retry.items.values_list("label", flat=True)) == sorted(failed)
    inbox = sorted(mail["subject"] for mail in office.live() if mail["folder"] == "Inbox")
    assert subjects(office, target) == inbox
    with pytest.raises(Conflict, match="taken these items up"):
        plan_start(plan=planned(job, failed_only=True))


def test_what_was_written_but_not_verified_is_looked_at_again_and_not_doubled(
    office: Office, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.MICROSOFT_TRIES = 2
    monkeypatch.setattr(execute, "SLICE_ITEMS", 1)
    snapshot, target = office.back_up(), empty(office)
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    office.cloud.add_fault(
        "error", path="receivedDateTime%2CisDraft|receivedDateTime,isDraft", count=2, status=503
    )
    job = office.restore(snapshot, "skip", target)
    assert job.items_failed == 1
    written = subjects(office, target)
    assert len(written) == job.items_total
    retry = office.work(plan_start(plan=planned(job, failed_only=True)))
    item = retry.items.get()
    assert (item.outcome, item.message) == ("done", ""), "not skipped: it is known to be whole now"
    assert subjects(office, target) == written


def test_a_restore_that_broke_off_goes_on_where_it_ended(office: Office) -> None:
    snapshot, target = office.back_up(), empty(office)
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    office.cloud.add_fault(
        "error", method="POST", path=r"/messages$", count=None, nth=3, status=403, code="ErrorAccessDenied"
    )
    job = office.restore(snapshot, "skip", target)
    assert job.items_not_done and not job.is_open
    office.cloud.clear_faults()
    retry = office.work(plan_start(plan=planned(job, failed_only=True)))
    assert (retry.state, retry.items_total) == ("succeeded", job.items_not_done), retry.message
    assert len(subjects(office, target)) == job.items_total


def test_the_whole_choice_again_is_a_plan_of_its_own(office: Office) -> None:
    snapshot, target = office.back_up(), empty(office)
    job = broken(office, snapshot, target)
    first = Plan.objects.get(job=job)
    Plan.objects.filter(pk=first.pk).update(options=first.options | {"notify": "sent"})
    plan = planned(job, failed_only=False)
    assert (plan.mode, plan.target_id, plan.total("create")) == ("skip", target.pk, 2)
    assert plan.total("skip") == job.items_total - 2
    again = office.work(plan_start(plan=plan))
    assert (again.items_total, again.items_done, again.repeats_id) == (job.items_total, 2, job.pk)
    assert not again.failed_only
    told = [sent.subject for sent in outbox.outbox if sent.to == [target.address]]
    assert told == ["Your mailbox is being restored"], "who was told of the first run is told of this one"


def test_nothing_is_repeated_out_of_a_backup_that_is_gone(office: Office) -> None:
    snapshot, target = office.back_up(), empty(office)
    job = broken(office, snapshot, target)
    PlanPart.objects.filter(plan__job=job).delete()
    with pytest.raises(Conflict, match="no longer kept"):
        planned(job, failed_only=True)


def test_an_export_again_holds_what_failed_or_all_of_it(office: Office) -> None:
    snapshot = office.back_up()
    office.choose(snapshot)
    job = export_start(point=point_of(snapshot.run))
    lost = JobItem.objects.filter(job=job).earliest("pk")
    version = lost.node_version_id
    JobItem.objects.filter(pk=lost.pk).update(node_version_id=999_999)
    job = office.work(job)
    assert job.items_failed == 1
    JobItem.objects.filter(pk=lost.pk).update(node_version_id=version)  # as if the store were back

    address = repeat_export(job, True)
    assert repeat_export(job, True) == address, "a second click starts no second one"
    retry = office.work(Job.objects.get(repeats=job))
    assert (retry.state, retry.items_total, retry.failed_only) == ("succeeded", 1, True), retry.message
    assert [row["Outcome"] for row in listed(retry)] == ["Exported"]
    with pytest.raises(Conflict):
        repeat_export(job, True)

    repeat_export(job, False)
    whole = office.work(Job.objects.get(repeats=job, failed_only=False))
    assert whole.items_total == job.items_total
    assert messages_in(whole) == messages_in(job) + messages_in(retry)
    Snapshot.objects.filter(pk=snapshot.pk).update(public_id=UUID(int=1))
    with pytest.raises(Conflict, match="no longer kept"):
        repeat_export(whole, False)
