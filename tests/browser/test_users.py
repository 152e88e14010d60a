"""Users in a real browser: from the invitation to the first page, and the editor of permissions."""

import re

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import expect

from apps.accounts.models import Membership
from tests.browser.rig import Visit
from tests.cast import PASSWORD, Cast, prove_again

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def olivia(cast: Cast, visit: Visit) -> Visit:
    cache.clear()
    client = Client()
    client.force_login(cast.owner)
    prove_again(client)
    visit.sign_in_as(client)
    return visit


def test_from_the_invitation_to_the_first_page(olivia: Visit, cast: Cast) -> None:
    page = olivia.page
    olivia.open("/settings/users/")
    olivia.check("users")
    page.get_by_role("link", name="Add user").click()
    page.get_by_label("Email").fill("nina@pizza-perfecto.example")
    page.get_by_text("Auditor", exact=True).click()
    olivia.check("user-new")
    page.get_by_role("button", name="Send invitation").click()
    expect(page.get_by_text(re.compile("has 24 hours to follow the link"))).to_be_visible()
    expect(page.get_by_role("rowheader", name="nina@pizza-perfecto.example")).to_be_visible()

    found = re.search(r"(/invitation/\S+/)", str(mail.outbox[-1].body))
    assert found
    page.context.clear_cookies()
    olivia.open(found[1])
    olivia.check("invitation")
    page.get_by_label("Your name").fill("Nina New")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Accept").click()
    page.get_by_label("Email").fill("nina@pizza-perfecto.example")
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("Pizza Perfecto").first).to_be_visible()
    with olivia.expecting_complaints():
        olivia.open(found[1])
        expect(page.get_by_role("heading", name="This link has ended")).to_be_visible()


def test_the_editor_shows_check_lists_for_the_custom_role_only(olivia: Visit, cast: Cast) -> None:
    page, karim = olivia.page, Membership.objects.get(user=cast.custom)
    olivia.open(f"/settings/users/{karim.public_id}/")
    expect(page.get_by_label("Preview backed up data")).to_be_visible()
    olivia.check("user")
    page.get_by_text("Backup operator", exact=True).click()
    expect(page.get_by_label("Preview backed up data")).to_be_hidden()
    page.get_by_text("Custom", exact=True).click()
    page.get_by_label("Preview backed up data").uncheck()
    page.get_by_text("All, also future ones").click()
    page.get_by_role("button", name="Save permissions").click()
    expect(page.get_by_text("Permissions saved.")).to_be_visible()
    karim.refresh_from_db()
    assert karim.services is None and "preview" not in karim.permissions and "restore" in karim.permissions
    olivia.open(f"/settings/users/{karim.public_id}/")
    page.get_by_role("button", name="Remove…").click()
    olivia.check("user-remove")
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("is no longer a user of this account.")).to_be_visible()
