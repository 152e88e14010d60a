"""From nothing to the home page: sign up, mail, activation, sign in; and back after a forgotten password."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from playwright.sync_api import expect

from tests.browser.rig import Visit

PASSWORD = "steam rises from the broth"
NEW_PASSWORD = "a lantern by the river"


@pytest.fixture
def mails(settings: Any, tmp_path: Path, transactional_db: None, live_server: Any) -> None:
    """Mails are written as on the embedded set-up, and can be read at /outbox/."""
    cache.clear()
    settings.EMAIL_BACKEND = "apps.core.outbox.OutboxBackend"
    settings.OUTBOX_DIR = tmp_path / "outbox"
    settings.DEBUG = True
    settings.PORTAL_URL = live_server.url


def open_the_mail(visit: Visit, subject: str, button: str) -> None:
    """Find the mail in the outbox and go where its button leads, which is another tab.

    It is not clicked: a frame in a sandbox is painted by a process of its own, clicks before that are lost.
    """
    visit.open("/outbox/")
    visit.page.get_by_role("link", name=re.compile(subject)).first.click()
    expect(visit.page.locator("iframe")).to_have_attribute("sandbox", re.compile("allow-popups"))
    mail = visit.page.frame_locator("iframe")
    expect(mail.locator("base")).to_have_attribute("target", "_blank")
    link = mail.get_by_role("link", name=button)
    expect(link).to_be_visible()
    visit.open((link.get_attribute("href") or "").removeprefix(visit.base_url))


def test_from_sign_up_to_home(visit: Visit, mails: None) -> None:
    page = visit.page
    visit.open("/welcome/")
    visit.check("welcome")
    page.get_by_role("link", name="New here: start a trial").click()
    visit.arrive()
    page.get_by_label("Organisation").fill("Nadia's Noodles")
    page.get_by_label("Your name").fill("Nadia Nowak")
    page.get_by_label("Work email").fill("nadia@noodles.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Show password").click()
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("type", "text")
    page.get_by_label("Where your backups are kept").select_option("Germany")
    page.get_by_role("button", name="Send me the activation link").click()
    expect(page.get_by_role("heading", name="Check your mail")).to_be_visible()
    visit.check("activation-sent")

    visit.open("/outbox/")
    visit.check("outbox")
    open_the_mail(visit, "Activate your Everkeep account", "Activate my account")
    expect(page.get_by_role("heading", name="Activate your account")).to_be_visible()
    visit.check("activate")
    page.get_by_role("button", name="Activate my account").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("Your address is confirmed")
    visit.check("activated")

    page.get_by_label("Email").fill("nadia@noodles.example")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(visit.base_url + "/")
    expect(page.locator(".ek-user")).to_contain_text("nadia@noodles.example")
    page.get_by_role("button", name="Log out").first.click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert not visit.complaints


def test_a_forgotten_password_is_replaced(visit: Visit, mails: None) -> None:
    from apps.accounts.services import account_open

    account_open(
        account_name="Nadia's Noodles", location="de", name="Nadia Nowak",
        email="nadia@noodles.example", password=PASSWORD, email_verified=True,
    )  # fmt: skip
    page = visit.page
    visit.open("/sign-in/")
    page.get_by_role("link", name="Forgotten?").click()
    page.get_by_label("Email").fill("nadia@noodles.example")
    page.get_by_role("button", name="Send me the link").click()
    visit.check("password-sent")
    open_the_mail(visit, "Set a new Everkeep password", "Confirm and set a new password")
    visit.check("password-new")
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("The same again", exact=True).fill(NEW_PASSWORD)
    page.get_by_role("button", name="Save the new password").click()
    visit.check("password-changed")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Email").fill("nadia@noodles.example")
    page.get_by_label("Password", exact=True).fill(NEW_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(visit.base_url + "/")
