"""What people do to mailboxes from the pages: each act, its right, its line in the activity."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.activity.models import Activity
from apps.backups.enums import EntityState, Trigger, Verdict
from apps.backups.models import BackupTask, Entity
from apps.backups.tasks import tick
from apps.core import clock
from apps.core.scope import account_scope
from tests.cast import Cast

from .makers import make_connection, make_mailbox, make_protected, make_task


@pytest.fixture
def olivia(client: Client, cast: Cast) -> Client:
    client.force_login(cast.owner)
    return client


@pytest.fixture
def nudged(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    sent: list[Any] = []
    monkeypatch.setattr(tick, "after_commit", lambda **kwargs: sent.append(kwargs))
    return sent


ALL = {"action": "activate", "all_matching": "1"}
SURE = {"sure": "yes", "counted": "60"}


def act(client: Client, task: BackupTask, query: str = "", **data: Any) -> str:
    """Press a button of the list; returns what the page then says."""
    answer = client.post(f"{reverse('task_act', args=[task.public_id])}{query}", data, follow=True)
    assert answer.status_code == 200
    return " ".join(str(message) for message in answer.context["messages"])


def test_activating_schedules_the_first_backup_at_the_tasks_hour(olivia: Client, task: BackupTask) -> None:
    agata = make_mailbox(task, "Agata Brown")
    said = act(olivia, task, action="activate", entity=[agata.public_id])
    agata.refresh_from_db()
    assert said.startswith("1 mailbox activated. The next backup starts on ") and "02:00 UTC" in said
    assert agata.state == EntityState.ACTIVE and agata.next_run_at is not None
    assert (agata.next_run_at.hour, agata.next_run_at > clock.now()) == (2, True)
    row = Activity.objects.get(code="entity.activated")
    assert (row.item_label, row.task_label, row.actor_label) == ("Agata Brown", "Mail", "Olivia Romano")


def test_activating_leaves_archived_mailboxes_as_they_are(olivia: Client, task: BackupTask) -> None:
    linda = make_mailbox(task, "Linda Fuller", state=EntityState.ARCHIVED)
    said = act(olivia, task, action="activate", entity=[linda.public_id])
    linda.refresh_from_db()
    assert linda.state == EntityState.ARCHIVED and said.startswith("Nothing to activate")
    assert not Activity.objects.filter(code="entity.activated").exists()


def test_what_another_task_backs_up_is_said_and_asked_before_it_is_activated(
    olivia: Client, task: BackupTask, cast: Cast
) -> None:
    """Also when it is out of sight, and on the page of the one mailbox; never for what another tenant has."""
    agata, bruno = make_mailbox(task, "Agata Brown"), make_mailbox(task, "Bruno Costa")
    other = make_task(task.connection, name="Managers")
    make_protected(other, "Agata Brown", limited=True)
    abroad = make_task(make_connection(cast.account, tenant_id="tenant-2"), name="Abroad")
    make_protected(abroad, "Bruno Costa")
    client, address = olivia, reverse("task_act", args=[task.public_id])
    shown = client.get(reverse("task", args=[task.public_id])).content.decode()
    assert shown.count("Backed up in another task") == shown.count("In another task") == 1

    asked = client.post(address, {"action": "activate", "entity": [agata.public_id, bruno.public_id]})
    assert "1 mailbox of these is backed up in another task already" in asked.content.decode()
    one = client.post(address, {"one": f"activate:{agata.public_id}", "back": "entity"}).content.decode()
    assert "Activate: 1 mailbox?" in one and "Managers" not in one
    agata.refresh_from_db()
    assert agata.state == EntityState.NOT_ACTIVE, "only asked"
    assert act(olivia, task, action="activate", entity=[bruno.public_id]).startswith("1 mailbox activated")
    assert act(olivia, task, one=f"activate:{agata.public_id}", sure="yes").startswith("1 mailbox activated")


def test_back_up_now_puts_a_mailbox_at_the_head_of_the_queue(
    olivia: Client, task: BackupTask, nudged: list[Any]
) -> None:
    agata = make_protected(task, "Agata Brown", next_run_at=clock.now() + timedelta(hours=9))
    said = act(olivia, task, one=f"backup_now:{agata.public_id}")
    agata.refresh_from_db()
    assert said.startswith("1 mailbox: backup starts within a minute")
    assert agata.next_run_at is not None and agata.next_run_at <= clock.now()
    assert agata.run_trigger == Trigger.PERSON and len(nudged) == 1


def test_back_up_now_does_not_start_what_nobody_activated(
    olivia: Client, task: BackupTask, nudged: list[Any]
) -> None:
    info = make_mailbox(task, "Info")
    said = act(olivia, task, one=f"backup_now:{info.public_id}")
    info.refresh_from_db()
    assert said.startswith("Nothing to back up") and info.next_run_at is None and nudged == []


def test_pausing_takes_a_mailbox_out_of_the_queue_and_resuming_puts_it_back(
    olivia: Client, task: BackupTask
) -> None:
    mila = make_protected(task, "Mila Scott", next_run_at=clock.now() + timedelta(hours=9))
    act(olivia, task, one=f"pause:{mila.public_id}")
    mila.refresh_from_db()
    assert (mila.state, mila.next_run_at, mila.size) == (EntityState.PAUSED, None, 1000)
    act(olivia, task, one=f"resume:{mila.public_id}")
    mila.refresh_from_db()
    assert mila.state == EntityState.ACTIVE and mila.next_run_at is not None
    assert list(Activity.objects.order_by("id").values_list("code", flat=True)) == [
        "entity.paused",
        "entity.resumed",
    ]


def test_cancelling_asks_the_run_in_progress_to_stop(olivia: Client, task: BackupTask) -> None:
    ida = make_protected(
        task, "Ida Taylor", lease_owner="worker:1", lease_until=clock.now() + timedelta(minutes=1)
    )
    said = act(olivia, task, one=f"cancel:{ida.public_id}")
    ida.refresh_from_db()
    assert ida.cancel_requested and said.startswith("1 mailbox: the backup in progress stops")


def test_cancelling_what_does_not_run_says_so(olivia: Client, task: BackupTask) -> None:
    agata = make_protected(task, "Agata Brown")
    assert act(olivia, task, one=f"cancel:{agata.public_id}").startswith("Nothing to cancel")


def test_all_that_match_the_filter_are_activated_and_no_others(olivia: Client, task: BackupTask) -> None:
    for number in range(60):
        make_mailbox(task, f"Driver {number:02}")
    make_mailbox(task, "Agata Brown")
    query = "?q=driver&status=not_active&licence=licensed"
    asked = olivia.post(f"{reverse('task_act', args=[task.public_id])}{query}", ALL)
    assert "Activate: 60 mailboxes?" in asked.text and not Entity.objects.exclude(state="not_active").exists()
    make_mailbox(task, "Driver 60")
    assert "61 mailboxes" in olivia.post(f"{asked.request['PATH_INFO']}{query}", {**ALL, **SURE}).text
    few = f"{query}&q=driver+1"
    assert "Activate: 10 mailboxes?" in olivia.post(f"{asked.request['PATH_INFO']}{few}", {**ALL, **SURE}).text
    Entity.objects.filter(name="Driver 60").delete()
    said = act(olivia, task, query, **ALL, **SURE)
    assert said.startswith("60 mailboxes activated")
    assert Entity.objects.filter(state=EntityState.NOT_ACTIVE).get().name == "Agata Brown"
    assert Activity.objects.get(code="entity.activated").item_label == "60 mailboxes"


def test_ids_of_another_task_or_account_are_not_touched(olivia: Client, task: BackupTask, cast: Cast) -> None:
    with account_scope(cast.other_account.pk):
        foreign = make_mailbox(make_task(make_connection(cast.other_account)), "Sam")
    elsewhere = make_mailbox(make_task(task.connection, name="Other"), "Olga")
    said = act(olivia, task, action="activate", entity=[foreign.public_id, elsewhere.public_id, "no-id"])
    assert said.startswith("Nothing to activate")
    with account_scope(cast.other_account.pk):
        foreign.refresh_from_db()
    elsewhere.refresh_from_db()
    assert {foreign.state, elsewhere.state} == {EntityState.NOT_ACTIVE}


def test_an_unknown_action_is_refused(olivia: Client, task: BackupTask) -> None:
    answer = olivia.post(reverse("task_act", args=[task.public_id]), {"action": "erase"})
    assert answer.status_code == 400


@pytest.mark.parametrize("action", ["activate", "backup_now", "pause", "resume", "cancel"])
def test_an_auditor_sees_but_may_do_nothing(client: Client, cast: Cast, task: BackupTask, action: str) -> None:
    client.force_login(cast.viewer)
    agata = make_protected(task, "Agata Brown", Verdict.SUCCESS)
    page = client.get(reverse("task", args=[task.public_id]))
    assert page.status_code == 200 and f'value="{action}"' not in page.text
    answer = client.post(
        reverse("task_act", args=[task.public_id]), {"action": action, "entity": [agata.public_id]}
    )
    assert answer.status_code == 403 and not Activity.objects.exists()


def test_a_mailboxs_own_page_does_the_same(olivia: Client, task: BackupTask) -> None:
    agata = make_mailbox(task, "Agata Brown")
    answer = olivia.post(reverse("entity_act", args=[agata.public_id]), {"action": "activate"})
    agata.refresh_from_db()
    assert answer.status_code == 302 and agata.state == EntityState.ACTIVE


def test_after_an_act_the_reader_is_back_on_the_same_filter(olivia: Client, task: BackupTask) -> None:
    agata = make_mailbox(task, "Agata Brown")
    answer = olivia.post(
        f"{reverse('task_act', args=[task.public_id])}?q=agata&status=not_active",
        {"action": "activate", "entity": [agata.public_id]},
    )
    assert answer.headers["Location"].endswith(f"/tasks/{task.public_id}/?q=agata&status=not_active")
