"""Who signs in, or tries to, stands in the audit of every account that the person belongs to."""

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse

from apps.accounts.enums import Role
from apps.accounts.everywhere import audit_everywhere
from apps.accounts.models import Account, Membership
from apps.accounts.sign_ins import method_words
from apps.activity.models import SecurityEvent
from apps.core.scope import account_scope
from tests.cast import PASSWORD, Cast

pytestmark = pytest.mark.database
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:131.0) Gecko/20100101 Firefox/131.0"


@pytest.fixture
def verified(cast: Cast) -> Cast:
    EmailAddress.objects.create(user=cast.owner, email=cast.owner.email, primary=True, verified=True)
    return cast


def entries(account: Account) -> list[SecurityEvent]:
    with account_scope(account.pk):
        return list(SecurityEvent.objects.order_by("sequence"))


def sign_in(client: Client, email: str, password: str = PASSWORD) -> None:
    client.post(
        reverse("account_login"), {"login": email, "password": password}, headers={"user-agent": FIREFOX}
    )


def test_signing_in_and_out_names_method_browser_and_address(client: Client, verified: Cast) -> None:
    sign_in(client, verified.owner.email)
    client.post(reverse("account_logout"))
    done, out = entries(verified.account)
    assert (done.code, out.code) == ("sign_in.done", "sign_out.done")
    assert done.description == "Password, Firefox on Windows, 127.0.0.1"
    assert (done.actor_label, done.actor_id) == ("Olivia Romano", verified.owner.pk)


def test_a_failed_sign_in_names_the_address_and_nobody(client: Client, verified: Cast) -> None:
    sign_in(client, verified.owner.email, "wrong wrong wrong")
    (row,) = entries(verified.account)
    assert (row.code, row.status) == ("sign_in.failed", "failed")
    assert (row.actor_label, row.actor_id) == (verified.owner.email, None)
    assert row.description == "Wrong password, Firefox on Windows, 127.0.0.1"


def test_a_failed_sign_in_with_an_unknown_address_is_in_the_log_alone(
    client: Client, verified: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="everkeep.accounts"):
        sign_in(client, "nobody@example.com", "my other password")
    assert "unknown address" in caplog.text
    assert "my other password" not in caplog.text
    assert entries(verified.account) == entries(verified.other_account) == []


def test_every_account_of_the_person_hears_of_it(client: Client, verified: Cast) -> None:
    Membership.objects.create(account=verified.other_account, user=verified.owner, role=Role.AUDITOR)
    sign_in(client, verified.owner.email)
    assert [row.code for row in entries(verified.other_account)] == ["sign_in.done"]


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([{"method": "password"}, {"method": "mfa", "type": "totp"}], "Password and code of an app"),
        ([{"method": "socialaccount", "provider": "google"}], "Google"),
        ([{"method": "socialaccount", "provider": "saml:acme"}], "Company sign-in (SAML)"),
        ([{"method": "mfa", "type": "webauthn", "passwordless": True}], "Passkey"),
        ([{"method": "password"}, {"method": "password", "reauthenticated": True}], "Password"),
        ([{"method": "some_new_way"}], "Some new way"),
        ([], "Unknown method"),
    ],
)
def test_methods_are_named_in_words(records: list[dict[str, object]], words: str) -> None:
    assert method_words(records) == words


def test_who_belongs_to_no_account_signs_in_into_the_servers_log(
    cast: Cast, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="everkeep.accounts"):
        audit_everywhere("sign_in.done", user=cast.staff)
    assert f"sign_in.done by person {cast.staff.public_id}" in caplog.text
