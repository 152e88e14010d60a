"""Second factors in a real browser: set up, asked, lost; and a passkey in place of the password."""

import re
from collections.abc import Iterator

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect

from apps.accounts.models import User
from tests.accounts.test_second_factor import code_of
from tests.browser.rig import Visit
from tests.cast import PASSWORD, Cast


@pytest.fixture
def olivia(cast: Cast, transactional_db: None, visit: Visit) -> User:
    # Passkeys know names, not numbers: 127.0.0.1 is no place for one.
    visit.base_url = visit.base_url.replace("127.0.0.1", "localhost")
    EmailAddress.objects.create(user=cast.owner, email=cast.owner.email, primary=True, verified=True)
    return cast.owner


@pytest.fixture
def key(visit: Visit) -> Iterator[None]:
    """A security key in the machine that always says yes."""
    devtools = visit.page.context.new_cdp_session(visit.page)
    devtools.send("WebAuthn.enable")
    able = dict.fromkeys(
        ("hasResidentKey", "hasUserVerification", "isUserVerified", "automaticPresenceSimulation"), True
    )
    options = {"protocol": "ctap2", "transport": "internal", **able}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield
    devtools.detach()


def sign_in(visit: Visit, user: User) -> None:
    visit.open(reverse("account_login"))
    visit.page.get_by_role("textbox", name="Email").fill(user.email)
    visit.page.get_by_role("textbox", name="Password").fill(PASSWORD)
    visit.page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page) -> None:
    page.goto("about:blank")  # what the page asks for on its own would bring the cookie back
    page.context.clear_cookies()


def come_home(visit: Visit) -> None:
    """Wait until the sign-in is through: whoever goes elsewhere before breaks it off."""
    expect(visit.page).to_have_url(visit.base_url + reverse("home"))


def test_a_code_at_every_sign_in_and_a_recovery_code_when_it_is_lost(olivia: User, visit: Visit) -> None:
    page = visit.page
    sign_in(visit, olivia)
    visit.open(reverse("my_security"))
    visit.check("my-security")
    page.get_by_role("link", name="Set up").click()
    page.get_by_role("button", name="Show the key").click()
    expect(page.get_by_role("img", name="QR code for your authenticator app")).to_be_visible()
    visit.check("second-factor-setup")
    page.get_by_role("textbox", name="Code").fill(code_of(olivia))
    page.get_by_role("button", name="Turn on").click()
    codes = re.findall(r"(?:\w{4}-){3}\w{4}", page.locator("#recovery-codes").inner_text())
    assert len(codes) == 10
    visit.check("recovery-codes")

    sign_out(page)
    sign_in(visit, olivia)
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    page.get_by_role("textbox", name="Code").fill("12345")
    page.get_by_role("button", name="Verify").click()
    visit.check("second-factor")
    page.get_by_role("textbox", name="Code").fill(code_of(olivia))
    page.get_by_role("button", name="Verify").click()
    come_home(visit)

    sign_out(page)
    sign_in(visit, olivia)
    page.get_by_role("textbox", name="Code").fill(codes[0])
    page.get_by_role("button", name="Verify").click()
    come_home(visit)
    visit.open(reverse("my_security"))
    expect(page.get_by_text("9 left")).to_be_visible()


@pytest.mark.usefixtures("key")
def test_a_passkey_signs_in_without_a_password_and_is_removed(olivia: User, visit: Visit) -> None:
    page = visit.page
    sign_in(visit, olivia)
    visit.open(reverse("passkey_add"))
    visit.check("passkey-add")
    page.get_by_role("textbox", name="Name").fill("Laptop of Olivia")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_text("Laptop of Olivia")).to_be_visible()
    visit.check("my-security-with-passkey")

    sign_out(page)
    visit.open(reverse("account_login"))
    page.get_by_role("button", name="Sign in with a passkey").click()
    come_home(visit)

    sign_out(page)
    sign_in(visit, olivia)
    visit.arrive()
    page.get_by_role("button", name="Use a passkey").click()
    come_home(visit)
    visit.open(reverse("my_security"))
    page.get_by_role("button", name="Remove passkey Laptop of Olivia").click()
    expect(page.get_by_text("Laptop of Olivia")).to_have_count(0)


def test_the_rules_of_the_account(olivia: User, visit: Visit) -> None:
    client = Client()
    client.force_login(olivia)
    visit.sign_in_as(client)
    visit.open(reverse("security"))
    visit.check("security-rules")
    visit.open(reverse("password_change"))
    visit.check("password-change")
