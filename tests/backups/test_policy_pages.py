"""Policies on their pages: made, given to tasks and tags, and approved by a second person where two decide."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Role
from apps.accounts.models import Account, Approval, Membership
from apps.activity.models import Activity
from apps.backups.models import BackupTask, Entity, EntityTag, Policy, PolicyTag, Tag
from apps.backups.ruling import groups_of, rules_of
from apps.backups.services.policies import could_shorten, policy_assign, policy_save, words_of
from apps.backups.services.tags import tag_apply
from apps.core import clock
from tests.cast import Cast, member, prove_again

from .makers import make_mailbox, make_protected

pytestmark = pytest.mark.django_db
TEN = {"rules": [{"every": "daily", "at": "10:00", "zone": "UTC"}]}


@pytest.fixture
def olivia(client: Client, cast: Cast) -> Client:
    client.force_login(cast.owner)
    return client


def typed(**values: Any) -> dict[str, Any]:
    row = {"rule-0-every": "daily", "rule-0-at": "10:00", "rule-0-zone": "UTC", "rules": "1"}
    return {"name": "Chefs", "rank": "5", "says_schedule": "on", "keep-kind": "inherit", **row, **values}


def policy_of(task: BackupTask, name: str, **parts: Any) -> Policy:
    return Policy.objects.create(account_id=task.account_id, name=name, **parts)


def tagged(task: BackupTask, policy: Policy, rank: int, *entities: Any) -> Tag:
    tag = Tag.objects.create(account_id=task.account_id, name=f"Tag of {policy}")
    PolicyTag.objects.create(account_id=task.account_id, policy=policy, tag=tag, rank=rank)
    for entity in entities:
        EntityTag.objects.create(account_id=task.account_id, entity=entity, tag=tag)
    return tag


def test_a_policy_is_made_and_moves_what_its_tags_name(olivia: Client, task: BackupTask) -> None:
    agata = make_protected(task, "Agata", next_run_at=clock.now() + timedelta(hours=20))
    bob = make_protected(task, "Bob", next_run_at=clock.now() + timedelta(hours=20))
    tag = Tag.objects.create(account_id=task.account_id, name="Kitchen")
    EntityTag.objects.create(account_id=task.account_id, entity=agata, tag=tag)
    answer = olivia.post(reverse("policy_new"), typed(tags=[str(tag.public_id)]))
    assert answer.status_code == 302
    agata.refresh_from_db()
    bob.refresh_from_db()
    assert agata.next_run_at is not None and bob.next_run_at is not None
    assert (agata.next_run_at.hour, bob.next_run_at.hour) == (10, 2)
    assert rules_of(agata)["schedule"].why == "Policy “Chefs”, by the tag “Kitchen”"
    said = Activity.objects.get(code="backup_policy.created").details["changes"]
    assert said["schedule"][1] == "Daily at 10:00 UTC"


def test_who_gets_the_tag_of_a_policy_goes_by_its_hour_at_once(task: BackupTask) -> None:
    agata = make_protected(task, "Agata", next_run_at=clock.now() + timedelta(hours=20))
    tag = tagged(task, policy_of(task, "Chefs", schedule=TEN), 1)
    tag_apply(task=task, entities=Entity.objects.filter(pk=agata.pk), tag=tag)
    agata.refresh_from_db()
    assert agata.next_run_at is not None and agata.next_run_at.hour == 10


def test_the_lowest_rank_decides_each_part_by_itself(task: BackupTask) -> None:
    agata, bob = make_mailbox(task, "Agata"), make_mailbox(task, "Bob")
    late = policy_of(task, "Late", schedule=TEN, exclusions={"late": 1})
    tagged(task, late, 20, agata, bob)
    tagged(task, policy_of(task, "First", exclusions={"first": 1}), 10, agata)
    task.policy = policy_of(task, "Own", schedule={}, exclusions={})
    for entity in (agata, bob):
        entity.task = task
    assert (rules_of(agata)["schedule"].policy, rules_of(agata)["exclusions"].value) == (late, {"first": 1})
    assert rules_of(bob)["exclusions"].value == {"late": 1}
    groups = {str(rule.policy): [row.name for row in rows] for rule, rows in groups_of(task, "exclusions")}
    assert groups == {"First": ["Agata"], "Late": ["Bob"], "Own": []}


def test_a_policy_that_is_given_to_a_task_says_so_on_its_pages(olivia: Client, task: BackupTask) -> None:
    policy = policy_of(task, "Chefs", schedule=TEN)
    data = {"name": task.name, "precedence": "2", "policy": str(policy.public_id)}
    assert olivia.post(reverse("task_settings", args=[task.public_id]), data).status_code == 302
    page = olivia.get(reverse("task_schedule", args=[task.public_id])).text
    assert "Policy “Chefs” says when this task runs." in page and "Daily at 10:00 UTC" in page
    assert "Chefs" in olivia.get(reverse("policies")).text


def test_what_is_left_out_is_set_in_the_settings_and_told(olivia: Client, task: BackupTask) -> None:
    data = {"name": task.name, "precedence": "2", "out-folders": "Junk*\n\nJunk*", "out-names": "*.tmp"}
    data["out-larger_than"] = "25"
    olivia.post(reverse("task_settings", args=[task.public_id]), data)
    task.refresh_from_db()
    assert task.exclusions == {"kinds": [], "folders": ["Junk*"], "names": ["*.tmp"], "larger_than": 25}
    assert Activity.objects.get(code="task.changed").details["changes"]["exclusions"] == [
        "Nothing",
        "folders like Junk*; items called *.tmp; items larger than 25 MB",
    ]
    page = olivia.post(reverse("task_settings", args=[task.public_id]), data | {"out-names": "*"}).text
    assert "would leave everything out" in page


def test_a_tag_of_a_policy_is_not_deleted(olivia: Client, task: BackupTask) -> None:
    tag = tagged(task, policy_of(task, "Chefs"), 1)
    answer = olivia.post(reverse("tag_change", args=[tag.public_id]), {"action": "delete"}, follow=True)
    assert "is used by the policy Chefs" in answer.text and Tag.objects.exists()


def test_a_second_person_approves_a_policy_that_speaks_of_retention(
    cast: Cast, task: BackupTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    Account.objects.filter(pk=cast.account.pk).update(two_person=True)
    asked: list[str] = []

    def propose(act: str, payload: dict[str, Any], label: str) -> Any:
        asked.append(act)

    monkeypatch.setattr("apps.backups.services.policies.propose", propose)
    monkeypatch.setattr("apps.backups.services.policies.require", lambda right: None)
    short = {"keep": {"kind": "age", "count": 1, "unit": "days"}, "archived_days": None}
    parts = {"schedule": None, "retention": short, "exclusions": None}
    policy_save(policy=None, name="Short", parts=parts)
    keeps = policy_of(task, "Keeps", retention=short)
    policy_save(policy=keeps, name="Keeps", parts=parts | {"retention": None})
    policy_assign(task=task, policy=keeps)
    assert asked == ["policy.change", "policy.change", "policy.assign"]
    task.refresh_from_db()
    assert task.policy is None and Policy.objects.count() == 1 and not Approval.objects.exists()


SHORT: dict[str, Any] = {"keep": {"kind": "age", "count": 1, "unit": "days"}, "archived_days": None}
ALL: dict[str, Any] = {"keep": {"kind": "all"}, "archived_days": None}


@pytest.mark.database
def test_a_tag_that_makes_us_keep_less_takes_two_people_and_one_that_keeps_more_does_not(
    olivia: Client, cast: Cast, task: BackupTask
) -> None:
    agata, bob = make_protected(task, "Agata"), make_protected(task, "Bob")
    brief = tagged(task, policy_of(task, "Brief", retention=SHORT), 10)
    long = tagged(task, policy_of(task, "Long", retention=ALL), 5)
    BackupTask.objects.filter(pk=task.pk).update(retention=SHORT | {"keep": SHORT["keep"] | {"count": 9}})
    anna = member(cast.account, "anna@pizza-perfecto.example", Role.ADMINISTRATOR, name="Anna")
    Membership.objects.filter(user=anna).update(standing_since=clock.now() - timedelta(days=30))
    Account.objects.filter(pk=cast.account.pk).update(two_person=True)

    def change(*, on: Tag | None = None, off: Tag | None = None) -> str:
        data = {"entity": [str(each.public_id) for each in (agata, bob)]}
        data |= {key: [str(tag.public_id)] for key, tag in (("on", on), ("off", off)) if tag}
        return olivia.post(reverse("task_tags", args=[task.public_id]), data)["Location"]

    assert change(on=brief).startswith(reverse("sudo")) and not EntityTag.objects.exists()
    prove_again(olivia)
    change(on=brief)
    approval = Approval.objects.get()
    assert not EntityTag.objects.exists(), "one person alone makes nothing shorter"
    assert approval.label == "Tags that keep less of 2 mailboxes of Mail"
    assert "“Tag of Brief” would be put on (policy “Brief”: Keep backups for 1 day)" in approval.words
    change(on=long)
    assert EntityTag.objects.filter(tag=long).count() == 2 and Approval.objects.count() == 1
    change(off=long)
    assert EntityTag.objects.filter(tag=long).count() == 2 and Approval.objects.count() == 2, (
        "nor by taking off"
    )
    Approval.objects.update(opens_at=clock.now())
    olivia.force_login(anna)
    prove_again(olivia)
    said = {"do": "approve", "read": approval.words}
    olivia.post(reverse("approval_settle", args=[approval.public_id]), said)
    assert EntityTag.objects.filter(tag=brief).count() == 2
    assert Activity.objects.filter(code="entity.tagged").count() == 2


def test_a_tag_is_not_taken_from_a_policy_on_retention_by_one_person(task: BackupTask) -> None:
    keeps, other = policy_of(task, "Keeps", retention=ALL), policy_of(task, "Other")
    parts = {"schedule": TEN, "retention": None, "exclusions": None}
    assert could_shorten(other, parts, [tagged(task, keeps, 1)])
    assert not could_shorten(other, parts, [tagged(task, other, 1)])


@pytest.mark.database
def test_a_tag_that_leaves_a_policy_on_retention_wants_a_second_person_and_is_told_of_both(
    olivia: Client, cast: Cast, task: BackupTask, django_capture_on_commit_callbacks: Any
) -> None:
    robin = member(cast.account, "robin@pizza-perfecto.example", Role.BACKUP_OPERATOR, name="Robin")
    keeps = policy_of(task, "Keeps", retention=ALL)
    tag = tagged(task, keeps, 1, make_protected(task, "Agata"))
    page, data = reverse("policy_new"), typed(name="Taker", tags=[str(tag.public_id)])
    Account.objects.filter(pk=cast.account.pk).update(two_person=True)
    olivia.force_login(robin)
    prove_again(olivia)
    assert olivia.post(page, data).status_code == 403
    assert PolicyTag.objects.get().policy == keeps and not Policy.objects.filter(name="Taker").exists()
    Account.objects.filter(pk=cast.account.pk).update(two_person=False)
    olivia.force_login(cast.owner)
    prove_again(olivia)
    payload = {"policy": "", "name": "Taker", "parts": {}, "tags": [str(tag.public_id)], "rank": 7}
    assert words_of(payload) == (
        "The policy “Taker” would say: schedule: says nothing; retention: says nothing; exclusions: says "
        "nothing; tags: Tag of Keeps (7); it would rule 1 mailbox. The tag “Tag of Keeps” would leave the "
        "policy “Keeps” (retention: Keep every backup). It is new."
    )
    mail.outbox.clear()
    with django_capture_on_commit_callbacks(execute=True):
        assert olivia.post(page, data).status_code == 302
    assert PolicyTag.objects.get().policy.name == "Taker"
    told = "Less is protected in Pizza Perfecto: policy Keeps"
    assert [(sent.to, sent.subject) for sent in mail.outbox] == [([cast.owner.email], told)]
    lost = Activity.objects.get(code="backup_policy.changed", item_label="Keeps")
    assert lost.details["changes"] == {"tags": ["Tag of Keeps (1)", ""]}
