"""The frame and the parts in a real browser: axe, both themes, both widths, the keyboard."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.rig import Visit


def test_the_style_guide_is_sound(olivia: Visit) -> None:
    olivia.open("/styleguide/")
    olivia.check("styleguide")


def test_home_before_the_first_task_is_sound(olivia: Visit) -> None:
    olivia.open("/")
    olivia.check("home-empty")


def test_support_and_help_are_sound(olivia: Visit) -> None:
    olivia.open("/support/")
    olivia.check("support")
    olivia.open("/help/home/")
    olivia.check("help-home")


def test_help_is_sound_for_people_who_are_not_signed_in(visit: Visit) -> None:
    visit.open("/help/")
    visit.check("help-public")


def test_a_page_that_is_missing_is_sound(visit: Visit) -> None:
    with visit.expecting_complaints():
        visit.open("/no/such/page/")
    visit.check("error-404")


def test_the_first_tab_offers_to_skip_to_the_content(olivia: Visit) -> None:
    olivia.open("/support/")
    olivia.page.keyboard.press("Tab")
    expect(olivia.page.get_by_role("link", name="Skip to content")).to_be_focused()
    olivia.page.keyboard.press("Enter")
    expect(olivia.page.locator("#main")).to_be_focused()


def test_the_keyboard_opens_the_menu_and_escape_gives_the_focus_back(olivia: Visit) -> None:
    olivia.open("/support/")
    summary = olivia.page.locator(".ek-top details.ek-menu > summary")
    summary.focus()
    olivia.page.keyboard.press("Enter")
    expect(olivia.page.locator(".ek-top details.ek-menu")).to_have_attribute("open", "")
    olivia.page.keyboard.press("Tab")
    olivia.page.keyboard.press("Escape")
    expect(olivia.page.locator(".ek-top details.ek-menu")).not_to_have_attribute("open", "")
    expect(summary).to_be_focused()


def test_on_a_phone_the_navigation_opens_by_keyboard_and_escape_closes_it(olivia: Visit) -> None:
    olivia.open("/support/")
    olivia.look(380, "light")
    button = olivia.page.get_by_role("button", name="Open menu")
    button.focus()
    olivia.page.keyboard.press("Enter")
    expect(olivia.page.get_by_role("link", name="Billing", exact=True)).to_be_visible()
    olivia.page.keyboard.press("Escape")
    expect(olivia.page.get_by_role("link", name="Billing", exact=True)).to_be_hidden()


def test_the_reader_s_theme_is_kept_from_page_to_page(olivia: Visit) -> None:
    olivia.open("/support/")
    olivia.page.get_by_role("button", name="Switch between light and dark").first.click()
    olivia.open("/help/")
    assert olivia.page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_slash_key_goes_to_search_but_not_while_typing(olivia: Visit) -> None:
    olivia.open("/styleguide/")
    olivia.page.keyboard.press("/")
    field = olivia.page.locator(".ek-top input[type=search]")
    expect(field).to_be_focused()
    olivia.page.keyboard.type("a/b")
    expect(field).to_have_value("a/b")


def test_ticking_rows_brings_the_bar_with_their_count(olivia: Visit) -> None:
    olivia.open("/styleguide/")
    bulk = olivia.page.locator("#sample-bulk")
    expect(bulk).to_be_hidden()
    olivia.page.get_by_label("Select all mailboxes").check()
    expect(bulk).to_contain_text("2 selected")
    olivia.page.get_by_label("Select Bob Smith").uncheck()
    expect(bulk).to_contain_text("1 selected")


def test_a_dialog_takes_the_focus_and_escape_gives_it_back(olivia: Visit) -> None:
    olivia.open("/styleguide/")
    opener = olivia.page.get_by_role("button", name="Open a dialog")
    opener.click()
    expect(olivia.page.get_by_role("heading", name="Export 3 messages and 1 folder")).to_be_focused()
    olivia.page.keyboard.press("Escape")
    expect(opener).to_be_focused()


def test_a_password_can_be_looked_at(olivia: Visit) -> None:
    olivia.open("/styleguide/")
    field = olivia.page.get_by_label("Password", exact=True)
    field.fill("correct horse")
    olivia.page.get_by_role("button", name=re.compile("^Show")).click()
    expect(field).to_have_attribute("type", "text")


def test_the_rig_itself_finds_what_it_looks_for(visit: Visit) -> None:
    visit.open("/help/")
    visit.page.evaluate(
        """() => {
          const button = document.createElement("button");
          const script = document.createElement("script");
          script.textContent = "1";
          document.querySelector("main").append(button, script);
          document.body.append(Object.assign(document.createElement("p"), {textContent: "x".repeat(900)}));
        }"""
    )
    with pytest.raises(AssertionError) as told:
        visit.check("rig")
    for complaint in ("button-name", "scrolls sideways", "Content Security Policy"):
        assert complaint in str(told.value)
