"""Locked out by address and let in again; sessions and tokens on their pages, a token used by a program."""

import re
from typing import Any

import httpx
from django.core.management import call_command
from django.test import Client
from playwright.sync_api import expect

from tests.browser.rig import Visit
from tests.cast import PASSWORD, make_cast

OFFICE, TRAIN = "203.0.113.24", "198.51.100.7"


def come_from(visit: Visit, address: str) -> None:
    """As the one proxy in front of us would write it down."""
    visit.page.context.set_extra_http_headers({"X-Forwarded-For": address})


def confirm(visit: Visit) -> None:
    """Give the fresh proof."""
    visit.page.get_by_role("textbox", name="Your password").fill(PASSWORD)
    visit.page.get_by_role("button", name="It is me").click()


def test_locked_out_by_address_and_let_in_again(visit: Visit, transactional_db: None, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    cast, client, page = make_cast(), Client(), visit.page
    client.force_login(cast.owner)
    visit.sign_in_as(client)
    come_from(visit, OFFICE)
    visit.open("/settings/security/addresses/add/")
    confirm(visit)
    visit.check("address-add")
    page.get_by_label("Addresses").fill("203.0.113.0/27, 2001:db8:51::/48")
    page.get_by_label("Description").fill("Office")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("which is in the list")).to_be_visible()
    visit.check("addresses")

    come_from(visit, TRAIN)
    with visit.expecting_complaints():
        visit.open("/")
        expect(page.get_by_role("heading", name="Access denied")).to_be_visible()
        expect(page.get_by_text(TRAIN)).to_be_visible()
    with visit.expecting_complaints():
        visit.check("address-denied")
    call_command("accounts", "unlock-addresses", cast.owner.email)
    visit.open("/")
    expect(page.get_by_role("heading", name="Access denied")).to_have_count(0)


def test_sessions_are_ended_and_a_token_lets_a_program_in(visit: Visit, transactional_db: None) -> None:
    cast, client, elsewhere, page = make_cast(), Client(), Client(), visit.page
    client.force_login(cast.operator)
    elsewhere.force_login(cast.operator)
    visit.sign_in_as(client)
    visit.open("/me/")
    visit.check("me")
    page.get_by_role("button", name="End all others").click()
    expect(page.get_by_role("button", name="End all others")).to_have_count(0)
    assert elsewhere.get("/me/").status_code == 302

    page.get_by_role("link", name="New token").click()
    confirm(visit)
    visit.check("token-new")
    page.get_by_label("Name").fill("Nightly report")
    page.get_by_label("View backups", exact=True).check()
    page.get_by_role("button", name="Make the token").click()
    text = re.search(r"ek_[\w-]{43}", page.locator("#api-token").inner_text())
    assert text
    visit.check("token-shown")
    program = httpx.Client(base_url=visit.base_url, headers={"Authorization": f"Token {text.group()}"})
    me = program.get("/api/v1/me").json()
    assert (me["person"]["email"], me["permissions"]) == (cast.operator.email, ["view"])
    assert program.get("/api/v1/tasks").json() == {"items": [], "next": None}
    assert program.get("/api/v1/activity").status_code == 403
    page.get_by_role("link", name="I have put it away").click()
    page.get_by_role("button", name="Revoke Nightly report").click()
    expect(page.get_by_text("You have made none.")).to_be_visible()
    assert program.get("/api/v1/me").status_code == 401
