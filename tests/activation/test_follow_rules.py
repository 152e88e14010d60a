"""A rule acts when somebody begins or ceases to fit; what people decide in between stays."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.activation import evaluate, tasks
from apps.activation.enums import Outcome
from apps.activation.models import Rule, RuleEvent, RuleList
from apps.activation.onboarding.pacing import waiting_of
from apps.activity.models import Activity
from apps.backups.enums import EntityState
from apps.backups.models import BackupTask, Entity, EntityTag, HeldPart, Hold, Policy, PolicyTag
from apps.backups.retention.rules import EVERYTHING
from apps.backups.services import activation
from apps.backups.services.tags import tag_create
from apps.connectors.enums import EntityKind
from apps.core import clock
from apps.core.errors import Forbidden, Gone
from apps.core.scope import account_scope
from tests.backups.makers import make_connection, make_mailbox, make_task
from tests.cast import Cast

from .makers import clause, follow, held, in_force, make_rule, move, states, told

pytestmark = pytest.mark.database


def by_id(*entities: Entity) -> Any:
    return Entity.objects.filter(pk__in=[entity.pk for entity in entities])


def test_who_fits_is_activated_and_the_history_says_why(task: BackupTask, person: Any) -> None:
    agata, bob = person("Agata Brown", "Kitchen"), person("Bob Smith", "Finance")
    rule = in_force(task)
    follow(rule)
    assert states(agata, bob) == ["active", "not_active"]
    assert agata.next_run_at is not None and not agata.by_hand
    event = RuleEvent.objects.get()
    assert (event.label, event.outcome, event.why) == ("Agata Brown", "activated", "Department: Kitchen")
    line = Activity.objects.get(code="rule.followed")
    assert (line.item_label, line.details["activated"]) == ("Kitchen", 1)


def test_following_a_rule_again_changes_nothing_and_says_nothing(task: BackupTask, person: Any) -> None:
    person("Agata Brown", "Kitchen")
    rule = in_force(task)
    follow(rule)
    follow(rule)
    assert RuleEvent.objects.count() == 1 == Activity.objects.filter(code="rule.followed").count()


def test_a_choice_made_once_is_done_and_never_looked_at_again(task: BackupTask, person: Any) -> None:
    person("Agata Brown", "Kitchen")
    rule = make_rule(task, state="active", mode="once")
    follow(rule)
    late = person("Mila Scott", "Kitchen")
    assert rule.state == "done" and evaluate.follow(rule.pk) is None
    assert states(late) == ["not_active"]


@pytest.mark.parametrize(
    ("leaving", "state", "outcome"), [("keep", "active", "left_kept"), ("pause", "paused", "left_paused")]
)
def test_who_no_longer_fits_goes_on_or_is_paused_as_the_rule_says(
    task: BackupTask, person: Any, leaving: str, state: str, outcome: str
) -> None:
    agata = person("Agata Brown", "Kitchen")
    rule = in_force(task, leaving=leaving)
    follow(rule)
    move(agata, "Finance")
    follow(rule)
    assert states(agata) == [state]
    assert told(rule)[-1] == ("Agata Brown", outcome)
    assert "Department is now Finance" in RuleEvent.objects.latest("id").why


def test_who_was_paused_by_a_rule_goes_on_when_they_fit_again(task: BackupTask, person: Any) -> None:
    agata = person("Agata Brown", "Kitchen")
    rule = in_force(task, leaving="pause")
    for department in ("Kitchen", "Finance", "Kitchen"):
        move(agata, department)
        follow(rule)
    assert states(agata) == ["active"] and told(rule)[-1][1] == Outcome.RESUMED


def test_who_was_paused_by_hand_stays_paused_by_every_rule(task: BackupTask, person: Any) -> None:
    agata = person("Agata Brown", "Kitchen", state=EntityState.ACTIVE)
    activation.pause(task=task, entities=by_id(agata))
    rule = in_force(task)
    follow(rule)
    assert states(agata) == ["paused"] and held(rule) == {"Agata Brown": "by_hand"}


def test_who_was_paused_by_hand_after_the_rule_activated_them_stays_paused(
    task: BackupTask, person: Any
) -> None:
    agata = person("Agata Brown", "Kitchen")
    rule = in_force(task, leaving="pause")
    follow(rule)
    activation.pause(task=task, entities=by_id(agata))
    for department in ("Kitchen", "Finance", "Kitchen"):
        move(agata, department)
        follow(rule)
    assert states(agata) == ["paused"]


def test_who_was_activated_by_hand_is_not_paused_when_they_leave(task: BackupTask, person: Any) -> None:
    agata = person("Agata Brown", "Kitchen")
    activation.activate(task=task, entities=by_id(agata))
    rule = in_force(task, leaving="pause")
    follow(rule)
    move(agata, "Finance")
    follow(rule)
    assert states(agata) == ["active"] and told(rule)[-1][1] == "left_by_hand"


def test_who_is_renamed_stays_on_a_list_until_another_list_is_handed_in(task: BackupTask, person: Any) -> None:
    agata, bob = person("Agata Brown"), person("Bob Smith")
    rule = in_force(task, kind="list", leaving="pause", conditions={"addresses": 3})

    def hand_in(*addresses: str) -> None:
        RuleList.objects.filter(rule=rule).delete()
        lines = {address: line for line, address in enumerate(addresses, 2)}
        RuleList.objects.create(account_id=task.account_id, rule=rule, values=lines)

    hand_in(agata.address, bob.address, "nobody@pizza-perfecto.example")
    follow(rule)
    Entity.objects.filter(pk=agata.pk).update(address="agata.white@pizza-perfecto.example")
    Entity.objects.filter(name="Bob Smith").delete()
    for _ in range(2):
        plan = follow(rule)
        assert states(agata) == ["active"] and not plan.goes and plan.stays == 1
        assert plan.unmatched == [
            "agata.brown@pizza-perfecto.example", bob.address, "nobody@pizza-perfecto.example",
        ]  # fmt: skip
    hand_in("agata.white@pizza-perfecto.example")
    follow(rule)
    Entity.objects.filter(pk=agata.pk).update(address="agata.green@pizza-perfecto.example")
    follow(rule)
    assert states(agata) == ["active"]
    hand_in("agata.white@pizza-perfecto.example")
    follow(rule)
    assert states(agata) == ["paused"]


def test_who_leaves_one_rule_goes_on_while_another_one_holds_them(task: BackupTask, person: Any) -> None:
    agata = person("Agata Brown", "Kitchen")
    rule, other = in_force(task, leaving="pause"), in_force(task, clause("name", "Agata", how="begins"))
    follow(rule)
    follow(other)
    move(agata, "Finance")
    follow(rule)
    assert states(agata) == ["active"] and told(rule)[-1][1] == "left_held"


def test_nobody_is_backed_up_twice_by_two_tasks_of_a_tenant(cast: Any, task: BackupTask, person: Any) -> None:
    agata = person("Agata Brown", "Kitchen")
    board = make_task(task.connection, name="Board")
    elsewhere = make_mailbox(board, "Agata Brown", state=EntityState.ACTIVE)
    foreign = make_task(make_connection(cast.account, tenant_id="tenant-2"), name="Other tenant")
    make_mailbox(foreign, "Mila Scott", state=EntityState.ACTIVE)
    mila = person("Mila Scott", "Kitchen")
    rule = in_force(task)
    follow(rule)
    assert states(agata, mila) == ["not_active", "active"]
    assert held(rule) == {"Agata Brown": "elsewhere", "Mila Scott": "activated"}
    Entity.objects.filter(pk=elsewhere.pk).update(state=EntityState.PAUSED)
    follow(rule)
    assert states(agata) == ["active"]


def test_who_has_no_mailbox_waits_until_there_is_one(task: BackupTask, person: Any) -> None:
    tom = person("Tom Okafor", "Kitchen", reachable=False)
    rule = in_force(task)
    follow(rule)
    follow(rule)
    assert states(tom) == ["not_active"] and told(rule) == [("Tom Okafor", "unreachable")]
    Entity.objects.update(reachable=True)
    follow(rule)
    assert states(tom) == ["active"]


def test_an_archived_mailbox_is_left_alone_and_is_what_it_was_when_it_returns(
    task: BackupTask, person: Any
) -> None:
    agata = person("Agata Brown", "Kitchen")
    rule = in_force(task, leaving="pause")
    follow(rule)
    Entity.objects.update(state="archived", state_before_archive="active", properties={})
    follow(rule)
    assert states(agata) == ["archived"] and held(rule) == {"Agata Brown": "activated"}
    Entity.objects.update(state="active", state_before_archive="")
    follow(rule)
    assert states(agata) == ["paused"], "came back, and no longer fits"


def test_what_is_being_deleted_is_left_alone_and_judged_when_the_order_is_taken_back(
    task: BackupTask, person: Any
) -> None:
    agata, bob = person("Agata Brown", "Kitchen"), person("Bob Smith", "Kitchen", state=EntityState.ACTIVE)
    rule = in_force(task, leaving="pause")
    Entity.objects.filter(pk=bob.pk).update(by_hand=False)
    by_id(agata).update(state=EntityState.DELETING, state_before_deletion=EntityState.NOT_ACTIVE)
    follow(rule)
    assert held(rule) == {"Agata Brown": "deleting", "Bob Smith": "already"}
    by_id(bob).update(state=EntityState.DELETING, state_before_deletion=EntityState.ACTIVE)
    move(bob, "Finance")
    assert follow(rule).goes == [], "who leaves meanwhile leaves when it is known whether they stay"
    by_id(agata).update(state=EntityState.NOT_ACTIVE, state_before_deletion="")
    by_id(bob).update(state=EntityState.ACTIVE, state_before_deletion="")
    follow(rule)
    assert states(agata, bob) == ["active", "paused"]


def test_what_a_person_deleted_is_activated_by_no_rule_but_by_a_person(task: BackupTask, person: Any) -> None:
    agata = person("Agata Brown", "Kitchen", by_hand=True)  # as `deletion.destroy` lists it anew
    rule = in_force(task)
    follow(rule)
    assert (states(agata), held(rule)) == (["not_active"], {"Agata Brown": "deleted"})
    activation.start_by_rule(task=task, entity_ids=[agata.pk])
    assert states(agata) == ["not_active"] and not waiting_of(task).exists()
    activation.activate(task=task, entities=by_id(agata))
    follow(rule)
    assert (states(agata), held(rule)) == (["active"], {"Agata Brown": "already"})


def test_a_group_that_is_gone_lets_nobody_leave_and_the_page_says_why(
    task: BackupTask, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    agata = person("Agata Brown")
    rule = in_force(task, kind="group", leaving="pause", conditions={"groups": [{"id": "g", "name": "Bakers"}]})
    monkeypatch.setattr(evaluate, "members_of", lambda *given: {agata.remote_id})
    follow(rule)
    assert RuleEvent.objects.get().why == "Member of Bakers"

    for problem in (Gone("The group “Bakers” is no longer there."), Forbidden("No.", do="Consent.")):

        def broken(*given: Any, problem: Exception = problem) -> set[str]:
            raise problem

        monkeypatch.setattr(evaluate, "members_of", broken)
        assert evaluate.follow(rule.pk) is None
        assert evaluate.follow(rule.pk) is None
        rule.refresh_from_db()
        assert rule.problem == str(problem) and states(agata) == ["active"]
    assert Activity.objects.filter(code="rule.not_followed").count() == 2

    monkeypatch.setattr(evaluate, "members_of", lambda *given: set())
    follow(rule)
    assert rule.problem == "" and states(agata) == ["paused"]


def test_a_rule_that_was_changed_while_it_was_followed_does_nothing_more(
    task: BackupTask, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [person(f"Person {number}", "Kitchen") for number in range(5)]
    monkeypatch.setattr(evaluate, "AT_ONCE", 2)
    rule, come = in_force(task), evaluate._come

    def paused_after_the_first_two(rule: Rule, steps: Any) -> Any:
        done = come(rule, steps)
        Rule.objects.filter(pk=rule.pk).update(state="paused", revision=9)
        return done

    monkeypatch.setattr(evaluate, "_come", paused_after_the_first_two)
    assert evaluate.follow(rule.pk) is None
    assert states(*people) == ["active"] * 2 + ["not_active"] * 3


def test_what_a_dead_worker_left_undone_is_done_once_by_the_next_look(
    task: BackupTask, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [person(f"Person {number}", "Kitchen") for number in range(5)]
    monkeypatch.setattr(evaluate, "AT_ONCE", 2)
    rule, come = in_force(task), evaluate._come

    def die_at_the_second(rule: Rule, steps: Any) -> Any:
        if steps[0].candidate.name == "Person 2":
            raise MemoryError
        return come(rule, steps)

    monkeypatch.setattr(evaluate, "_come", die_at_the_second)
    with pytest.raises(MemoryError):
        evaluate.follow(rule.pk)
    monkeypatch.setattr(evaluate, "_come", come)
    follow(rule)
    assert states(*people) == ["active"] * 5
    assert sorted(told(rule)) == [(f"Person {number}", "activated") for number in range(5)]


def test_rules_of_all_accounts_are_followed_daily_after_discovery_and_when_new(
    cast: Any, task: BackupTask, sent: list[Any]
) -> None:
    now = clock.now()
    BackupTask.objects.update(discovered_at=now - timedelta(hours=2))
    rules = {
        "new": in_force(task, checked_at=None),
        "yesterday": in_force(task, checked_at=now - timedelta(hours=25)),
        "before the discovery": in_force(task, checked_at=now - timedelta(hours=3)),
        "paused": in_force(task, state="paused"),
        "in trouble for half an hour": in_force(task, checked_at=now - timedelta(minutes=30), problem="No."),
        "in trouble for two hours": in_force(task, checked_at=now - timedelta(hours=2), problem="No."),
        "followed": in_force(task, checked_at=now - timedelta(hours=1)),
    }
    lost = make_task(make_connection(cast.account, state="disconnected", tenant_id="t2"), discovered_at=now)
    in_force(lost)
    with account_scope(cast.other_account.pk):
        theirs = in_force(make_task(make_connection(cast.other_account), discovered_at=now))
    tasks.follow_rules()
    due = {"new", "yesterday", "before the discovery", "in trouble for two hours"}
    assert {message["rule_id"] for message in sent} == {rules[name].pk for name in due} | {theirs.pk}


@pytest.mark.parametrize("people", [10, 2100])
def test_the_number_of_statements_grows_with_thousands_not_with_people(task: BackupTask, people: int) -> None:
    Entity.objects.bulk_create(
        Entity(
            account_id=task.account_id,
            task=task,
            remote_id=str(number),
            kind=EntityKind.USER_MAILBOX,
            name=f"P{number}",
            properties={"department": "Kitchen"},
        )
        for number in range(people)
    )
    rule, most = in_force(task, leaving="pause"), 40 + 40 * (people // evaluate.AT_ONCE)
    with CaptureQueriesContext(connection) as asked:
        follow(rule)
    assert len(asked) <= most
    Entity.objects.update(properties={})
    with CaptureQueriesContext(connection) as asked:
        follow(rule)
    assert len(asked) <= most
    assert Entity.objects.filter(state="paused").count() == people


def test_the_page_of_a_mailbox_says_what_rules_it(
    client: Client, cast: Cast, task: BackupTask, person: Any
) -> None:
    agata = person("Agata Brown", "Kitchen")
    rule = in_force(task)
    follow(rule)
    tag = tag_create(name="Brief")
    policy = Policy.objects.create(account_id=task.account_id, name="Short", retention=EVERYTHING.to_json())
    PolicyTag.objects.create(account_id=task.account_id, policy=policy, tag=tag)
    EntityTag.objects.create(account_id=task.account_id, entity=agata, tag=tag)
    hold = Hold.objects.create(account_id=task.account_id, name="Case 7", placed_by="Olivia")
    HeldPart.objects.create(account_id=task.account_id, hold=hold, entity=agata, label="Agata")
    client.force_login(cast.owner)
    page = client.get(reverse("entity", args=[agata.public_id])).content.decode()
    assert "Activated by the rule “Kitchen”" in page and "Department: Kitchen" in page
    assert "Policy “Short”, by the tag “Brief”" in page and "Keep every backup" in page
    assert "On legal hold" in page and "Case 7" in page
    client.force_login(cast.operator)
    page = client.get(reverse("entity", args=[agata.public_id])).content.decode()
    assert "On legal hold" in page and "Case 7" not in page
