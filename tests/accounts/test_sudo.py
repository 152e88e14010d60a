"""Dangerous acts ask again who sits at the session: apps/accounts/sudo.py and its page."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from apps.accounts import sudo
from apps.accounts.sudo import Way
from apps.activity.models import SecurityEvent
from apps.core import clock
from apps.core.scope import account_scope
from tests.cast import PASSWORD, Cast, prove_again

# The one act in the house that needs no data: showing the recovery key.
ACT = "recovery_key"


@pytest.fixture
def olivia(client: Client, cast: Cast) -> Client:
    client.force_login(cast.owner)
    return client


def asked(client: Client, **headers: str) -> str:
    return str(client.post(reverse(ACT), **headers).headers.get("Location", ""))


def test_a_wrong_password_proves_nothing_and_is_written_down(olivia: Client, cast: Cast) -> None:
    for password in ("", "wrong", PASSWORD + " "):
        page = olivia.post(reverse("sudo"), {"password": password, "next": "/jobs/"})
        assert page.status_code == 200 and PASSWORD not in page.content.decode()
    assert asked(olivia).startswith(reverse("sudo"))
    with account_scope(cast.account.pk):
        assert set(SecurityEvent.objects.values_list("code", "actor_label")) == {
            ("proof.refused", "Olivia Romano")
        }


def test_the_right_one_leads_back_and_holds_for_five_minutes(olivia: Client, cast: Cast) -> None:
    answer = olivia.post(reverse("sudo"), {"password": PASSWORD, "next": "/jobs/?page=2"})
    assert answer["Location"] == "/jobs/?page=2"
    request = olivia.get("/").wsgi_request
    assert sudo.is_fresh(request)
    with patch("time.time", return_value=clock.now().timestamp() + sudo.FRESH.total_seconds() + 1):
        assert not sudo.is_fresh(request)


def test_who_just_signed_in_is_not_asked(client: Client, cast: Cast) -> None:
    EmailAddress.objects.create(user=cast.owner, email=cast.owner.email, primary=True, verified=True)
    client.post(reverse("account_login"), {"login": cast.owner.email, "password": PASSWORD})
    assert sudo.is_fresh(client.get("/").wsgi_request)


def test_the_proof_of_one_person_is_not_anothers(olivia: Client, cast: Cast) -> None:
    prove_again(olivia)
    olivia.force_login(cast.operator)
    assert not sudo.is_fresh(olivia.get("/").wsgi_request)


@pytest.mark.parametrize(
    ("headers", "back"),
    [
        ({"HTTP_REFERER": "http://testserver/jobs/?page=2"}, "next=%2Fjobs%2F%3Fpage%3D2"),
        ({"HTTP_REFERER": "https://evil.example/x/"}, "next=%2F"),
        ({}, "next=%2F"),
    ],
)
def test_it_comes_back_to_the_page_of_the_act_and_never_away(
    olivia: Client, headers: dict[str, str], back: str
) -> None:
    assert asked(olivia, **headers) == f"{reverse('sudo')}?{back}"


@pytest.mark.parametrize("away", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil"])
def test_the_page_itself_leads_nowhere_else(olivia: Client, away: str) -> None:
    assert f'value="{away}"' not in olivia.get(reverse("sudo"), {"next": away}).content.decode()
    answer = olivia.post(reverse("sudo"), {"password": PASSWORD, "next": away})
    assert answer["Location"] == reverse("home")


def test_a_part_of_a_page_sends_the_whole_page_to_the_question(olivia: Client) -> None:
    answer = olivia.post(
        reverse(ACT), headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/jobs/"}
    )
    assert answer.headers["HX-Redirect"] == f"{reverse('sudo')}?next=%2Fjobs%2F"


def test_guessing_is_slowed_down_for_the_person_wherever_it_comes_from(olivia: Client, cast: Cast) -> None:
    for place in range(5):
        olivia.post(reverse("sudo"), {"password": "guess"}, REMOTE_ADDR=f"203.0.113.{place}")
    page = olivia.post(reverse("sudo"), {"password": PASSWORD})
    assert "Too many tries" in page.content.decode()
    with clock.travel(clock.now() + timedelta(minutes=1, seconds=1)):
        assert olivia.post(reverse("sudo"), {"password": PASSWORD}).status_code == 302


def test_who_has_no_password_is_offered_another_way_or_a_fresh_sign_in(olivia: Client, cast: Cast) -> None:
    cast.owner.set_unusable_password()
    cast.owner.save()
    olivia.force_login(cast.owner)
    assert "Sign out and in again" in olivia.get(reverse("sudo")).content.decode()
    with patch.object(sudo, "_ways", [lambda request, following: Way("Ask Okta", f"/okta/?next={following}")]):
        page = olivia.get(reverse("sudo"), {"next": "/jobs/"}).content.decode()
    assert 'href="/okta/?next=/jobs/"' in page and "Sign out and in" not in page
    assert olivia.post(reverse("sudo"), {"password": ""}).status_code == 200
