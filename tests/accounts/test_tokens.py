"""API tokens: shown once, kept as a digest, never more than their person may, over at once."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Role
from apps.accounts.models import ApiToken, Membership
from apps.accounts.tokens import token_create
from apps.activity.models import Activity, SecurityEvent
from apps.core import clock
from apps.core.actor import Actor, acting_as
from apps.core.scope import account_scope
from tests.cast import Cast, prove_again

ME = "/api/v1/me"


def new_token(user: Any, *permissions: str, days: int = 90, services: list[str] | None = None) -> str:
    """A token of a person who may all that their role says."""
    membership = user.memberships.get()
    actor = Actor("user", label=str(user), user_id=user.pk, permissions=membership.permissions, services=None)
    with account_scope(membership.account_id), acting_as(actor):
        return token_create(
            membership,
            name="Nightly",
            permissions=permissions or sorted(membership.permissions),
            services=services,
            days=days,
        )


def with_token(token: str, **more: Any) -> Client:
    return Client(headers={"Authorization": f"Token {token}"}, **more)


def make_on_page(client: Client, **more: Any) -> Any:
    data = {"name": "Nightly", "days": "90", "permissions": ["view"], **more}
    return client.post(reverse("token_new"), data)


@pytest.fixture
def viewer(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.viewer)
    return client


def test_it_is_shown_once_and_kept_as_a_digest(cast: Cast, viewer: Client) -> None:
    assert make_on_page(viewer).status_code == 302, "a fresh proof is asked for first"
    prove_again(viewer)
    page = make_on_page(viewer).content.decode()
    text = re.search(r"ek_[\w-]{43}", page).group()  # type: ignore[union-attr]
    row = ApiToken.objects.get()
    assert text not in str(ApiToken.objects.values().get())
    assert (row.ending, row.permissions) == (text[-4:], ["view"])
    assert timedelta(days=89) < row.expires_at - clock.now() <= timedelta(days=90)
    later = viewer.get(reverse("my_security")).content.decode()
    assert "Nightly" in later and text not in later
    assert with_token(text).get(ME).json()["person"]["email"] == cast.viewer.email


def test_it_gets_no_right_that_its_person_has_not(cast: Cast, viewer: Client) -> None:
    prove_again(viewer)
    page = make_on_page(viewer, permissions=["users"]).content.decode()
    assert "Nothing was saved" in page
    assert not ApiToken.objects.exists()
    assert "Look at" in make_on_page(viewer, days="366").content.decode()


def test_its_rights_follow_its_person_at_every_request(cast: Cast) -> None:
    client = with_token(new_token(cast.operator, "view", "execute"))
    assert client.get(ME).json()["permissions"] == ["execute", "view"]
    Membership.objects.filter(user=cast.operator).update(role=Role.AUDITOR)
    assert client.get(ME).json()["permissions"] == ["view"]


def test_it_sees_no_more_services_than_both_its_person_and_itself(cast: Cast) -> None:
    client = with_token(new_token(cast.operator, services=["exchange", "onedrive"]))
    assert client.get(ME).json()["services"] == ["exchange", "onedrive"]
    Membership.objects.filter(user=cast.operator).update(services=["onedrive", "sharepoint"])
    assert client.get(ME).json()["services"] == ["onedrive"]


@pytest.mark.parametrize("end", ["revoked", "expired", "member_off", "member_gone", "person_off"])
def test_it_ends_at_once(cast: Cast, end: str) -> None:
    client = with_token(new_token(cast.operator, days=30))
    assert client.get(ME).status_code == 200
    membership = cast.operator.memberships.get()
    if end == "revoked":
        ApiToken.objects.get().delete()
    elif end == "expired":
        ApiToken.objects.update(expires_at=clock.now())
    elif end == "member_off":
        Membership.objects.filter(pk=membership.pk).update(is_active=False)
    elif end == "member_gone":
        membership.delete()
    else:
        cast.operator.is_active = False
        cast.operator.save()
    answer = client.get(ME)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


def test_a_bad_token_is_nobody_even_beside_a_good_cookie(cast: Cast, viewer: Client) -> None:
    assert viewer.get(ME).status_code == 200
    assert viewer.get(ME, headers={"Authorization": "Token ek_wrong"}).status_code == 401
    assert viewer.get(ME).status_code == 200, "and the cookie is left alone"


def test_it_opens_the_api_only_and_sets_no_cookie(cast: Cast) -> None:
    client = with_token(new_token(cast.owner))
    assert client.get(reverse("home")).status_code == 302
    assert client.get(reverse("my_security")).status_code == 302
    client.cookies.clear()
    assert client.get(ME).cookies == {}


def test_it_is_bound_to_the_account_that_it_was_made_in(cast: Cast) -> None:
    token = new_token(cast.viewer)
    Membership.objects.create(account=cast.other_account, user=cast.viewer, role=Role.ADMINISTRATOR)
    assert with_token(token).get(ME).json()["account"]["name"] == cast.account.name


def test_it_is_kept_out_by_the_list_of_allowed_addresses(cast: Cast) -> None:
    token = new_token(cast.viewer)
    cast.account.only_allowed_addresses = True
    cast.account.save()
    answer = with_token(token, REMOTE_ADDR="198.51.100.7").get(ME)
    assert (answer.status_code, answer.json()["code"]) == (403, "address_denied")


def test_its_use_is_noted_and_the_log_says_that_it_was_a_token(cast: Cast) -> None:
    with_token(new_token(cast.owner), REMOTE_ADDR="198.51.100.7").get(ME)
    row = ApiToken.objects.get()
    assert (row.last_used_at is not None, row.last_used_from) == (True, "198.51.100.7")
    with account_scope(cast.account.pk):
        assert SecurityEvent.objects.get(code="token.created").details["permissions"]
        assert not Activity.objects.filter(actor_label__contains="Nightly").exists()


def test_people_revoke_their_own_and_administrators_all(cast: Cast, viewer: Client) -> None:
    new_token(cast.viewer)
    new_token(cast.operator)
    mine, other = ApiToken.objects.order_by("id")
    assert viewer.post(reverse("token_revoke", args=[other.public_id])).status_code == 404
    assert viewer.get(reverse("account_tokens")).status_code == 403
    viewer.post(reverse("token_revoke", args=[mine.public_id]))
    owner = Client()
    owner.force_login(cast.owner)
    assert "Oskar" in owner.get(reverse("account_tokens")).content.decode()
    stranger = Client()
    stranger.force_login(cast.stranger)
    assert stranger.post(reverse("token_revoke", args=[other.public_id])).status_code == 404
    owner.post(reverse("token_revoke", args=[other.public_id]), {"from": "account"})
    assert not ApiToken.objects.exists()
    with account_scope(cast.account.pk):
        assert SecurityEvent.objects.filter(code="token.revoked").count() == 2


def test_a_browsers_session_needs_its_csrf_token(cast: Cast) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(cast.operator)
    address = reverse("api_task_act", args=["0190a000-0000-7000-8000-000000000000"])
    refused = strict.post(address, {"action": "pause"}, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    token = Client(enforce_csrf_checks=True, headers={"Authorization": f"Token {new_token(cast.operator)}"})
    assert token.post(address, {"action": "pause"}, content_type="application/json").status_code == 404


def test_too_many_requests_are_told_when_to_come_again(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.core.rest.TokenThrottle.rate", "2/min", raising=False)
    client = with_token(new_token(cast.viewer))
    answers = [client.get(ME) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert int(answers[-1]["Retry-After"]) > 0
    monkeypatch.setattr("apps.core.rest.AddressThrottle.rate", "1/min", raising=False)
    guesses = [with_token("ek_guess", REMOTE_ADDR="192.0.2.9").get(ME).status_code for _ in range(2)]
    assert guesses == [401, 429]
