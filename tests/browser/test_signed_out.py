"""The pages before the door: sign in, sign up, a new password, and what they say when something is wrong."""

from playwright.sync_api import expect

from tests.browser.rig import Visit


def test_sign_in_is_sound(visit: Visit) -> None:
    visit.open("/sign-in/")
    visit.check("sign-in")


def test_a_refused_sign_in_says_so_and_is_sound(visit: Visit) -> None:
    visit.open("/sign-in/")
    visit.page.get_by_label("Email").fill("nobody@pizza-perfecto.example")
    visit.page.get_by_label("Password", exact=True).fill("not the password")
    visit.page.get_by_role("button", name="Sign in", exact=True).click()
    expect(visit.page.get_by_role("alert").first).to_be_visible()
    visit.check("sign-in-refused")


def test_sign_up_is_sound(visit: Visit) -> None:
    visit.open("/sign-up/")
    visit.check("sign-up")


def test_an_empty_sign_up_links_to_every_field_that_is_missing(visit: Visit) -> None:
    visit.open("/sign-up/")
    visit.page.locator("main form button[type=submit]").first.click()
    expect(visit.page.get_by_role("alert").get_by_role("link").first).to_be_visible()
    visit.check("sign-up-refused")


def test_a_forgotten_password_is_sound(visit: Visit) -> None:
    visit.open("/password/")
    visit.check("password")
