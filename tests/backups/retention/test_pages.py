"""The retention pages: nothing is saved that was not previewed; a shorter rule takes a proof, or two people."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Account, Approval
from apps.activity.models import Activity
from apps.backups.models import AccountRetention, BackupTask, Entity, Snapshot
from apps.backups.retention.inforce import of_entity
from apps.backups.retention.night import night
from apps.backups.retention.rules import KeepAll, KeepFor, Rule, Unit
from apps.core import clock
from apps.core.scope import account_scope
from apps.recovery.enums import PlanState, RestoreMode
from apps.recovery.models import Plan, PlanPart
from apps.recovery.parting import GONE, in_use, parting
from tests.backups.makers import make_protected, make_run, make_snapshot
from tests.cast import Cast, member, prove_again

pytestmark = pytest.mark.django_db

WEEK = {"kind": "age", "count": "7", "unit": "days"}


def nightly(task: BackupTask, name: str, days: int) -> None:
    """Give the task a mailbox with a backup of each of the last days."""
    entity, now = make_protected(task, name), clock.now()
    for day in range(days):
        at = now - timedelta(days=days - day)
        run = make_run(entity, verdict="success", started_at=at, finished_at=at)
        make_snapshot(run, day + 1, taken_at=at, items=10, size=1_000)


def test_a_rule_is_previewed_proved_and_saved_and_a_longer_one_needs_neither_proof_nor_wait(
    client: Client, cast: Cast, task: BackupTask
) -> None:
    nightly(task, "Agata Brown", 12)
    client.force_login(cast.owner)
    page = reverse("task_retention", args=[task.public_id])
    assert "As the account: Keep every backup" in client.get(page).content.decode()
    answer = client.post(page, {**WEEK, "previewed": "null"})
    said = answer.content.decode()
    assert "Keep backups for 7 days. 4 of 12 backups would be marked in the next night" in said
    assert "Agata Brown" in said and "7: The rule keeps it. 1: It is the newest." in said
    task.refresh_from_db()
    assert task.retention is None, "a rule that was not seen is not saved"
    form = {**WEEK, "previewed": answer.context["stamp"]}
    assert client.post(page, {**form, "count": "6"}).context["stamp"] != form["previewed"]
    assert client.post(page, form)["Location"].startswith(reverse("sudo"))
    prove_again(client)
    assert client.post(page, form)["Location"] == page
    task.refresh_from_db()
    assert task.retention == Rule(KeepFor(7, Unit.DAYS)).to_json()
    assert night().marked == 4
    shown = client.get(page).content.decode()
    assert "Keep backups for 7 days.</b> The task&#x27;s own rule" in shown
    assert "4 backups of 1 go from" in shown
    cache.clear()
    longer = {**WEEK, "count": "30"}
    stamp = client.post(page, longer).context["stamp"]
    assert client.post(page, {**longer, "previewed": stamp})["Location"] == page
    night()
    assert not Snapshot.objects.exclude(goes_at=None).exists()
    assert Activity.objects.filter(code="retention.changed").count() == 2


def test_where_two_people_decide_a_shorter_rule_waits_and_holds_once_it_is_approved(
    client: Client, cast: Cast, task: BackupTask, django_capture_on_commit_callbacks: Any
) -> None:
    long_ago = clock.now() - timedelta(days=30)
    second = member(cast.account, "anna@x.example", "administrator", name="Anna", standing_since=long_ago)
    Account.objects.filter(pk=cast.account.pk).update(two_person=True)
    nightly(task, "Agata Brown", 12)
    client.force_login(cast.owner)
    prove_again(client)
    page = reverse("retention")
    stamp = client.post(page, WEEK).context["stamp"]
    client.post(page, {**WEEK, "previewed": stamp})
    assert not AccountRetention.objects.exists()
    assert night().marked == 0
    proposal = Approval.objects.get()
    assert "For the account: Keep backups for 7 days. Until now: Keep every backup." in proposal.words
    Approval.objects.update(opens_at=clock.now())
    client.force_login(second)
    prove_again(client)
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        said = {"do": "approve", "read": proposal.words}
        client.post(reverse("approval_settle", args=[proposal.public_id]), said)
    told = [sent.to[0] for sent in mail.outbox if sent.subject.startswith("Less is protected")]
    assert set(told) == {cast.owner.email, second.email}
    with account_scope(cast.account.pk):
        assert of_entity(task.entities.get()).rule.keep == KeepFor(7, Unit.DAYS)
        assert night().marked == 4
        BackupTask.objects.update(retention=Rule(KeepAll()).to_json())
        assert of_entity(Entity.objects.get()).why == "The task's own rule"


def test_a_plan_that_waits_ends_in_words_when_its_backup_goes(cast: Cast, task: BackupTask) -> None:
    nightly(task, "Agata Brown", 12)
    entity, first = task.entities.get(), Snapshot.objects.get(number=1)
    BackupTask.objects.update(retention=Rule(KeepFor(7, Unit.DAYS)).to_json())
    plan = Plan.objects.create(
        account=cast.account, user_id=cast.owner.pk, run=first.run, source=entity, target=entity,
        mode=RestoreMode.SKIP, state=PlanState.READY, created_at=clock.now(),
    )  # fmt: skip
    PlanPart.objects.create(account=cast.account, user_id=cast.owner.pk, plan=plan, snapshot=first)
    night()
    Snapshot.objects.exclude(goes_at=None).update(goes_at=clock.now())
    assert in_use([first.pk]) == {first.pk}, "it may be confirmed any moment"
    Plan.objects.update(created_at=clock.now() - timedelta(days=2))
    assert in_use([first.pk]) == set()
    parting([first.pk])
    plan.refresh_from_db()
    assert (plan.state, plan.message) == (PlanState.FAILED, GONE)
