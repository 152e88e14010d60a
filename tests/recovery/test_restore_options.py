"""What else a restore can do: keep both, mark, back up first, tell, other connections, and say what drifted."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outbox

from apps.backups import engine
from apps.backups.models import BackupTask, Entity
from apps.backups.selectors.browse import node_key
from apps.backups.selectors.points import point_of
from apps.connectors.enums import Service
from apps.connectors.microsoft import auth
from apps.connectors.microsoft.credentials import SecretCredential
from apps.connectors.services import connection_create_from_credentials
from apps.core import clock
from apps.core.errors import InvalidRequest
from apps.jobs.models import Job, JobItem
from apps.recovery.models import Plan
from apps.recovery.restore import pace
from apps.recovery.restore.pace import Pace, forecast
from apps.recovery.restore.plan import RestoreOptions, plan_create, plan_make, plan_start
from apps.recovery.restore.target import open_target
from tests.recovery.conftest import Office
from tests.recovery.test_restore import delete, folder_key


def plan_with(office: Office, snapshot: Any, mode: str, **options: Any) -> Plan:
    point = point_of(snapshot.run)
    plan = plan_create(point=point, target=office.bob, mode=mode, options=RestoreOptions(**options))
    plan = plan_make(plan=plan)
    assert plan.state == "ready", plan.message
    return plan


def test_both_are_kept_and_what_was_missing_comes_back_under_its_own_name(office: Office) -> None:
    snapshot = office.back_up()
    here, gone = [m for m in office.live() if m["folder"] == "Inbox"][:2]
    delete(office, [gone["id"]])
    office.choose(snapshot, items=[node_key(here["id"]), node_key(gone["id"])])
    plan = plan_with(office, snapshot, "duplicate")
    assert (plan.total("create"), plan.total("duplicate")) == (1, 1)
    before = {m["id"] for m in office.live()}
    job = office.work(plan_start(plan=plan))
    assert (job.state, job.result["drift"]) == ("succeeded", []), job.message
    written = {m["subject"] for m in office.live() if m["id"] not in before}
    assert written == {gone["subject"], f"{here['subject']} {plan.stamp}"}
    assert re.fullmatch(r"\d{14}", plan.stamp)


def test_restored_items_are_marked_and_who_owns_the_mailbox_is_told(office: Office) -> None:
    snapshot = office.back_up()
    one = next(m for m in office.live() if m["folder"] == "Inbox")
    office.cloud.add_user("empty@pizza-perfecto.example")
    office.choose(snapshot, items=[node_key(one["id"])])
    target = office.mailbox("empty@pizza-perfecto.example")
    options = RestoreOptions(tag=True, notify=True)
    plan = plan_make(
        plan=plan_create(point=point_of(snapshot.run), target=target, mode="new_root", options=options)
    )
    job = office.work(plan_start(plan=plan))
    assert job.state == "succeeded", job.message
    (back,) = [m for m in office.live(target) if m["subject"] == one["subject"]]
    assert plan.mark in back["categories"] and back["folder"] == f"{plan.mark}/Inbox"
    told = [sent for sent in outbox.outbox if sent.to == [target.address]]
    assert [sent.subject for sent in told] == ["Your mailbox is being restored"]


def test_a_new_folder_gets_the_mark_and_the_next_restore_finds_it_again(office: Office) -> None:
    with open_target(office.bob) as live:
        live.do(live.items("mail").ensure_folder(None, "Shop"))
    snapshot = office.back_up()
    office.cloud.add_user("empty@pizza-perfecto.example")
    target = office.mailbox("empty@pizza-perfecto.example")
    office.choose(snapshot, folders=[folder_key(office, "Shop")])
    for _ in range(2):
        plan = plan_create(
            point=point_of(snapshot.run), target=target, mode="skip", options=RestoreOptions(mark_folders=True)
        )
        job = office.work(plan_start(plan=plan_make(plan=plan)))
        assert job.state == "succeeded", job.message
    paths = [folder["path"] for folder in office.cloud.export(target.remote_id)["folders"]]
    assert [path for path in paths if "Shop" in path] == [f"Shop ({plan.mark})"]


def test_a_restore_waits_for_the_backup_it_was_asked_for(office: Office) -> None:
    snapshot = office.back_up()
    office.choose(snapshot, folders=[folder_key(office, "Drafts")])
    plan = plan_with(office, snapshot, "new_root", backup_first=True)
    before = office.cloud.mailbox_hash(office.bob.remote_id)
    with clock.travel(clock.now() + timedelta(minutes=10)):
        job = office.work(plan_start(plan=plan))
        assert (job.state, job.lease_owner) == ("running", "") and "is backed up first" in job.message
        assert office.cloud.mailbox_hash(office.bob.remote_id) == before
        assert engine.run_backup(account_id=office.bob.account_id, entity_id=office.bob.pk) == "success"
    with clock.travel(clock.now() + timedelta(minutes=11)):
        assert office.work(job).state == "succeeded", job.message


def test_a_mailbox_that_is_not_backed_up_cannot_be_backed_up_first(office: Office) -> None:
    snapshot = office.back_up()
    office.choose(snapshot, folders=[folder_key(office, "Drafts")])
    plan = plan_with(office, snapshot, "new_root", backup_first=True)
    Entity.objects.filter(pk=office.bob.pk).update(state="paused")
    job = office.work(plan_start(plan=plan))
    assert job.state == "failed" and "Nothing was restored" in job.message


def test_what_changed_between_plan_and_restore_is_told_as_drift(office: Office) -> None:
    snapshot = office.back_up()
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    plan = plan_with(office, snapshot, "skip")
    assert plan.total("create") == 0
    delete(office, [m["id"] for m in office.live() if m["folder"] == "Inbox"][:2])
    job = office.work(plan_start(plan=plan))
    planned = plan.total("skip")
    assert job.result["drift"] == [
        "0 planned to be restored, 2 were.",
        f"{planned} planned to be skipped, {planned - 2} were.",
    ]
    assert "Other than planned" in outbox.outbox[-1].body


def test_it_writes_through_the_connection_of_the_target_and_misses_consent_in_time(office: Office) -> None:
    snapshot = office.back_up()
    office.cloud.add_user("gina@pizza-perfecto.example")
    reader = office.cloud.read_only
    connection = connection_create_from_credentials(
        tenant_id=office.cloud.tenant_id, client_id=reader.client_id, credential=SecretCredential(reader.secret)
    )
    task = BackupTask.objects.create(
        account_id=office.bob.account_id, connection=connection, service=Service.EXCHANGE, name="Other"
    )
    gina = office.mailbox("gina@pizza-perfecto.example")
    Entity.objects.filter(pk=gina.pk).update(task=task)
    gina = Entity.objects.get(pk=gina.pk)
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    plan = office.plan(snapshot, "new_root", gina)
    assert plan.missing == ["Mail.ReadWrite"]
    with pytest.raises(InvalidRequest):
        plan_start(plan=plan)
    office.cloud.grant_consent(reader.client_id, ["Mail.ReadWrite", *reader.roles])
    Plan.objects.filter(pk=plan.pk).update(state="making", missing=[])  # as the page does
    plan = plan_make(plan=Plan.objects.get(pk=plan.pk))
    assert plan.missing == []
    auth._kept.clear()
    assert office.work(plan_start(plan=plan)).state == "succeeded"


def test_two_plans_of_one_day_never_share_a_new_folder(office: Office) -> None:
    snapshot = office.back_up()
    office.choose(snapshot, folders=[folder_key(office, "Drafts")])
    first, second = (office.plan(snapshot, "new_root") for _ in range(2))
    assert first.root_name == second.root_name
    roots = [office.work(plan_start(plan=plan)).result["root"] for plan in (first, second)]
    assert roots == [first.root_name, f"{first.root_name} (2)"]


def test_the_upload_quota_is_kept_and_forecast(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "WINDOW_BYTES", 1)
    monkeypatch.setattr("apps.recovery.restore.execute.SLICE_ITEMS", 1)
    snapshot = office.back_up()
    office.choose(snapshot, folders=[folder_key(office, "Inbox")])
    job = office.work(plan_start(plan=plan_with(office, snapshot, "new_root")))
    assert "150 MB" in job.message and job.items_done == 1
    at = clock.now()
    for _ in range(job.items_total):
        at += timedelta(minutes=10)
        with clock.travel(at):
            job = office.work(Job.objects.get(pk=job.pk))
    assert job.state == "succeeded", job.message
    assert JobItem.objects.filter(job=job, outcome="done").count() == job.items_total


def test_a_forecast_knows_items_and_bytes() -> None:
    assert forecast(10, 1_000) == "Less than a minute"
    assert forecast(3_000, 0) == "About 10 minutes"
    assert forecast(10, 45_000_000_000) == "About 33 hours"
    now = [0.0]
    steady = Pace(now=lambda: now[0])
    assert steady.wait(10**9) is None, "one that is larger than the window goes alone"
    steady.note(10**9)
    assert steady.wait(1) == timedelta(minutes=5)
    now[0] = 301.0
    assert steady.wait(1) is None
