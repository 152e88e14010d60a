"""A rule that deletes who leaves: with grace, by two people, a bounded share, never who is held or returns."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Role
from apps.accounts.models import Account, Approval, Membership
from apps.accounts.selectors import actor_of
from apps.activation import deleting, evaluate, services
from apps.activation.enums import Outcome
from apps.activation.models import Rule
from apps.activation.plan import plan_of
from apps.activity.models import Activity
from apps.backups.deletion import order
from apps.backups.deletion.work import look_after_deletions
from apps.backups.models import BackupTask, Deletion, Entity
from apps.backups.services.holds import hold_place
from apps.core import clock
from apps.core.actor import acting_as
from apps.core.errors import Conflict, InvalidRequest
from tests.cast import Cast, member, prove_again

from .makers import clause, follow, held, in_force, make_rule, move, states, told

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def olivia(client: Client, cast: Cast) -> Client:
    client.force_login(cast.owner)
    prove_again(client)
    return client


@pytest.fixture
def cooks(person: Any) -> list[Entity]:
    return [person(f"Cook {number:02}", "Kitchen") for number in range(12)]


@pytest.fixture
def rule(task: BackupTask, cooks: list[Entity]) -> Rule:
    """It holds twelve cooks."""
    made = in_force(task, leaving="delete")
    follow(made)
    return made


def owner_of(cast: Cast) -> Any:
    return actor_of(Membership.objects.get(account=cast.account, user=cast.owner))


def leave(*cooks: Entity) -> None:
    for cook in cooks:
        move(cook, "Office")


def test_who_leaves_is_deleted_after_the_grace_and_may_be_activated_by_the_rule_again(
    rule: Rule, cooks: list[Entity], django_capture_on_commit_callbacks: Any
) -> None:
    gone, stays = cooks[0], cooks[1]
    Entity.objects.filter(pk=cooks[2].pk).update(by_hand=True)
    leave(gone, cooks[2])
    with django_capture_on_commit_callbacks(execute=True):
        follow(rule)
    assert states(gone, stays, cooks[2]) == ["deleting", "active", "active"]
    deletion = Deletion.objects.get()
    assert deletion.ordered_by == "The activation rule Kitchen" and deletion.ends_at > clock.now() + 6 * DAY
    assert any("elet" in sent.subject for sent in mail.outbox), "all administrators are told"
    assert dict(told(rule))["Cook 00"] == "left_deleted"
    follow(rule)
    assert Deletion.objects.count() == 1, "it is ordered once"
    now = clock.now()
    for _ in range(31):
        now += timedelta(hours=6)
        with clock.travel(now):
            look_after_deletions()
    fresh = Entity.objects.get(remote_id=gone.remote_id)
    assert (fresh.pk != gone.pk, fresh.state, fresh.by_hand) == (True, "not_active", False)
    move(fresh, "Kitchen")
    follow(rule)
    assert states(fresh) == ["active"]


def test_who_returns_inside_the_grace_is_put_back_but_not_what_a_person_ordered(
    rule: Rule, cooks: list[Entity]
) -> None:
    leave(cooks[0], cooks[1])
    follow(rule)
    Deletion.objects.update(by_leaving=True)
    move(cooks[0], "Kitchen")
    follow(rule)
    assert states(*cooks[:2]) == ["active", "deleting"]
    cooks[0].refresh_from_db()
    assert cooks[0].next_run_at is not None
    assert dict(told(rule))["Cook 00"] == "put_back"
    follow(rule)
    assert held(rule)["Cook 00"] == "already", "and it is held as before"
    Deletion.objects.update(by_leaving=False)
    move(cooks[1], "Kitchen")
    follow(rule)
    assert states(cooks[1]) == ["deleting"]


def test_put_back_is_said_only_of_who_was_put_back(
    rule: Rule, cooks: list[Entity], monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(cooks[0], cooks[1], cooks[2])
    follow(rule)
    others = Deletion.objects.get()
    begun = Deletion.objects.create(
        account_id=others.account_id, task=rule.task, service=others.service, by_leaving=True,
        state="destroying", label="Begun", task_label=others.task_label, ends_at=others.ends_at,
    )  # fmt: skip
    Entity.objects.filter(pk=cooks[0].pk).update(deletion=begun)
    for cook in cooks[:2]:
        move(cook, "Kitchen")
    assert [step.outcome for step in plan_of(rule).comes if step.candidate.pk == cooks[0].pk] == ["deleting"]
    kept = order.put_back_of_rule
    monkeypatch.setattr(evaluate, "put_back_of_rule", lambda task, ids, why: kept(task, ids[1:], why))
    plan = follow(rule)
    assert states(*cooks[:2]) == ["deleting", "deleting"], "the second one's was begun as the rule looked"
    assert not plan.of(Outcome.PUT_BACK) and "put_back" not in dict(told(rule)).values()
    assert [held(rule)[cook.name] for cook in cooks[:2]] == ["deleting", "deleting"]
    assert not Activity.objects.filter(code="rule.followed", details__put_back__gt=0).exists()


def test_a_group_that_is_suddenly_empty_deletes_nobody_until_somebody_says_so(
    olivia: Client, rule: Rule, cooks: list[Entity], django_capture_on_commit_callbacks: Any
) -> None:
    leave(*cooks)
    with django_capture_on_commit_callbacks(execute=True):
        follow(rule)
    assert set(states(*cooks)) == {"active"} and rule.asks == 12
    assert any("asks before it deletes" in sent.subject for sent in mail.outbox)
    assert not Deletion.objects.exists()
    follow(rule)
    assert Activity.objects.filter(code="rule.asks").count() == 1, "the same question is no news"
    address = reverse("activation_rule", args=[rule.public_id])
    assert "Delete the backups of 12" in olivia.get(address).content.decode()
    act = reverse("activation_act", args=[rule.public_id])
    assert olivia.post(act, {"action": "allow", "counted": "12"}).status_code == 409
    rule.refresh_from_db()
    olivia.post(act, {"action": "allow", "counted": rule.asked_mark})
    rule.refresh_from_db()
    follow(rule)
    assert set(states(*cooks)) == {"deleting"} and (rule.asks, rule.allowed) == (0, [])


def test_those_are_allowed_who_were_asked_about_and_not_as_many_others(
    olivia: Client, rule: Rule, cooks: list[Entity]
) -> None:
    leave(*cooks[:6])
    Entity.objects.filter(pk=cooks[0].pk).update(limited=True)
    follow(rule)
    mark = rule.asked_mark
    words = deleting.allow_words({"rule": str(rule.public_id), "asked": mark})
    assert "Cook 01, Cook 02" in words and "and 1 more" in words
    assert "Cook 00" not in words, "proposals and their mails are read by all administrators"
    act = reverse("activation_act", args=[rule.public_id])
    olivia.post(act, {"action": "allow", "counted": mark})
    move(cooks[0], "Kitchen")
    leave(cooks[6])
    rule.refresh_from_db()
    follow(rule)
    assert set(states(*cooks)) == {"active"} and rule.asks == 6 and rule.asked_mark != mark
    assert olivia.post(act, {"action": "allow", "counted": mark}).status_code == 409
    with pytest.raises(Conflict):
        deleting.allow_approved({"rule": str(rule.public_id), "asked": mark})


def test_small_steps_are_asked_about_too_while_the_grace_of_the_others_runs(
    rule: Rule, cooks: list[Entity]
) -> None:
    leave(*cooks[:3])
    follow(rule)
    leave(*cooks[3:5])
    follow(rule)
    assert states(*cooks[:5]) == ["deleting"] * 5
    leave(cooks[5])
    follow(rule)
    assert states(cooks[5]) == ["active"] and rule.asks == 1


def test_all_who_are_backed_up_are_asked_about_however_few_they_are(
    task: BackupTask, cooks: list[Entity], person: Any
) -> None:
    """A group that is emptied, or answered empty by a fault, looks like this whatever its size."""
    few, gone = in_force(task, clause("department", "Bakery"), leaving="delete"), person("Abe", "Bakery")
    for cook in cooks[:5]:
        move(cook, "Bakery")
    follow(few)
    Entity.objects.filter(pk=gone.pk).update(state="archived")
    leave(*cooks[:5])
    follow(few)
    assert set(states(*cooks[:5])) == {"active"} and few.asks == 5, "who is archived has not stayed"
    move(cooks[0], "Bakery")
    follow(few)
    assert states(*cooks[:5]) == ["active", *["deleting"] * 4] and few.asks == 0
    leave(cooks[0])
    follow(few)
    assert states(cooks[0]) == ["active"] and few.asks == 1, "nor does the last one go without a word"


def test_a_hold_keeps_who_leaves(rule: Rule, cooks: list[Entity], cast: Cast) -> None:
    with acting_as(owner_of(cast)):
        hold_place(name="Case 1", reason="", entities=[cooks[0]], tag=None)
    leave(cooks[0], cooks[1])
    follow(rule)
    assert states(*cooks[:2]) == ["active", "deleting"]
    assert dict(told(rule))["Cook 00"] == "left_on_hold"


def test_the_dry_run_says_whom_it_would_delete(olivia: Client, rule: Rule, cooks: list[Entity]) -> None:
    draft = make_rule(
        rule.task, clause("department", "Office"), mode="daily", leaving="delete", replaces=rule, name="Office"
    )
    page = olivia.get(reverse("activation_rule", args=[draft.public_id])).content.decode()
    assert page.count("No longer fits: deletion ordered, with seven days of grace") >= 12
    assert "Who leaves loses their backups" in page
    assert not Deletion.objects.exists()


def test_starting_one_takes_two_people_where_the_account_wants_them(
    olivia: Client, task: BackupTask, cast: Cast, cooks: list[Entity]
) -> None:
    long_ago = clock.now() - 30 * DAY
    anna = member(cast.account, "anna@pizza-perfecto.example", Role.ADMINISTRATOR, standing_since=long_ago)
    Account.objects.filter(pk=cast.account.pk).update(two_person=True)
    draft = make_rule(task, mode="daily", leaving="delete")
    with pytest.raises(InvalidRequest), acting_as(owner_of(cast)):
        services.start(rule=draft)
    olivia.post(reverse("activation_start", args=[draft.public_id]))
    draft.refresh_from_db()
    assert draft.state == "draft", "it waits for the second person"
    approval = Approval.objects.get()
    assert "Backups of who no longer fits would be deleted" in approval.words
    with clock.travel(clock.now() + 5 * DAY):
        services.forget_old_drafts()
    Approval.objects.update(opens_at=clock.now())
    olivia.force_login(anna)
    prove_again(olivia)
    olivia.post(
        reverse("approval_settle", args=[approval.public_id]), {"do": "approve", "read": approval.words}
    )
    draft.refresh_from_db()
    assert draft.state == "active"
    with acting_as(owner_of(cast)):
        services.pause(rule=draft)
    olivia.post(reverse("activation_act", args=[draft.public_id]), {"action": "resume"})
    draft.refresh_from_db()
    assert draft.state == "paused", "nor is it resumed by one alone"
