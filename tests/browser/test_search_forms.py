"""The advanced search and the list of saved searches in a real browser."""

from playwright.sync_api import expect

from tests.browser.rig import Visit


def test_a_form_is_filled_in_and_a_search_is_saved(olivia: Visit) -> None:
    page = olivia.page
    olivia.open("/search/advanced/?kind=mail&q=invoice")
    page.get_by_text("What you can type", exact=True).click()
    olivia.check("search-advanced")

    olivia.open("/search/saved/?q=invoice+deleted%3Ayes&kind=mail")
    page.get_by_label("Name of the saved search", exact=True).fill("Bills that went")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("link", name="Bills that went")).to_be_visible()
    olivia.check("search-saved")

    page.get_by_role("button", name="Delete the saved search Bills that went").click()
    page.get_by_role("button", name="Delete the saved search", exact=True).click()
    expect(page.get_by_text("No saved searches yet")).to_be_visible()
