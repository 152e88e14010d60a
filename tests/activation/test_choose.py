"""Choosing: nothing happens before it is confirmed, and what would happen is what happens."""

import random
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Membership, User
from apps.accounts.selectors import actor_of
from apps.activation import directory, services
from apps.activation.address_list import MOST_BYTES, read_list
from apps.activation.conditions import Clause, Conditions, How, conditions_of
from apps.activation.forms import ListForm
from apps.activation.models import Rule, RuleEvent, RuleList, RuleMember
from apps.activation.selectors import review_of
from apps.activity.models import Activity
from apps.backups.models import BackupTask, Entity
from apps.connectors.base import FoundGroup
from apps.core.actor import acting_as
from apps.core.errors import EverkeepError, InvalidRequest
from tests.backups.makers import make_mailbox, make_task
from tests.cast import Cast

from .makers import follow, held, in_force, make_rule, states, told

WORDS = ["", "Kitchen", "kitchen", "Küche", "KÜCHE", "Straße", "STRASSE", "it", "IT & more"]


@pytest.fixture
def olivia(cast: Cast, client: Client) -> Client:
    client.force_login(cast.owner)
    return client


def oracle(conditions: Conditions, said: dict[str, str]) -> bool:
    """The same question, asked the long way."""
    found = []
    for clause in conditions.clauses:
        text = said.get(clause.field, "").casefold()
        hits = []
        for value in clause.values:
            wanted = value.casefold()
            places = [at for at in range(len(text) + 1) if text[at : at + len(wanted)] == wanted]
            hits.append(
                {
                    How.IS: 0 in places and len(text) == len(wanted),
                    How.BEGINS: 0 in places,
                    How.ENDS: len(text) - len(wanted) in places,
                    How.CONTAINS: bool(places),
                }[clause.how]
            )
        found.append(any(hits))
    return min(found) if conditions.every else max(found)


def test_conditions_fit_whom_the_long_way_finds_and_survive_being_stored() -> None:
    chance = random.Random(7)
    for _ in range(1000):
        clauses = []
        for _ in range(chance.randint(1, 3)):
            how = chance.choice(list(How))
            values = chance.sample(WORDS if how is How.IS else WORDS[1:], chance.randint(1, 3))
            clauses.append(Clause(chance.choice(["name", "department", "city"]), how, tuple(values)))
        conditions = Conditions(tuple(clauses), every=chance.random() < 0.5)
        said = {name: chance.choice(WORDS) for name in ("name", "department") if chance.random() < 0.8}
        assert conditions.fits(said) == oracle(conditions, said), (conditions, said)
        assert bool(conditions.why(said)) >= conditions.fits(said)
        assert conditions_of(conditions.to_json()) == conditions and conditions.words


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"clauses": [{"field": "password", "how": "is", "values": ["x"]}]},
        {"clauses": [{"field": "name", "how": "sounds", "values": ["x"]}]},
        {"clauses": [{"field": "name", "how": "contains", "values": [" "]}]},
    ],
)
def test_conditions_that_make_no_sense_are_refused(stored: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        conditions_of(stored)


@pytest.mark.parametrize(
    "data",
    [
        b"Account Email\na@x.example\nB@x.example\n",
        b"\xef\xbb\xbfaccount email\r\na@x.example\r\n\r\nb@X.example",
        b'"Account Email";\n"a@x.example";\n"b@x.example";\n',
        "Account Email\na@x.example\nb@x.example\n".encode("utf-16"),
        b"Account Email\na@x.example\t\nb@x.example\t\n",
    ],
)
def test_a_list_is_read_as_spreadsheets_write_it(data: bytes) -> None:
    assert list(read_list(data).addresses) == ["a@x.example", "b@x.example"]


def test_every_line_that_is_not_taken_is_reported_with_its_number_and_the_reason() -> None:
    found = read_list(
        b"Account Email\na@x.example\nnobody\n\nA@x.example\na@x.example,Agata\n=cmd()@x.example\n"
    )
    assert found.problems == [
        (3, "nobody", "Not an e-mail address"),
        (5, "A@x.example", "Doubled: stands in line 2 already"),
        (6, "a@x.example, Agata", "More than one column"),
    ]
    assert list(found.addresses) == ["a@x.example", "=cmd()@x.example"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"Name,Account Email\nx,a@x.example\n",
        b"a@x.example\n",
        b"Account Email\n",
        b"\xff\x00\xfe",
        b"Account Email\na\x00@x.example\n",
        "Account Email\na@x.example\n".encode("utf-16-le"),
    ],
)
def test_what_is_no_such_list_is_refused_whole(data: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read_list(data)


def test_a_hundred_thousand_lines_are_read_and_one_more_is_not() -> None:
    lines = "Account Email\n" + "".join(f"p{number}@x.example\n" for number in range(100_000))
    assert len(read_list(lines.encode()).addresses) == 100_000
    with pytest.raises(InvalidRequest):
        read_list((lines + "one.more@x.example\n").encode())


def test_by_property_somebody_is_unticked_and_only_the_others_are_activated(
    olivia: Client, task: BackupTask, person: Any
) -> None:
    agata, mila, bob = (
        person("Agata Brown", "Kitchen"),
        person("Mila Scott", "kitchen"),
        person("Bob", "Finance"),
    )
    address = reverse("activation_new", args=[task.public_id, "property"])
    page = olivia.get(address)
    assert "2 mailboxes, 2 not active" in page.content.decode()
    answer = olivia.post(address, {"mode": "daily", "leaving": "keep", "value": ["Kitchen"]})
    rule = Rule.objects.get()
    review = olivia.get(answer["Location"]).content.decode()
    assert "Mila Scott" in review and states(agata, mila) == ["not_active", "not_active"]
    start = reverse("activation_start", args=[rule.public_id])
    shown = [str(agata.public_id), str(mila.public_id)]
    olivia.post(start, {"shown": shown, "entity": shown[:1]})
    rule.refresh_from_db()
    assert rule.state == "active" and rule.name == "Department is Kitchen"
    follow(rule)
    assert states(agata, mila, bob) == ["active", "not_active", "not_active"]
    assert held(rule) == {"Agata Brown": "activated", "Mila Scott": "excluded"}
    for name in ("activation_rule", "activation_history", "activation_history_csv"):
        answer = olivia.get(reverse(name, args=[rule.public_id]))
        assert b"Agata Brown" in answer.getvalue(), name


def test_a_list_says_of_each_line_why_it_activates_nobody(
    olivia: Client, task: BackupTask, person: Any
) -> None:
    agata = person("Agata Brown", properties={"userPrincipalName": "ab@pizza-perfecto.example"})
    person("Bob Smith", state="active")
    make_mailbox(make_task(task.connection, name="Board"), "Ida Taylor", state="active")
    person("Ida Taylor")
    ours = [f"{name}@pizza-perfecto.example" for name in ("AB", "bob.smith", "ida.taylor", "no.one")]
    lines = ["Account Email", *ours[:2], "nobody", *ours[2:], "x@other.example"]
    file = SimpleUploadedFile("list.csv", "\r\n".join(lines).encode())
    address = reverse("activation_new", args=[task.public_id, "list"])
    olivia.post(address, {"mode": "once", "leaving": "keep", "file": file})
    rule = Rule.objects.get()
    report = olivia.get(reverse("activation_list_csv", args=[rule.public_id])).getvalue().decode("utf-8-sig")
    assert report.splitlines()[1:] == [
        "3,bob.smith@pizza-perfecto.example,Already active",
        "4,nobody,Not an e-mail address",
        "5,ida.taylor@pizza-perfecto.example,Backed up in another task",
        "6,no.one@pizza-perfecto.example,Unknown: nobody on this task's list has this address",
        "7,x@other.example,Not in this organisation: nobody here has an address of that domain",
    ]
    olivia.post(reverse("activation_start", args=[rule.public_id]))
    follow(rule)
    assert states(agata) == ["active"] and rule.state == "done"


def test_groups_are_chosen_by_what_the_provider_tells(
    olivia: Client, task: BackupTask, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    agata = person("Agata Brown")
    groups = [FoundGroup("g1", "Bakers", "Security group"), FoundGroup("g2", "Board", "Microsoft 365 group")]
    monkeypatch.setattr(directory, "all_groups", lambda connection: groups)
    monkeypatch.setattr(services, "members_of", lambda connection, chosen: {agata.remote_id, "a-device"})
    address = reverse("activation_new", args=[task.public_id, "group"])
    page = olivia.get(address, {"q": "bak"}).content.decode()
    assert "Bakers" in page and "Board" not in page
    answer = olivia.post(address, {"mode": "once", "leaving": "keep", "group": ["g1", "made-up"]})
    review = olivia.get(answer["Location"]).content.decode()
    assert "Members of Bakers" in review and "1 member of the groups is not on this task" in review
    assert Rule.objects.get().conditions == {"groups": [{"id": "g1", "name": "Bakers"}]}


def test_a_task_that_activates_everybody_asks_before_its_first_rule(
    olivia: Client, task: BackupTask, person: Any
) -> None:
    BackupTask.objects.update(auto_activate=True)
    for answer, left_on in (("", True), ("keep", True), ("rules", False)):
        rule = make_rule(task, mode="daily")
        start = reverse("activation_start", args=[rule.public_id])
        assert olivia.post(start, {"all_new": answer}).status_code == (302 if answer else 400)
        rule.refresh_from_db()
        assert rule.state == ("active" if answer else "draft")
        assert BackupTask.objects.get().auto_activate == left_on


def test_a_changed_rule_shows_who_would_leave_and_acts_only_when_it_is_confirmed(
    olivia: Client, task: BackupTask, person: Any
) -> None:
    agata, bob = person("Agata Brown", "Kitchen"), person("Bob Smith", "Finance")
    rule = in_force(task, leaving="pause")
    follow(rule)
    address = reverse("activation_change", args=[rule.public_id])
    wanted = {"mode": "daily", "leaving": "pause", "name": "Money", "every": "yes"}
    answer = olivia.post(address, {**wanted, "field1": "department", "how1": "begins", "text1": "fin"})
    review = olivia.get(answer["Location"]).content.decode()
    assert "No longer fits: paused" in review and "Bob Smith" in review
    follow(rule)
    assert states(agata, bob) == ["active", "not_active"]
    draft = Rule.objects.get(replaces=rule)
    olivia.post(reverse("activation_start", args=[draft.public_id]))
    follow(rule)
    assert states(agata, bob) == ["paused", "active"] and rule.name == "Money"
    assert Rule.objects.count() == 1


def test_more_than_a_rule_can_hold_is_refused_and_not_cut_off(
    olivia: Client, task: BackupTask, person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = [FoundGroup(f"g{number:02}", f"Group {number:02}", "Security group") for number in range(60)]
    monkeypatch.setattr(directory, "all_groups", lambda connection: groups)
    monkeypatch.setattr(services, "members_of", lambda connection, chosen: set())
    wanted = {"mode": "daily", "leaving": "keep"}
    every = {**wanted, "group": [group.remote_id for group in groups]}
    page = olivia.post(reverse("activation_new", args=[task.public_id, "group"]), every)
    assert page.status_code == 200 and "50 groups at most" in page.text
    for number in range(501):
        person(f"Person {number}", f"Department {number}")
    every = {**wanted, "value": [f"Department {number}" for number in range(501)]}
    page = olivia.post(reverse("activation_new", args=[task.public_id, "property"]), every)
    assert page.status_code == 200 and "500 values at most" in page.text
    assert not Rule.objects.exists()


def test_a_rule_that_is_changed_keeps_the_values_that_nobody_has_today(
    olivia: Client, task: BackupTask, person: Any
) -> None:
    person("Agata Brown", "KITCHEN")
    rule = in_force(task, {"field": "department", "how": "is", "values": ["Kitchen", "Shops"]}, kind="property")
    address = reverse("activation_change", args=[rule.public_id])
    page = olivia.get(address).text
    assert 'value="KITCHEN" checked' in page and 'value="Shops" checked' in page and "0 mailboxes" in page
    olivia.post(address, {"mode": "daily", "leaving": "keep", "value": ["KITCHEN", "Shops"]})
    assert Rule.objects.get(replaces=rule).conditions["clauses"][0]["values"] == ["KITCHEN", "Shops"]


def test_a_rule_that_is_changed_keeps_the_groups_that_a_page_or_a_search_does_not_show(
    olivia: Client, task: BackupTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = [FoundGroup(f"g{number:02}", f"Group {number:02}", "Security group") for number in range(100)]
    monkeypatch.setattr(directory, "all_groups", lambda connection: groups)
    chosen = [{"id": "g05", "name": "Group 05"}, {"id": "g99", "name": "Group 99"}]
    rule = in_force(task, kind="group", conditions={"groups": chosen})
    address = reverse("activation_change", args=[rule.public_id])
    page = olivia.get(address).text
    assert page.count(" checked><span>Group") == 2 and page.count('name="group"') == 62 and "38 more" in page
    found = olivia.get(address, {"q": "group 42"}).text
    assert 'value="g99" checked' in found and found.count('name="group"') == 3


def test_a_rule_is_paused_resumed_and_removed_and_whom_it_activated_goes_on(
    olivia: Client, task: BackupTask, person: Any
) -> None:
    agata = person("Agata Brown", "Kitchen")
    rule = in_force(task)
    follow(rule)
    act = reverse("activation_act", args=[rule.public_id])
    for action, state in (("pause", "paused"), ("resume", "active"), ("remove", "removed")):
        assert olivia.post(act, {"action": action}).status_code == 302
        rule.refresh_from_db()
        assert rule.state == state
    assert states(agata) == ["active"] and RuleMember.objects.count() == 0 < RuleEvent.objects.count()
    assert olivia.get(reverse("activation_rule", args=[rule.public_id])).status_code == 404


def test_who_may_not_pause_makes_no_rule_that_pauses(
    cast: Cast, client: Client, task: BackupTask, person: Any
) -> None:
    membership = cast.operator.memberships.get()
    membership.role, membership.extra_permissions = "custom", ["activate", "view", "backups_page"]
    membership.save()
    client.force_login(cast.operator)
    address = reverse("activation_new", args=[task.public_id, "everyone"])
    assert client.post(address, {"mode": "daily", "leaving": "pause"}).status_code == 200
    assert not Rule.objects.exists()
    assert client.post(address, {"mode": "daily", "leaving": "keep"}).status_code == 302


def test_a_hidden_mailbox_is_neither_shown_nor_counted_but_the_rule_meets_it(
    cast: Cast, client: Client, task: BackupTask, person: Any
) -> None:
    hidden = person("Hidden Chef", "Kitchen", limited=True)
    rule = make_rule(task)
    client.force_login(cast.operator)
    review = client.get(reverse("activation_rule", args=[rule.public_id])).content.decode()
    assert "Hidden Chef" not in review
    Rule.objects.update(state="active")
    follow(rule)
    assert states(hidden) == ["active"]
    for name in ("activation_rule", "activation_history", "activation_history_csv"):
        shown = client.get(reverse(name, args=[rule.public_id])).getvalue()
        assert b"Hidden" not in shown, name


def test_drafts_that_nobody_confirmed_are_forgotten(task: BackupTask) -> None:
    make_rule(task)
    assert services.forget_old_drafts() == 0
    Rule.objects.update(created_at="2020-01-01T00:00:00Z")
    assert services.forget_old_drafts() == 1
    assert issubclass(InvalidRequest, EverkeepError) and Entity.objects.count() == 0


def seen_by(cast: Cast, user: User) -> Any:
    return acting_as(actor_of(Membership.objects.get(account=cast.account, user=user)))


def test_what_became_of_a_list_names_nobody_to_who_does_not_see_them(
    cast: Cast, task: BackupTask, person: Any
) -> None:
    person("Agata Brown")
    carla = person("Carla Jones", limited=True)
    doubled = [5, carla.address, "Doubled: stands in line 3 already"]
    values = {"agata.brown@pizza-perfecto.example": 2, carla.address: 3, "nobody@pizza-perfecto.example": 4}
    rule = make_rule(task, kind="list", conditions={"addresses": 3})
    RuleList.objects.create(account_id=task.account_id, rule=rule, values=values, problems=[doubled])
    group = make_rule(task, kind="group", conditions={"groups": [{"id": "g", "name": "Chefs"}]})
    RuleList.objects.create(account_id=task.account_id, rule=group, values=[carla.remote_id, "stranger"])
    with seen_by(cast, cast.viewer):
        assert [row[0] for row in review_of(rule).problems] == [4]
        assert review_of(group).plan.unmatched == ["stranger"]
    with seen_by(cast, cast.owner):
        assert [row[0] for row in review_of(rule).problems] == [4, 5]
        assert review_of(rule).starts == 2


def test_of_a_list_no_more_is_read_than_a_list_may_have(task: BackupTask) -> None:
    asked: list[int] = []

    class Watched(SimpleUploadedFile):
        def read(self, size: int = -1) -> bytes:
            asked.append(size)
            return b"x" * size

    form = ListForm({"mode": "once", "leaving": "keep"}, {"file": Watched("list.csv", b"x")}, task=task)
    assert not form.is_valid() and "larger than 10 MB" in str(form.errors)
    assert asked == [MOST_BYTES + 1]


def test_who_is_left_out_and_taken_in_again_stands_in_the_activity_and_the_history(
    cast: Cast, task: BackupTask, person: Any
) -> None:
    agata, rule = person("Agata Brown", "Kitchen"), in_force(task)
    with seen_by(cast, cast.owner):
        services.leave_out(rule=rule, entities=[agata])
        services.take_in(rule=rule, entities=[agata])
        draft = make_rule(task, mode="daily", replaces=rule)
        services.leave_out(rule=draft, entities=[agata])
        services.start(rule=draft, all_new="keep")
    assert told(rule) == [(agata.name, "excluded"), (agata.name, "taken_in"), (agata.name, "excluded")]
    codes = list(Activity.objects.order_by("pk").values_list("code", flat=True))
    assert codes == ["rule.left_out", "rule.taken_in", "rule.left_out", "rule.changed"]
