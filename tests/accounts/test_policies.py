"""What an account demands of everybody in it: apps/accounts/factors/policy.py."""

from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Account, Membership
from apps.activity.models import SecurityEvent
from apps.core.scope import account_scope
from tests.accounts.test_second_factor import code_of, set_up
from tests.cast import Cast, prove_again

SETUP = "second_factor_setup"


@pytest.fixture(autouse=True)
def _mails_go_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.db.transaction.on_commit", lambda act, *args, **kwargs: act())


@pytest.fixture
def demanded(cast: Cast) -> Cast:
    Account.objects.filter(pk=cast.account.pk).update(second_factor_required=True)
    return cast


def save(client: Client, **values: Any) -> Any:
    return client.post(reverse("security_policies"), values)


def test_an_administrator_sets_the_rules_and_all_administrators_are_told(client: Client, cast: Cast) -> None:
    Membership.objects.filter(user=cast.operator).update(role="administrator")
    client.force_login(cast.owner)
    save(client, second_factor="on", password_days="90")
    cast.account.refresh_from_db()
    assert not cast.account.second_factor_required, "a fresh proof is asked for first"
    prove_again(client)
    assert "people have" in client.get(reverse("security")).content.decode()
    save(client, second_factor="on", password_days="90")
    cast.account.refresh_from_db()
    assert (cast.account.second_factor_required, cast.account.password_days) == (True, 90)
    assert {one for sent in mail.outbox for one in sent.to} == {cast.owner.email, cast.operator.email}
    assert "by Olivia Romano" in mail.outbox[-1].body
    with account_scope(cast.account.pk):
        row = SecurityEvent.objects.get(code="policy.changed")
        assert row.details == {"second_factor": True, "password_days": 90}


@pytest.mark.parametrize("days", ["0", "-3", "4000", "soon"])
def test_days_that_make_no_sense_change_nothing(client: Client, cast: Cast, days: str) -> None:
    client.force_login(cast.owner)
    prove_again(client)
    save(client, second_factor="on", password_days=days)
    cast.account.refresh_from_db()
    assert not cast.account.second_factor_required


def test_who_has_none_reaches_the_set_up_and_nothing_else(client: Client, demanded: Cast) -> None:
    client.force_login(demanded.viewer)
    for name in ("home", "job_list", "my_security", "activity_list"):
        assert client.get(reverse(name))["Location"].startswith(reverse(SETUP)), name
    assert client.post(reverse("home"), headers={"HX-Request": "true"}).headers["HX-Redirect"] == reverse(SETUP)
    for name in ("help", "account_logout", "sudo"):
        assert client.get(reverse(name)).status_code == 200, name
    set_up(client, demanded.viewer)
    assert client.get(reverse("home")).status_code == 200


def test_a_session_from_before_must_give_the_code_and_the_password_will_not_do(
    client: Client, demanded: Cast
) -> None:
    old = Client()
    old.force_login(demanded.viewer)
    client.force_login(demanded.viewer)
    set_up(client, demanded.viewer)
    assert old.get("/jobs/")["Location"] == f"{reverse('sudo')}?next=%2Fjobs%2F"
    assert 'name="password"' not in old.get(reverse("sudo")).content.decode().split("<main", 1)[1]
    assert old.post(reverse("sudo"), {"password": "correct horse battery staple"}).status_code == 200
    assert old.post(reverse("sudo"), {"code": code_of(demanded.viewer), "next": "/"}).status_code == 302
    assert old.get(reverse("home")).status_code == 200


def test_other_accounts_are_not_held_to_it(client: Client, demanded: Cast) -> None:
    client.force_login(demanded.stranger)
    assert client.get(reverse("home")).status_code == 200
