"""Guessing passwords is slow, and nobody is kept out by a stranger: apps/accounts/sign_in_limits.py."""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from apps.accounts.models import TryCount
from apps.accounts.sign_in_limits import COOKIE, FROM_EVERYWHERE
from apps.core import clock
from tests.cast import PASSWORD, Cast

pytestmark = pytest.mark.database


@pytest.fixture
def olivia(cast: Cast) -> str:
    EmailAddress.objects.create(user=cast.owner, email=cast.owner.email, primary=True, verified=True)
    return cast.owner.email


def sign_in(email: str, password: str = PASSWORD, address: str = "203.0.113.1", client: Any = None) -> Any:
    client = client or Client()
    return client.post(reverse("account_login"), {"login": email, "password": password}, REMOTE_ADDR=address)


def is_refused(answer: Any) -> bool:
    return answer.status_code == 200 and "Too many tries" in answer.content.decode()


def test_five_failures_from_one_address_shut_that_address_out_and_no_other(olivia: str) -> None:
    for _ in range(5):
        assert not is_refused(sign_in(olivia, "wrong wrong wrong"))
    assert is_refused(sign_in(olivia)), "the right password, too, so that it is not found out"
    assert sign_in(olivia, address="198.51.100.9").status_code == 302
    with clock.travel(clock.now() + timedelta(minutes=1, seconds=1)):
        assert sign_in(olivia).status_code == 302


def test_an_unknown_address_is_counted_the_same(olivia: str) -> None:
    answers = [is_refused(sign_in("nobody@pizza-perfecto.example", "wrong")) for _ in range(6)]
    assert answers == [False] * 5 + [True]


def test_signing_in_uses_no_budget_up(olivia: str) -> None:
    assert all(sign_in(olivia).status_code == 302 for _ in range(7))


def test_an_army_of_addresses_is_slowed_down_but_the_owners_own_device_gets_in(olivia: str) -> None:
    own = Client()
    sign_in(olivia, client=own)
    own.post(reverse("account_logout"))
    with patch("apps.core.clock.now", return_value=clock.now()):  # a hundred take so long that one is refilled
        for number in range(FROM_EVERYWHERE.burst):
            sign_in(olivia, "guess", address=f"2001:db8:{number:x}::1")
        assert is_refused(sign_in(olivia, address="198.51.100.9"))
    assert sign_in(olivia, address="198.51.100.9", client=own).status_code == 302


def test_a_device_keeps_a_budget_of_its_own_and_no_more(olivia: str) -> None:
    own = Client()
    sign_in(olivia, client=own)
    own.post(reverse("account_logout"))
    answers = [is_refused(sign_in(olivia, "wrong", f"203.0.113.{n}", own)) for n in range(11)]
    assert answers == [False] * 10 + [True]


def test_a_forged_device_or_anothers_is_no_device(olivia: str, cast: Cast) -> None:
    EmailAddress.objects.create(user=cast.viewer, email=cast.viewer.email, primary=True, verified=True)
    veras = Client()
    assert sign_in(cast.viewer.email, client=veras).cookies[COOKIE]["httponly"]
    veras.post(reverse("account_logout"))
    forged = Client()
    forged.cookies[COOKIE] = "WyJ4IixbXV0:1:forged"
    for client, address in ((veras, "198.51.100.1"), (forged, "198.51.100.2")):
        for _ in range(5):
            sign_in(olivia, "wrong", address, client)
        assert is_refused(sign_in(olivia, PASSWORD, address, client))


def test_the_counts_name_nobody_and_go_away(olivia: str) -> None:
    sign_in(olivia, "wrong")
    assert not any(olivia in row.key or "203.0.113" in row.key for row in TryCount.objects.all())
    with clock.travel(clock.now() + timedelta(days=1)):
        sign_in("somebody@else.example", "wrong")
    assert TryCount.objects.filter(empty_at__lt=clock.now() + timedelta(hours=1)).count() == 0
