"""A person of the sandbox's tenant signs up with Microsoft, comes back, and sees where they sign in."""

from typing import Any

import pytest
from django.core.cache import cache
from playwright.sync_api import expect

from apps.accounts.social.configured import Configured
from apps.sandbox.testing import SandboxCloud
from tests.browser.rig import Visit


@pytest.fixture
def microsoft(
    settings: Any, transactional_db: None, live_server: Any, sandbox_cloud: SandboxCloud
) -> SandboxCloud:
    cache.clear()
    app = sandbox_cloud.sign_in
    server = f"{sandbox_cloud.url}/organizations/v2.0"
    settings.PORTAL_URL = live_server.url
    settings.SIGN_IN_PROVIDERS = {
        "microsoft": Configured(app.client_id, app.secret, server),
        "google": Configured("id", "secret", "http://127.0.0.1:9"),
    }
    return sandbox_cloud


def test_from_microsoft_to_the_first_page_and_back_again(visit: Visit, microsoft: SandboxCloud) -> None:
    page = visit.page
    visit.open("/sign-up/")
    visit.check("sign-up-offers")
    page.get_by_role("button", name="Microsoft").click()
    page.get_by_role("button", name="Bob Smith").click()
    page.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("heading", name="Start a trial")).to_be_visible()
    expect(page.locator("main")).to_contain_text("bob.smith@pizza-perfecto.example")
    visit.check("provider-sign-up")
    page.get_by_label("Organisation").fill("Bob's Bakery")
    page.get_by_label("Where your backups are kept").select_option("Germany")
    page.get_by_role("button", name="Open my account").click()
    expect(page).to_have_url(visit.base_url + "/")
    visit.open("/me/")
    expect(page.locator("#identities")).to_contain_text("bob.smith@pizza-perfecto.example")
    expect(page.get_by_role("button", name="Unlink Microsoft")).to_be_disabled()
    visit.check("linked-sign-ins")
    page.get_by_role("button", name="Log out").first.click()

    visit.open("/sign-in/")
    page.get_by_role("button", name="Microsoft").click()
    page.get_by_role("button", name="Bob Smith").click()
    expect(page).to_have_url(visit.base_url + "/")
    expect(page.locator(".ek-user")).to_contain_text("Bob Smith")
    page.get_by_role("button", name="Log out").first.click()

    visit.open("/sign-in/")
    with visit.expecting_complaints():
        page.get_by_role("button", name="Google").click()
        expect(page.locator("main")).to_contain_text("Google does not answer.")
    visit.check("provider-problem")
