"""Signing in with Microsoft: its issuer is a template for all tenants; the sandbox checks what it is sent."""

from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.social.configured import Configured
from apps.accounts.social.identity import issuer_for
from apps.core.errors import Malformed
from apps.core.management.commands import serve
from apps.sandbox import defaults
from apps.sandbox.testing import SandboxCloud
from tests.fixtures.oidc import Traveller, asked, changed

pytestmark = [pytest.mark.database, pytest.mark.server]
BOB = f"bob.smith@{defaults.DOMAIN}"
FORM = {"account_name": "Bob's", "name": "Bob", "location": "de"}


@pytest.fixture
def bob(client: Client, sandbox_cloud: SandboxCloud, settings: Any, db: None) -> Traveller:
    cache.clear()
    app = sandbox_cloud.sign_in
    server = f"{sandbox_cloud.url}/organizations/v2.0"
    settings.SIGN_IN_PROVIDERS = {"microsoft": Configured(app.client_id, app.secret, server)}
    return Traveller(client, key="microsoft")


def choose(traveller: Traveller, url: str, person: str = BOB) -> str:
    return traveller.decide(url, "", **asked(url), account=person, decision="accept")


def test_a_person_of_any_tenant_signs_up_with_an_address_of_its_own_domain(
    bob: Traveller, sandbox_cloud: SandboxCloud
) -> None:
    assert bob.back(choose(bob, bob.leave()))["Location"] == reverse("provider_sign_up")
    assert bob.portal.post(reverse("provider_sign_up"), FORM)["Location"] == reverse("home")
    row = SocialAccount.objects.select_related("user").get()
    assert row.user.email == BOB and mail.outbox == []
    assert row.extra_data["issuer"] == f"{sandbox_cloud.url}/{defaults.TENANT_ID}/v2.0"
    again = Traveller(Client(), key="microsoft")
    assert again.back(choose(again, again.leave()))["Location"] == reverse("home")


def test_an_address_of_a_foreign_domain_is_not_believed(bob: Traveller, sandbox_cloud: SandboxCloud) -> None:
    """nOAuth: the administrator of a tenant writes another person's address into his directory."""
    sandbox_cloud.change_user(BOB, mail="olivia@victim.example")
    User.objects.create_user("olivia@victim.example", "x")
    assert bob.back(choose(bob, bob.leave()))["Location"] == reverse("provider_sign_up")
    assert bob.portal.post(reverse("provider_sign_up"), {**FORM, "email": "olivia@victim.example"})[
        "Location"
    ] == reverse("account_email_verification_sent")
    assert "_auth_user_id" not in bob.portal.session and not SocialAccount.objects.exists()


def test_a_code_without_its_verifier_is_worth_nothing(bob: Traveller) -> None:
    url = changed(bob.leave(), code_challenge="x" * 43)
    assert bob.back(choose(bob, url)).status_code == 400


@pytest.mark.parametrize("tenant", [None, "", "../evil", "evil.example/v2.0?"])
def test_only_the_id_of_a_tenant_fits_into_the_issuer(tenant: str | None) -> None:
    with pytest.raises(Malformed):
        issuer_for("https://login.example/{tenantid}/v2.0", {"tid": tenant})


def test_the_embedded_set_up_knows_the_sandboxs_registration() -> None:
    app = defaults.SIGN_IN_APP
    assert (app.client_id, app.secret) == (serve.SANDBOX_SIGN_IN_ID, serve.SANDBOX_SIGN_IN_SECRET)
