"""Where a person is signed in: seen, ended one by one, and over by themselves."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from apps.accounts.browsers import browser_words
from apps.accounts.models import UserSession
from apps.accounts.tasks import forget_what_is_over
from apps.activity.models import SecurityEvent
from apps.core import clock
from apps.core.scope import account_scope
from tests.cast import PASSWORD, Cast

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def signed_in(cast: Cast, **meta: str) -> Client:
    EmailAddress.objects.get_or_create(user=cast.owner, email=cast.owner.email, primary=True, verified=True)
    client = Client(**meta)  # type: ignore[arg-type]
    client.post(reverse("account_login"), {"login": cast.owner.email, "password": PASSWORD})
    return client


def is_in(client: Client) -> bool:
    return client.get(reverse("my_security")).status_code == 200


def test_the_list_names_browser_and_address_and_which_one_this_is(cast: Cast) -> None:
    signed_in(cast, REMOTE_ADDR="198.51.100.7", HTTP_USER_AGENT=FIREFOX)
    page = signed_in(cast, REMOTE_ADDR="203.0.113.24").get(reverse("my_security")).content.decode()
    assert "Firefox on Windows" in page and "198.51.100.7" in page
    assert page.count("This one") == 1


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0 Safari/537.36 Edg/126.0", "Edge on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "Safari on iPhone"),
        ("curl/8.5.0", "Unknown browser"),
    ],
)
def test_browsers_have_names_that_people_know(agent: str, words: str) -> None:
    assert browser_words(agent) == words


def test_ending_one_or_all_others_works_at_once_and_is_audited(cast: Cast) -> None:
    here, there, elsewhere = signed_in(cast), signed_in(cast), signed_in(cast)
    row = UserSession.objects.get(public_id=there.session["user_session"])
    here.post(reverse("session_end", args=[row.public_id]))
    assert (is_in(here), is_in(there), is_in(elsewhere)) == (True, False, True)
    here.post(reverse("session_end_others"))
    assert (is_in(here), is_in(elsewhere)) == (True, False)
    with account_scope(cast.account.pk):
        codes = list(SecurityEvent.objects.order_by("id").values_list("code", flat=True))
    assert codes[-2:] == ["session.ended", "session.others_ended"]


def test_nobody_ends_the_session_of_somebody_else(cast: Cast) -> None:
    here = signed_in(cast)
    stranger = Client()
    stranger.force_login(cast.stranger)
    answer = stranger.post(reverse("session_end", args=[here.session["user_session"]]))
    assert answer.status_code == 409
    assert is_in(here)


def test_signing_in_changes_the_key_of_the_session_and_signing_out_ends_it(cast: Cast) -> None:
    client = Client()
    client.get(reverse("account_login"))
    session = client.session
    session["seen"] = "before"
    session.save()
    client.cookies["sessionid"] = session.session_key
    EmailAddress.objects.create(user=cast.owner, email=cast.owner.email, primary=True, verified=True)
    client.post(reverse("account_login"), {"login": cast.owner.email, "password": PASSWORD})
    assert client.session.session_key != session.session_key
    stolen = client.cookies["sessionid"].value
    client.post(reverse("account_logout"))
    assert UserSession.objects.count() == 0
    thief = Client()
    thief.cookies["sessionid"] = stolen
    assert not is_in(thief)


def test_an_unused_session_ends_and_a_used_one_ends_too(cast: Cast) -> None:
    idle, busy, start = signed_in(cast), signed_in(cast), clock.now()
    for hours in range(1, 12):
        with clock.travel(start + timedelta(hours=hours)):
            assert is_in(busy)
    with clock.travel(start + timedelta(hours=2, minutes=1)):
        assert not is_in(idle)
    with clock.travel(start + timedelta(hours=12, minutes=1)):
        assert not is_in(busy)
        forget_what_is_over()
    assert UserSession.objects.count() == 0


def test_being_seen_is_written_once_a_minute(cast: Cast, django_assert_num_queries: Any) -> None:
    client, start = signed_in(cast), clock.now()
    is_in(client)
    before = UserSession.objects.get().last_seen_at
    is_in(client)
    assert UserSession.objects.get().last_seen_at == before
    with clock.travel(start + timedelta(minutes=2)):
        is_in(client)
    assert UserSession.objects.get().last_seen_at > before


def test_a_person_who_is_switched_off_is_out_and_stays_out(cast: Cast) -> None:
    client = signed_in(cast)
    for active in (False, True):
        cast.owner.is_active = active
        cast.owner.save()
        assert not is_in(client)


def test_a_new_password_ends_the_other_sessions(cast: Cast) -> None:
    client = signed_in(cast)
    cast.owner.set_password("another horse, another staple")
    cast.owner.save()
    assert not is_in(client)
