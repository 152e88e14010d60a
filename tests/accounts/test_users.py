"""Who changes whose rights: pages and services of the users of an account."""

from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.enums import ROLE_PERMISSIONS, Role
from apps.accounts.members import services
from apps.accounts.members.rights import Grant
from apps.accounts.models import Membership, User
from apps.accounts.selectors import actor_of
from apps.activity.models import SecurityEvent
from apps.core import clock
from apps.core.actor import acting_as
from apps.core.errors import Conflict, PermissionMissing
from apps.core.scope import account_scope
from tests.cast import Cast, member, prove_again

USERS_HOLDER = {"extra_permissions": ["users", "view", "backups_page"], "services": ["onedrive"]}


def of(user: User) -> Membership:
    return Membership.objects.select_related("account", "user").get(user=user, account__name="Pizza Perfecto")


def as_person(user: User) -> Any:
    return acting_as(actor_of(of(user)))


def url(name: str, user: User) -> str:
    return reverse(name, args=[of(user).public_id])


@pytest.fixture
def holder(cast: Cast) -> User:
    """May manage users, and little else: mailboxes of OneDrive only."""
    return member(cast.account, "uma@pizza-perfecto.example", Role.CUSTOM, name="Uma Users", **USERS_HOLDER)


@pytest.fixture
def olivia(client: Client, cast: Cast) -> Client:
    client.force_login(cast.owner)
    prove_again(client)
    return client


def test_the_list_shows_members_and_who_is_invited_and_nobody_of_another_account(
    olivia: Client, cast: Cast
) -> None:
    page = olivia.get(reverse("users")).content.decode()
    for shown in ("Vera Viewer", "fred.finance@", "ines@elsewhere.example", "Invited,", "Owner", "(you)"):
        assert shown in page
    assert "Sam Stranger" not in page and "Strange Sushi" not in page
    found = olivia.get(reverse("users"), {"q": "VERA"}).content.decode()
    assert "Vera Viewer" in found and "Fred Finance" not in found


def test_a_thousand_users_cost_no_more_queries_and_are_all_reached(olivia: Client, cast: Cast) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            assert olivia.get(reverse("users")).status_code == 200
        return len(found)

    olivia.get(reverse("users"))
    few = queries()
    people = User.objects.bulk_create(
        User(email=f"p{n:04}@pizza-perfecto.example", password="!") for n in range(1000)
    )
    Membership.objects.bulk_create(
        Membership(account=cast.account, user=each, role=Role.AUDITOR) for each in people
    )
    assert queries() == few
    seen: list[str] = []
    address = reverse("users")
    while address:
        context = olivia.get(address).context
        seen += [row.email for row in context["page"].rows]
        previous, address = address, context["next_url"]
    assert len(seen) == len(set(seen)) == 1000 + 8 and seen == sorted(seen)
    back = olivia.get(olivia.get(previous).context["previous_url"]).context["page"]
    assert [row.email for row in back.rows] == seen[950:1000]


def test_a_change_is_written_with_before_and_after_and_mailed(
    olivia: Client, cast: Cast, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        data = {"role": "custom", "permissions": ["view", "restore"], "reach": "some", "services": ["exchange"]}
        assert olivia.post(url("user", cast.viewer), data).status_code == 302
    vera = of(cast.viewer)
    assert vera.permissions == {"view", "restore"} and vera.services == ["exchange"]
    with account_scope(cast.account.pk):
        line = SecurityEvent.objects.get(code="user.changed")
    assert line.details["before"]["role"] == "auditor" and line.details["after"]["services"] == ["exchange"]
    assert line.actor_label == "Olivia Romano" and [m.to for m in mail.outbox] == [[cast.viewer.email]]


def test_a_role_has_its_own_rights_whatever_was_ticked_below_it(olivia: Client, cast: Cast) -> None:
    data = {"role": "auditor", "permissions": ["delete"], "reach": "all", "limited": "1"}
    olivia.post(url("user", cast.operator), data)
    assert of(cast.operator).permissions == ROLE_PERMISSIONS[Role.AUDITOR] | {"limited_access"}


@pytest.mark.parametrize(
    "grant",
    [
        Grant(Role.ADMINISTRATOR),
        Grant(Role.AUDITOR),
        Grant(Role.CUSTOM, frozenset({"view", "restore"}), frozenset({"onedrive"})),
        Grant(Role.CUSTOM, frozenset({"view"}), frozenset({"exchange"})),
        Grant(Role.CUSTOM, frozenset({"view"})),
        Grant(Role.CUSTOM, frozenset({"view", "limited_access"}), frozenset({"onedrive"})),
    ],
)
def test_nobody_gives_what_they_do_not_hold(cast: Cast, holder: User, grant: Grant) -> None:
    small = member(
        cast.account, "s@pizza-perfecto.example", Role.CUSTOM, extra_permissions=["view"], services=["onedrive"]
    )
    with account_scope(cast.account.pk), as_person(holder), pytest.raises(PermissionMissing):
        services.member_change(member=of(small), grant=grant)
    with account_scope(cast.account.pk), as_person(holder):
        smaller = Grant(Role.CUSTOM, frozenset({"view", "backups_page"}), frozenset({"onedrive"}))
        assert services.member_change(member=of(small), grant=smaller)


@pytest.mark.parametrize("name", ["user_access", "user_remove"])
@pytest.mark.parametrize("whom", ["owner", "viewer", "restorer"])
def test_who_manages_users_touches_nobody_with_more_rights(
    client: Client, cast: Cast, holder: User, name: str, whom: str
) -> None:
    client.force_login(holder)
    prove_again(client)
    assert client.post(url(name, getattr(cast, whom)), {"on": "0"}).status_code == 403
    assert of(getattr(cast, whom)).is_active


def test_nobody_changes_themselves_and_nobody_the_owner(olivia: Client, cast: Cast) -> None:
    other = member(cast.account, "adam@pizza-perfecto.example", Role.ADMINISTRATOR)
    assert olivia.post(url("user", cast.owner), {"role": "auditor", "reach": "all"}).status_code == 403
    olivia.force_login(other)
    prove_again(olivia)
    for name in ("user_remove", "user_access"):
        assert olivia.post(url(name, cast.owner), {"on": "0"}).status_code == 403
        assert olivia.post(url(name, other), {"on": "0"}).status_code == 403


def test_the_last_administrator_stays(cast: Cast) -> None:
    """Also where nobody owns the account: the rule does not lean on the owner's."""
    Membership.objects.filter(user=cast.owner).update(is_owner=False)
    every = sorted(ROLE_PERMISSIONS[Role.ADMINISTRATOR])
    almost = member(cast.account, "al@pizza-perfecto.example", Role.CUSTOM, extra_permissions=every)
    with account_scope(cast.account.pk), as_person(almost):
        with pytest.raises(Conflict):
            services.member_change(member=of(cast.owner), grant=Grant(Role.AUDITOR))
        with pytest.raises(Conflict):
            services.member_switch(member=of(cast.owner), on=False)
        with pytest.raises(Conflict):
            services.member_remove(member=of(cast.owner))
    assert of(cast.owner).role == Role.ADMINISTRATOR and of(cast.owner).is_active


def test_switched_off_means_off_here_and_nowhere_else(olivia: Client, cast: Cast) -> None:
    theirs = Client()
    theirs.force_login(cast.both)
    olivia.post(url("user_access", cast.both), {"on": "0"})
    page = theirs.get(reverse("home"))
    assert page.status_code == 200 and page.wsgi_request.account == cast.other_account  # type: ignore[attr-defined]
    alone = Client()
    alone.force_login(cast.viewer)
    olivia.post(url("user_access", cast.viewer), {"on": "0"})
    assert alone.get(reverse("home")).status_code == 403
    olivia.post(url("user_access", cast.viewer), {"on": "1"})
    assert alone.get(reverse("home")).status_code == 200


def test_who_is_removed_leaves_their_name_in_the_audit(olivia: Client, cast: Cast) -> None:
    olivia.post(url("user_remove", cast.viewer))
    assert not Membership.objects.filter(user=cast.viewer).exists()
    assert User.objects.filter(pk=cast.viewer.pk).exists(), "signed up by herself, so the login stays"
    with account_scope(cast.account.pk):
        assert SecurityEvent.objects.get(code="user.removed").description == "Removed Vera Viewer"


def test_who_came_by_invitation_and_belongs_nowhere_is_forgotten(olivia: Client, cast: Cast) -> None:
    User.objects.filter(pk__in=[cast.viewer.pk, cast.both.pk]).update(by_invitation=True)
    olivia.post(url("user_remove", cast.viewer))
    olivia.post(url("user_remove", cast.both))
    assert not User.objects.filter(pk=cast.viewer.pk).exists()
    assert User.objects.filter(pk=cast.both.pk).exists(), "belongs to another account, of which we say nothing"


def test_the_owner_hands_the_account_over_to_an_administrator_after_a_fresh_proof(
    olivia: Client, cast: Cast
) -> None:
    adam = member(cast.account, "adam@pizza-perfecto.example", Role.ADMINISTRATOR, name="Adam")
    unproved = Client()
    unproved.force_login(cast.owner)
    assert reverse("sudo") in unproved.post(url("user_owner", adam))["Location"]
    prove_again(olivia)
    assert olivia.post(url("user_owner", cast.viewer)).status_code == 409
    assert olivia.post(url("user_owner", adam)).status_code == 302
    assert of(adam).is_owner and not of(cast.owner).is_owner and of(cast.owner).role == Role.ADMINISTRATOR
    assert olivia.post(url("user_owner", cast.viewer)).status_code == 403


def test_giving_rights_takes_a_fresh_proof(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    before = of(cast.viewer).role
    for address, data in (
        (reverse("user_new"), {"email": "new@pizza-perfecto.example", "role": "auditor", "reach": "all"}),
        (url("user", cast.viewer), {"role": "administrator", "reach": "all"}),
    ):
        assert client.post(address, data)["Location"].startswith(reverse("sudo"))
    assert of(cast.viewer).role == before
    assert not cast.account.invitations.filter(email="new@pizza-perfecto.example").exists()


def test_removing_switching_on_and_inviting_again_take_a_fresh_proof_and_shutting_out_none(
    client: Client, cast: Cast
) -> None:
    client.force_login(cast.owner)
    Membership.objects.filter(user=cast.restorer).update(is_active=False)
    asked = cast.account.invitations.create(
        email="new@pizza-perfecto.example", role="auditor", token_hash="2" * 64, expires_at=clock.now()
    )
    invitation = reverse("user_invitation", args=[asked.public_id])
    for address, data in (
        (url("user_remove", cast.viewer), {}),
        (url("user_access", cast.restorer), {"on": "1"}),
        (invitation, {"action": "resend"}),
    ):
        assert client.post(address, data)["Location"].startswith(reverse("sudo"))
    asked.refresh_from_db()
    assert of(cast.viewer) and not of(cast.restorer).is_active and asked.token_hash == "2" * 64
    client.post(url("user_access", cast.viewer), {"on": "0"})
    client.post(invitation, {"action": "withdraw"})
    assert not of(cast.viewer).is_active and not cast.account.invitations.filter(pk=asked.pk).exists()
