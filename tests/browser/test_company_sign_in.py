"""Company sign-in in a real browser, with a provider on another site: what cookies and policies really do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import expect

from apps.accounts.models import User
from tests.browser.rig import Visit
from tests.cast import PASSWORD, make_cast, prove_again
from tests.fixtures.saml import NodeProvider, node_provider

OLIVIA, VERA = "olivia.romano@pizza-perfecto.example", "vera.viewer@pizza-perfecto.example"


@pytest.fixture
def provider(tmp_path: Path, settings: Any, transactional_db: None, live_server: Any) -> Iterator[NodeProvider]:
    """On 127.0.0.1, while the portal is on localhost: another site, so that our cookies do not go along."""
    cache.clear()
    settings.SAML_PRIVATE_NETWORKS = ["127.0.0.1"]
    settings.PORTAL_URL = live_server.url
    with node_provider(tmp_path, OLIVIA, VERA) as running:
        yield running


def test_an_administrator_switches_it_on_and_a_member_comes_in(visit: Visit, provider: NodeProvider) -> None:
    make_cast()
    for user in User.objects.all():
        EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    page, olivia = visit.page, Client()
    olivia.force_login(User.objects.get(email=OLIVIA))
    prove_again(olivia)
    visit.sign_in_as(olivia)

    visit.open("/settings/security/")
    page.get_by_label("Metadata of your provider").fill("https://127.0.0.1/metadata")
    page.get_by_role("button", name="Test and activate").click()
    visit.check("saml-refused")
    page.get_by_label("Metadata of your provider").fill(f"{provider.url}/metadata")
    page.get_by_role("button", name="Test and activate").click()
    page.get_by_role("button", name=OLIVIA).click()
    expect(page.get_by_role("heading", name="Switch company sign-in on?")).to_be_visible()
    visit.check("saml-confirm")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("SAML: Active", exact=True)).to_be_visible()
    visit.check("saml-active")
    link = page.locator("#saml-link").input_value()

    page.context.clear_cookies()
    visit.open("/sign-in/")
    page.get_by_label("Email").fill(VERA)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Sign in with your company")).to_be_visible()
    visit.check("saml-needed")
    page.goto(link)
    page.get_by_role("button", name=VERA).click()
    expect(page).to_have_url(visit.base_url + "/")
    expect(page.locator(".ek-user")).to_contain_text(VERA)
    with visit.expecting_complaints():
        visit.open("/me/")
        expect(page.get_by_role("heading", name="Your company signs you in")).to_be_visible()
    visit.check("saml-personal")
