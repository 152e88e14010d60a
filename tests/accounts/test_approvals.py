"""The two-person rule: who may be the second person, when, and what becomes of a proposal."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse

from apps.accounts.approvals import Proposed, propose, register_act, registry
from apps.accounts.approvals.services import approvals_expire, approve
from apps.accounts.enums import AccountState, ApprovalState, Role
from apps.accounts.factors.lost import factor_reset
from apps.accounts.members.rights import Grant
from apps.accounts.members.services import member_change, member_remove, member_switch
from apps.accounts.models import Account, Approval, Membership, SamlProvider, TotpDevice, User
from apps.accounts.selectors import actor_of
from apps.activity.models import SecurityEvent
from apps.core import clock
from apps.core.actor import acting_as
from apps.core.errors import Conflict, PermissionMissing
from apps.core.permissions import Permission
from apps.core.scope import account_scope
from apps.core.sight import serves
from tests.cast import Cast, member, prove_again

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]
DAY = timedelta(days=1)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the act of these tests has done so far."""
    found: list[Any] = []
    monkeypatch.setattr(registry, "_acts", dict(registry._acts))
    register_act("test.burn", do=found.append, words=lambda payload: "It burns.", permission=Permission.DELETE)
    return found


@pytest.fixture
def second(cast: Cast) -> User:
    """Another administrator, of long standing, under the rule."""
    long_ago = clock.now() - timedelta(days=30)
    found = member(
        cast.account, "anna@pizza-perfecto.example", Role.ADMINISTRATOR, name="Anna", standing_since=long_ago
    )
    Account.objects.filter(pk=cast.account.pk).update(two_person=True)
    return found


@contextmanager
def as_person(cast: Cast, user: User) -> Iterator[Membership]:
    membership = Membership.objects.get(account=cast.account, user=user)
    with account_scope(cast.account.pk), acting_as(actor_of(membership)):
        yield membership


def proposal(cast: Cast, user: User) -> Approval:
    with as_person(cast, user):
        found = propose("test.burn", {"what": 1}, "Burn it").approval
    assert found is not None
    return found


def try_to_approve(cast: Cast, user: User, row: Approval, *, after: timedelta = 2 * DAY, **how: Any) -> str:
    """Why not, "" when it went through."""
    with clock.travel(clock.now() + after), as_person(cast, user) as membership:
        try:
            approve(approval=row, membership=membership, **how)
        except (Conflict, PermissionMissing) as error:
            return str(error)
    return ""


def test_without_the_rule_it_is_done_at_once(cast: Cast, done: list[Any]) -> None:
    with as_person(cast, cast.owner):
        assert propose("test.burn", {"what": 1}, "Burn it") == Proposed(done=True)
    assert done == [{"what": 1}]
    with as_person(cast, cast.viewer), pytest.raises(PermissionMissing):
        propose("test.burn", {"what": 2}, "Burn it")


def test_a_second_administrator_approves_after_a_day_and_all_are_told(
    cast: Cast, second: User, done: list[Any]
) -> None:
    row = proposal(cast, cast.owner)
    assert done == [] and {sent.to[0] for sent in mail.outbox} == {cast.owner.email, second.email}
    assert mail.outbox[0].subject == "A second administrator is needed: Burn it"
    with as_person(cast, cast.owner), pytest.raises(Conflict, match="waits for a second"):
        propose("test.burn", {"what": 1}, "Burn it")
    assert "can be approved from" in try_to_approve(cast, second, row, after=timedelta(hours=23))
    assert "proposed this yourself" in try_to_approve(cast, cast.owner, row)
    assert try_to_approve(cast, second, row) == "" and done == [{"what": 1}]
    assert "settled already" in try_to_approve(cast, second, row) and len(done) == 1
    with account_scope(cast.account.pk):
        events = SecurityEvent.objects.filter(code__startswith="approval.").order_by("sequence")
        assert list(events.values_list("code", flat=True)) == ["approval.proposed", "approval.approved"]
        assert Approval.objects.get().settled_by == "Anna"


def test_what_fails_when_it_is_approved_still_waits(cast: Cast, second: User, done: list[Any]) -> None:
    def refuse(payload: Any) -> None:
        raise Conflict("A hold came in between.")

    row = proposal(cast, cast.owner)
    register_act("test.burn", do=refuse, words=str, permission=Permission.DELETE)
    assert "A hold came in between" in try_to_approve(cast, second, row)
    with account_scope(cast.account.pk):
        assert Approval.objects.get().state == ApprovalState.PENDING


def test_who_approves_reads_what_would_happen_now_and_nothing_else_happens(
    client: Client, cast: Cast, second: User, done: list[Any]
) -> None:
    row = proposal(cast, cast.owner)
    with account_scope(cast.account.pk):
        Approval.objects.update(opens_at=clock.now())
    client.force_login(second)
    prove_again(client)
    now = ["It burns", "It burns, and the house next to it"]
    register_act("test.burn", do=done.append, words=lambda payload: now[-1], permission=Permission.DELETE)
    page = client.get(reverse("approvals")).text
    assert now[1] in page and "When it was proposed" in page and "It burns.</p>" in page
    settle, form = reverse("approval_settle", args=[row.public_id]), {"do": "approve", "read": now[1]}
    now.append("It all burns")
    assert "Something else would happen now" in client.post(settle, form, follow=True).text
    assert done == []
    client.post(settle, {**form, "read": now[-1]})
    assert done == [{"what": 1}]


def test_straw_men_are_no_second_person(cast: Cast, second: User, done: list[Any]) -> None:
    row = proposal(cast, cast.owner)
    viewer = Membership.objects.get(user=cast.viewer)
    fresh = member(cast.account, "straw@pizza-perfecto.example", Role.ADMINISTRATOR)
    with as_person(cast, cast.owner):
        member_change(member=viewer, grant=Grant(Role.ADMINISTRATOR))
    for straw in (fresh, cast.viewer):
        assert "less than 7 days before" in try_to_approve(cast, straw, row)
    assert "needs the permission" in try_to_approve(cast, cast.operator, row)
    # Who takes somebody's second factor off, or switches them off and on, has not made them a second person.
    TotpDevice.objects.create(user=second, confirmed=True, sealed_key=b"")
    before = Membership.objects.get(user=second).standing_since
    factor_reset(second)
    assert "less than 7 days before" in try_to_approve(cast, second, row)
    Membership.objects.filter(user=second).update(standing_since=before)
    with as_person(cast, cast.owner):
        for on in (False, True):
            member_switch(member=Membership.objects.get(user=second), on=on)
    assert "less than 7 days before" in try_to_approve(cast, second, row)
    Membership.objects.filter(user=second).update(standing_since=before)
    # Whoever sets company sign-in up could come in as anybody: a new one vouches for nobody.
    with account_scope(cast.account.pk):
        provider = SamlProvider.objects.create(account=cast.account, activated_at=clock.now())
    assert "Company sign-in was set up" in try_to_approve(cast, second, row, by_company=True)
    SamlProvider._base_manager.filter(pk=provider.pk).update(activated_at=clock.now() - 30 * DAY)
    assert done == [] and try_to_approve(cast, second, row, by_company=True) == ""


def test_nothing_is_proposed_that_nobody_could_approve(cast: Cast, second: User, done: list[Any]) -> None:
    Membership.objects.filter(user=second).update(standing_since=clock.now())
    with as_person(cast, cast.owner), pytest.raises(Conflict, match="Nobody could approve this"):
        propose("test.burn", {}, "Burn it")


def test_the_proposal_of_who_lost_the_right_is_dead_and_a_forgotten_one_ends(
    cast: Cast, second: User, done: list[Any]
) -> None:
    row = proposal(cast, cast.owner)
    Membership.objects.filter(user=cast.owner).update(role=Role.AUDITOR)
    assert "may not do it any more" in try_to_approve(cast, second, row)
    Membership.objects.filter(user=cast.owner).update(role=Role.ADMINISTRATOR)
    assert "time is over" in try_to_approve(cast, second, row, after=8 * DAY)
    mail.outbox.clear()
    assert approvals_expire() == 0
    with clock.travel(clock.now() + 8 * DAY):
        assert (approvals_expire(), approvals_expire()) == (1, 0)
    assert mail.outbox[0].subject == "Nobody approved it in time: Burn it" and done == []


def test_the_rule_takes_two_and_switching_it_off_is_held_by_it(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    rule, page = reverse("approvals_rule"), reverse("approvals")
    assert client.post(rule, {"on": "yes"})["Location"].startswith(reverse("sudo"))
    prove_again(client)
    assert client.post(rule, {"on": "yes"}).status_code == 409, "one administrator"
    second = member(cast.account, "anna@pizza-perfecto.example", Role.ADMINISTRATOR, name="Anna")
    Membership.objects.filter(user=second).update(standing_since=clock.now() - 30 * DAY)
    assert client.post(rule, {"on": "yes"}).status_code == 302
    with as_person(cast, cast.owner), pytest.raises(Conflict, match="needs two administrators"):
        member_remove(member=Membership.objects.get(user=second))
    client.post(rule, {"on": "no"})
    assert Account.objects.get(pk=cast.account.pk).two_person
    # Nor is the account cancelled by its owner alone.
    assert "Are you sure?" in client.post(reverse("account_remove"), {"consent": "on"}).content.decode()
    client.post(reverse("account_remove"), {"consent": "on", "sure": "on"})
    assert Account.objects.get(pk=cast.account.pk).state == AccountState.TRIAL
    shown = client.get(page).content.decode()
    assert "Switch the two-person rule off" in shown and "Take back" in shown and "Approve<" not in shown
    client.force_login(second)
    assert "2 proposals wait" in client.get(reverse("settings")).content.decode()
    prove_again(client)
    with account_scope(cast.account.pk):
        off, close = Approval.objects.order_by("pk")
    settle = reverse("approval_settle", args=[off.public_id])
    assert client.post(settle, {"do": "approve", "read": ""}).status_code == 409, "a day must pass"
    assert client.post(reverse("approval_settle", args=[close.public_id]), {"do": "refuse"}).status_code == 302
    Approval._base_manager.update(opens_at=clock.now())
    assert client.post(settle, {"do": "approve"}).status_code == 400, "nobody approves what they did not read"
    said = {"do": "approve", "read": off.words}
    assert client.post(settle, said).status_code == 302
    assert not Account.objects.get(pk=cast.account.pk).two_person
    assert "Refused" in client.get(page).content.decode()


def test_others_see_their_own_proposals_alone(
    client: Client, cast: Cast, second: User, done: list[Any]
) -> None:
    row = proposal(cast, cast.owner)
    client.force_login(cast.operator)
    assert "Burn it" not in client.get(reverse("approvals")).content.decode()
    prove_again(client)
    assert client.post(reverse("approval_settle", args=[row.public_id]), {"do": "refuse"}).status_code == 404


def test_what_waits_for_others_is_done_in_no_transaction_and_waits_on_when_it_cannot_be_done(
    cast: Cast, second: User, done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    troubles = [Conflict("The store does not answer.")]

    def move(payload: Any) -> None:
        assert not connection.in_atomic_block
        if troubles:
            raise troubles.pop()
        done.append(payload)

    register_act("test.burn", do=move, words=lambda _: "It burns.", permission=Permission.DELETE, alone=True)
    row = proposal(cast, cast.owner)
    assert "does not answer" in try_to_approve(cast, second, row)
    row.refresh_from_db()
    assert (row.state, row.settled_by) == (ApprovalState.PENDING, "")
    assert try_to_approve(cast, second, row) == "" and done == [{"what": 1}]
    row.refresh_from_db()
    assert row.state == ApprovalState.DONE
    assert "settled already" in try_to_approve(cast, second, row)


def test_a_proposal_names_mailboxes_to_who_sees_them_alone(
    cast: Cast, second: User, client: Client, done: list[Any]
) -> None:
    """Page, mail and audit; who sees less may refuse, and cannot approve what they cannot read."""
    register_act(
        "test.burn",
        do=done.append,
        words=lambda payload: "Burn Carla Conti" if serves("exchange") else "Burn nobody",
        permission=Permission.DELETE,
    )
    Membership.objects.filter(user=second).update(services=["onedrive"])
    with as_person(cast, cast.owner):
        row = propose("test.burn", {"what": 2}, "Carla Conti of Mail").approval
    assert row is not None and (row.services, row.limited) == (["exchange"], False)
    to = {address: each for each in mail.outbox[-2:] for address in each.to}
    assert "Carla" in to[cast.owner.email].body + to[cast.owner.email].subject
    assert "Carla" not in to[second.email].body + to[second.email].subject
    with as_person(cast, second):
        assert not SecurityEvent.objects.filter(SecurityEvent.shown(), subject_id=row.public_id).exists()
    client.force_login(cast.owner)
    assert "Burn Carla Conti" in client.get(reverse("approvals")).content.decode()
    client.force_login(second)
    page = client.get(reverse("approvals")).content.decode()
    assert "Carla" not in page and "that you do not see" in page and "Refuse" in page and "Approve<" not in page
    assert "do not see" in try_to_approve(cast, second, row) and not done
    prove_again(client)
    client.post(reverse("approval_settle", args=[row.public_id]), {"do": "refuse"})
    page = client.get(reverse("approvals")).content.decode()
    assert "Refused" in page and "Carla" not in page and "that you do not see" in page
