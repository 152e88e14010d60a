"""Cancelling an account and keeping it after all; letting support in, and support coming and going."""

import pytest
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import expect

from apps.accounts.models import User
from tests.browser.rig import Visit
from tests.cast import PASSWORD, Cast, with_factor


@pytest.fixture
def olivia(cast: Cast, transactional_db: None, visit: Visit) -> Visit:
    cache.clear()
    return signed_in(visit, cast.owner)


def signed_in(visit: Visit, user: User) -> Visit:
    client = Client()
    client.force_login(user)
    visit.sign_in_as(client)
    return visit


def prove(visit: Visit) -> None:
    visit.page.get_by_label("Your password", exact=True).fill(PASSWORD)
    visit.page.get_by_role("button", name="It is me").click()


def test_the_owner_cancels_and_takes_it_back(olivia: Visit) -> None:
    page = olivia.page
    olivia.open("/settings/account/")
    expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Account")).to_be_visible()
    olivia.check("account-settings")
    page.get_by_role("button", name="Remove Account").click()
    prove(olivia)
    page.get_by_role("button", name="Remove Account").click()
    expect(page.get_by_text("Without your consent nothing is removed.")).to_be_visible()
    page.get_by_label("I agree that all data").check()
    page.get_by_role("button", name="Remove Account").click()
    expect(page.get_by_role("heading", name="Are you sure?")).to_be_visible()
    olivia.check("account-sure")
    page.get_by_role("button", name="Yes, remove the account").click()
    expect(page.get_by_role("heading", name="This account is being closed")).to_be_visible()
    olivia.check("account-closing")
    page.get_by_role("button", name="Reactivate").click()
    expect(page.get_by_text("The account stays. Backups go on.")).to_be_visible()


def test_support_is_let_in_comes_and_goes(olivia: Visit, cast: Cast) -> None:
    page = olivia.page
    olivia.open("/settings/account/")
    page.get_by_label("Why").fill("Look at the failed backup")
    page.get_by_role("button", name="Let support in").click()
    prove(olivia)
    page.get_by_label("Why").fill("Look at the failed backup")
    page.get_by_role("button", name="Let support in").click()
    expect(page.get_by_role("button", name="End now what Olivia Romano allowed")).to_be_visible()
    olivia.check("account-support")

    olivia.sign_in_as(with_factor(Client(), cast.staff))
    stella = olivia
    stella.open("/staff/")
    stella.check("staff")
    page.get_by_role("button", name="Enter Pizza Perfecto").click()
    expect(page.get_by_text("You are in the account of Pizza Perfecto.")).to_be_visible()
    stella.check("guest-home")
    page.get_by_role("link", name="Leave").click()
    stella.check("guest-leave")
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("heading", name="All accounts")).to_be_visible()

    paul = signed_in(olivia, cast.partner)
    paul.open("/partner/")
    paul.check("partner")
    page.get_by_role("link", name="New customer").click()
    paul.check("partner-new")
