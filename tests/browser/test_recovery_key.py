"""The recovery key in a real browser: shown, put away, confirmed."""

import re
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import expect

from apps.vault.services import open_vault
from apps.vault.store.recovery_key import RecoveryKey
from tests.browser.rig import Visit
from tests.cast import PASSWORD, Cast


@pytest.fixture
def olivia(
    cast: Cast, transactional_db: None, visit: Visit, tmp_path: Path, settings: pytest.FixtureRequest
) -> Visit:
    settings.VAULT_URL = f"file://{tmp_path / 'vault'}"  # type: ignore[attr-defined]
    cache.clear()
    open_vault(account_id=cast.account.pk)
    client = Client()
    client.force_login(cast.owner)
    visit.sign_in_as(client)
    return visit


def test_the_owner_puts_the_key_away_and_proves_it(olivia: Visit) -> None:
    page = olivia.page
    olivia.open("/")
    olivia.check("recovery-key-banner")
    page.get_by_role("link", name="Show it").click()
    olivia.check("recovery-key")

    page.get_by_role("button", name="Show a recovery key").click()
    olivia.check("sudo")
    page.get_by_role("textbox", name="Your password").fill("wrong")
    page.get_by_role("button", name="It is me").click()
    expect(page.get_by_text("This is not your password.")).to_be_visible()
    olivia.check("sudo-refused")

    page.get_by_role("textbox", name="Your password").fill(PASSWORD)
    page.get_by_role("button", name="It is me").click()
    page.get_by_role("button", name="Show a recovery key").click()
    key = RecoveryKey.parse(page.locator("#recovery-key").inner_text())
    olivia.check("recovery-key-shown")

    page.get_by_role("link", name="I have put it away").click()
    expect(page.locator("main")).not_to_contain_text(key.groups[0])
    olivia.check("recovery-key-confirm")
    for label in page.locator("label", has_text=re.compile("Group")).all():
        number = int(re.findall(r"Group (\d)", label.inner_text())[0])
        page.get_by_label(label.inner_text()).fill(key.groups[number - 1].lower())
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("Your recovery key is confirmed.")).to_be_visible()
    olivia.check("recovery-key-confirmed")

    olivia.open("/")
    expect(page.get_by_text("recovery key")).to_have_count(0)
    page.go_back()
    expect(page.get_by_text(key.text)).to_have_count(0)
