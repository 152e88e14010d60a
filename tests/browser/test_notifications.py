"""Settings → Notifications in a real browser: recipients, ticks, a test, what was lost; a mail in the dark."""

import pytest
from django.core.cache import cache
from django.template.loader import render_to_string
from django.test import Client
from playwright.sync_api import expect

from apps.core import clock
from apps.core.scope import account_scope
from apps.notifications import registry
from apps.notifications.letters import Letter
from apps.notifications.models import Delivery, Recipient
from apps.notifications.registry import Kind
from apps.notifications.services import letter_store
from tests.browser.pictures import picture
from tests.browser.rig import SCREENS, Visit
from tests.cast import Cast, prove_again

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {key: kind for key, kind in registry._kinds.items() if not kind.offered}
    monkeypatch.setattr(registry, "_kinds", own)
    for order, label in enumerate(("Summary", "Recovery", "Failures", "New entities", "Alerts")):
        registry.register_kind(Kind(f"x{order}", label, f"What is told as {label.lower()}.", order=order))


def test_recipients_are_added_ticked_and_tried_and_what_is_lost_is_said(visit: Visit, cast: Cast) -> None:
    cache.clear()
    client = Client()
    client.force_login(cast.owner)
    prove_again(client)
    visit.sign_in_as(client)
    page = visit.page
    visit.open("/settings/notifications/")
    visit.check("notifications-empty")
    page.locator("summary", has_text="Add recipient").click()
    page.get_by_role("link", name="E-mail").click()
    page.get_by_label("E-mail").fill("desk@it-partner.example")
    page.get_by_label("Display name").fill("Night desk")
    page.get_by_label("Recovery").uncheck()
    visit.check("notifications-add")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_label("Recovery to Night desk")).not_to_be_checked()
    with account_scope(cast.account.pk):
        Recipient.objects.create(
            account=cast.account, address=cast.owner.email, name="Olivia Romano", user=cast.owner, kinds=["x0"]
        )
        seen = {"view": True, "services": None}
        Recipient.objects.create(
            account=cast.account, way="slack", address="hooks.slack.com", name="Channel", **seen
        )
        desk = Recipient.objects.get(name="Night desk")
        lost = letter_store("x2", Letter("notification_test", {"who": "Olivia"}), desk.address, desk)
        Delivery.objects.filter(pk=lost.pk).update(
            state="failed", said="The mail server said: 552 Mailbox full.", tries=5, settled_at=clock.now()
        )
    visit.open("/settings/notifications/")
    expect(page.get_by_text("552 Mailbox full")).to_be_visible()
    expect(page.get_by_label("Recovery to Night desk")).not_to_be_checked()
    page.get_by_label("Recovery to Night desk").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_label("Recovery to Night desk")).to_be_checked()
    visit.check("notifications")
    picture(visit, "notifications")
    page.get_by_role("button", name="Send a test to Olivia Romano").click()
    expect(page.get_by_role("rowheader", name="A test from Everkeep").first).to_be_visible()
    visit.check("notification-deliveries")
    page.get_by_label("Result").select_option("failed")
    expect(
        page.get_by_role("button", name="Send again: “A test from Everkeep” to desk@it-partner.example")
    ).to_be_visible()


def test_a_mail_is_read_in_the_dark_and_on_a_phone(visit: Visit) -> None:
    parts = {
        "subject": "Two backups failed last night",
        "body": "Bob Smith: the mailbox could not be opened.\n\nCarla Conti: Microsoft asked for patience.",
        "link": "https://everkeep.example/home/a-rather-long-address-that-must-be-broken-somewhere-to-fit/",
        "link_words": "See the backups",
        "name": "Karim",
        "stop": "https://everkeep.example/unsubscribe/x/",
        "kind": "Failures",
    }
    page, html = visit.page, render_to_string("mails/frame.html", parts)
    SCREENS.mkdir(parents=True, exist_ok=True)
    for theme, paper in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(31, 34, 39)")):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": 380, "height": 760})
        page.set_content(html)
        card = page.locator(".m-card").evaluate("e => getComputedStyle(e).backgroundColor")
        assert card == paper
        assert page.evaluate("document.documentElement.scrollWidth") <= 380
        page.screenshot(path=SCREENS / f"mail-380-{theme}.png")
