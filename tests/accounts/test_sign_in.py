"""Signing in and out, and what a stranger can learn by trying."""

import re
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import get_hasher
from django.test import Client
from django.urls import NoReverseMatch, reverse

from tests.cast import PASSWORD, Cast


@pytest.fixture
def verified(cast: Cast) -> Cast:
    EmailAddress.objects.create(user=cast.owner, email=cast.owner.email, primary=True, verified=True)
    return cast


def sign_in(client: Client, email: str, password: str = PASSWORD, **extra: str) -> object:
    return client.post(reverse("account_login"), {"login": email, "password": password, **extra})


def test_the_right_password_leads_home(client: Client, verified: Cast) -> None:
    assert sign_in(client, verified.owner.email)["Location"] == reverse("home")  # type: ignore[index]
    assert int(client.session["_auth_user_id"]) == verified.owner.pk


def test_it_leads_back_to_where_one_came_from_but_never_away(client: Client, verified: Cast) -> None:
    assert sign_in(client, verified.owner.email, next="/help/")["Location"] == "/help/"  # type: ignore[index]
    away = sign_in(Client(), verified.owner.email, next="https://evil.example/")
    assert away["Location"] == reverse("home")  # type: ignore[index]


def test_a_wrong_password_and_an_unknown_address_look_the_same(client: Client, verified: Cast) -> None:
    pages = []
    for email in (verified.owner.email, "nobody@pizza-perfecto.example"):
        response = sign_in(Client(), email, "wrong wrong wrong")
        page = response.content.decode().replace(email, "EMAIL")  # type: ignore[attr-defined]
        pages.append(re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page.split("<main", 1)[1]))
        assert "do not belong together" in page
    assert pages[0] == pages[1]


def test_an_unknown_address_costs_the_work_of_a_wrong_password(
    verified: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasher, hashed = get_hasher(), []
    work = type(hasher).encode

    def counted(self: Any, password: str, *args: Any, **more: Any) -> str:
        hashed.append(password)
        return work(self, password, *args, **more)

    monkeypatch.setattr(type(hasher), "encode", counted)
    costs = []
    for email in (verified.owner.email, verified.viewer.email, "nobody@pizza-perfecto.example"):
        hashed.clear()
        sign_in(Client(), email, "wrong wrong wrong")
        costs.append(list(hashed))
    assert costs[0] and costs[0] == costs[1] == costs[2], "the viewer's address was never confirmed"


def test_thirty_tries_a_minute_from_one_place_are_enough(db: None) -> None:
    answers = [sign_in(Client(), f"nobody{n}@example.com", "x").status_code for n in range(31)]  # type: ignore[attr-defined]
    assert answers[-1] == 429


def test_a_person_who_is_switched_off_stays_out(client: Client, verified: Cast) -> None:
    verified.owner.is_active = False
    verified.owner.save(update_fields=["is_active"])
    response = sign_in(client, verified.owner.email)
    assert response["Location"] == reverse("account_inactive")  # type: ignore[index]
    assert "_auth_user_id" not in client.session
    assert "switched off" in client.get(reverse("account_inactive")).content.decode()


def test_switching_off_ends_a_session_that_is_open(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    assert client.get(reverse("home")).status_code == 200
    cast.owner.is_active = False
    cast.owner.save(update_fields=["is_active"])
    assert client.get(reverse("home")).status_code == 302


def test_logging_out_needs_a_post(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    assert client.get(reverse("account_logout")).status_code == 200
    assert client.get(reverse("home")).status_code == 200
    response = client.post(reverse("account_logout"))
    assert response["Location"] == reverse("account_login")
    assert client.get(reverse("home")).status_code == 302


def test_the_password_can_be_shown(client: Client, db: None) -> None:
    page = client.get(reverse("account_login")).content.decode()
    assert 'data-show="id_password"' in page
    assert 'autocomplete="current-password"' in page


def test_the_entry_page_leads_both_ways(client: Client, cast: Cast) -> None:
    page = client.get(reverse("entry")).content.decode()
    assert reverse("account_login") in page
    assert reverse("account_signup") in page
    client.force_login(cast.owner)
    assert client.get(reverse("entry"))["Location"] == reverse("home")


@pytest.mark.parametrize(
    "name",
    ["account_email", "account_change_password", "account_set_password", "account_reauthenticate",
     "account_confirm_login_code", "account_request_login_code", "socialaccount_login", "mfa_index"],
)  # fmt: skip
def test_pages_of_allauth_that_we_have_not_made_ours_do_not_exist(name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(name)
