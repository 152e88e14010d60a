"""The sandbox Microsoft's own pages: sound, and clicked through by a person."""

import pytest
from playwright.sync_api import Page, expect

from apps.sandbox.testing import SandboxCloud
from tests.browser.rig import Visit


@pytest.fixture
def microsoft(page: Page, sandbox_cloud: SandboxCloud) -> Visit:
    return Visit(page, sandbox_cloud.url)


def consent_address(cloud: SandboxCloud, **change: str) -> str:
    asked = {"client_id": cloud.portal.client_id, "redirect_uri": f"{cloud.url}/", "state": "s1", **change}
    return "/common/adminconsent?" + "&".join(f"{name}={value}" for name, value in asked.items())


def test_an_admin_picks_the_account_and_accepts(microsoft: Visit, sandbox_cloud: SandboxCloud) -> None:
    microsoft.open(consent_address(sandbox_cloud))
    microsoft.check("sandbox-pick")
    microsoft.page.get_by_role("button", name="Olivia Romano").click()
    expect(microsoft.page.get_by_role("heading", name="Permissions requested")).to_be_visible()
    microsoft.check("sandbox-consent")
    microsoft.page.get_by_role("button", name="Accept").press("Enter")
    expect(microsoft.page.get_by_role("heading", name="Sandbox cloud of Pizza Perfecto")).to_be_visible()
    assert f"tenant={sandbox_cloud.tenant_id}" in microsoft.page.url and "state=s1" in microsoft.page.url
    microsoft.check("sandbox-front")


def test_a_person_without_rights_is_told_so(microsoft: Visit, sandbox_cloud: SandboxCloud) -> None:
    microsoft.open(consent_address(sandbox_cloud))
    microsoft.page.get_by_role("button", name="Bob Smith").click()
    expect(microsoft.page.get_by_role("heading", name="Need admin approval")).to_be_visible()
    microsoft.check("sandbox-need-admin")


def test_a_wrong_address_is_explained(microsoft: Visit, sandbox_cloud: SandboxCloud) -> None:
    with microsoft.expecting_complaints():
        microsoft.open(consent_address(sandbox_cloud, redirect_uri="https://elsewhere.example/"))
    expect(microsoft.page.get_by_text("AADSTS50011")).to_be_visible()
    microsoft.check("sandbox-error")
