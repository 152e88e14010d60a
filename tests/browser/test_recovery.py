"""Recovery in a real browser: keyboard, small screens, and mail that tries to call home."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from apps.backups.enums import Verdict
from apps.backups.models import Snapshot
from apps.backups.selectors.browse import node_key
from apps.core.scope import account_scope
from tests.browser.rig import Visit
from tests.cast import Cast
from tests.recovery.factories import FIRST_DAY, Mailbox, mail, make_entity, make_export, make_plan, store
from tests.recovery.test_hostile_mail import ATTACKS

SUBJECTS = [
    "Invoice 2026-1107, mozzarella di bufala",
    "Re: Oven maintenance on Thursday",
    "Shift plan, week 47",
    "Candidate for office manager",
    "Van 3 is back from repair",
]
PEOPLE = ["Latteria Colli", "Agata Brown", "Mila Scott", "Jacob Anderson", "Jessica Miller"]


@pytest.fixture
def backup(cast: Cast, transactional_db: None) -> Iterator[Snapshot]:
    with account_scope(cast.account.pk):
        box = Mailbox(make_entity())
        for remote_id, name, known in [
            ("inbox", "Inbox", "inbox"),
            ("drafts", "Drafts", "drafts"),
            ("sent", "Sent Items", "sentitems"),
            ("archive", "Archive", "archive"),
        ]:
            box.folder(remote_id, name, well_known=known)
        box.folder("suppliers", "Suppliers", parent="inbox")
        box.folder("old", "Restored 2026-09-02")
        for number in range(62):
            at = number % 5
            box.item(
                f"m{number}",
                "inbox",
                SUBJECTS[at],
                author=PEOPLE[at],
                size=18_400 + number,
                time=FIRST_DAY - timedelta(hours=number),
                has_attachments=at == 0,
                content=store(mail(SUBJECTS[at], f"Good morning, number {number}.\n\nAll is well.")),
            )
        # What never closes its style swallows the rest: it comes last.
        attacks = sorted(ATTACKS, key=lambda attack: "<math" in attack or "<!--" in attack)
        html = "<h2>Offer</h2>" + "".join(attacks[:-2]) + "<p>The end</p>" + "".join(attacks[-2:])
        box.item(
            "hostile",
            "inbox",
            "Special offer",
            author="Stranger",
            time=FIRST_DAY + timedelta(hours=1),
            size=9_000,
            content=store(mail("Special offer", "plain", html=html)),
        )
        box.day(FIRST_DAY)
        box.day(FIRST_DAY + timedelta(days=1), verdict=Verdict.PARTIAL)
        box.failed_day(FIRST_DAY + timedelta(days=2))
        box.remove("m1")
        box.day(FIRST_DAY + timedelta(days=3))
        yield box.day(FIRST_DAY + timedelta(days=3, hours=6))


@pytest.fixture
def rita(cast: Cast, backup: Snapshot, visit: Visit) -> Visit:
    client = Client()
    client.force_login(cast.restorer)
    visit.sign_in_as(client)
    return visit


def test_choosing_a_mailbox_and_a_day_is_sound(rita: Visit, backup: Snapshot) -> None:
    rita.open(reverse("recovery"))
    rita.check("recovery-list")
    rita.page.get_by_role("link", name="Choose a day of Bob Smith").click()
    expect(rita.page.get_by_role("heading", name="Wednesday, 4 November")).to_be_visible()
    rita.check("recovery-day")
    rita.page.get_by_role("link", name="2 November").click()
    expect(rita.page.get_by_role("heading", name="Monday, 2 November")).to_be_visible()
    rita.page.get_by_role("link", name="Open this backup").click()
    expect(rita.page.get_by_role("heading", name="Inbox")).to_be_visible()


def test_browsing_ticking_and_previewing_is_sound(rita: Visit, backup: Snapshot) -> None:
    rita.open(reverse("recovery_browse", args=[backup.run.public_id]))
    page = rita.page
    page.get_by_role("link", name="Latteria Colli").first.click()
    expect(page.locator("#preview")).to_contain_text("Good morning, number 0.")
    page.get_by_label("Select: Shift plan, week 47").first.check()
    expect(page.locator("#selection")).to_contain_text("1 message")
    page.get_by_role("link", name="Show 50 more").click()
    expect(page.locator(".ek-mails input[name=item]")).to_have_count(62)
    page.get_by_label("Select all shown").check()
    expect(page.locator("#selection")).to_contain_text("62 messages")
    rita.check("recovery-browse")
    page.get_by_role("link", name="Suppliers").click()
    expect(page.get_by_role("heading", name="Suppliers")).to_be_visible()
    expect(page.locator("#selection")).to_contain_text("62 messages")
    page.get_by_role("link", name="Show", exact=True).click()
    rita.check("recovery-selection")


def test_a_message_opens_and_is_ticked_by_keyboard_alone(rita: Visit, backup: Snapshot) -> None:
    rita.open(reverse("recovery_browse", args=[backup.run.public_id]))
    page = rita.page
    page.get_by_label("Select: Special offer").focus()
    page.keyboard.press("Space")
    expect(page.locator("#selection")).to_contain_text("1 message")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#preview iframe")).to_be_visible()
    assert page.locator("[data-open-row][aria-current]").count() == 1


def test_finding_by_sender_and_sorting_stay_in_the_folder(rita: Visit, backup: Snapshot) -> None:
    rita.open(reverse("recovery_browse", args=[backup.run.public_id]))
    page = rita.page
    page.get_by_label("Find in Inbox by sender or subject").fill("mila")
    page.keyboard.press("Enter")
    expect(page.locator(".ek-mails input[name=item]")).to_have_count(12)
    page.get_by_label("Find in Inbox by sender or subject").fill("nobody at all")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No sender or subject with")).to_be_visible()


def test_a_hostile_mail_runs_nothing_and_calls_nobody(rita: Visit, backup: Snapshot) -> None:
    asked: list[str] = []
    rita.page.on("request", lambda request: asked.append(request.url))
    rita.page.on("dialog", lambda dialog: asked.append("dialog"))
    rita.open(reverse("recovery_item", args=[backup.public_id, node_key("hostile")]))
    frame = rita.page.frame_locator("iframe.ek-letter-frame")
    expect(frame.get_by_text("The end")).to_be_visible()
    rita.page.wait_for_timeout(500)
    assert [url for url in asked if not url.startswith((rita.base_url, "data:"))] == []
    inner = next(f for f in rita.page.frames if f.url.endswith("/letter/"))
    assert (
        rita.page.evaluate(
            "() => { try { return document.querySelector('iframe').contentDocument } catch { return null } }"
        )
        is None
    )
    assert inner.locator("script, form, svg, link, meta[http-equiv], base, iframe, object").count() == 0
    rita.check("recovery-item")


def test_the_way_to_a_restore_and_to_an_export_is_sound(rita: Visit, backup: Snapshot, cast: Cast) -> None:
    page = rita.page
    rita.open(reverse("recovery_browse", args=[backup.run.public_id]))
    page.get_by_label("Select: Special offer").check()
    page.get_by_role("link", name="Restore", exact=True).click()
    expect(page.get_by_role("heading", name="Restore 1 message")).to_be_visible()
    rita.check("restore-options")
    with account_scope(cast.account.pk):
        plan = make_plan(
            backup,
            user_id=cast.restorer.pk,
            mode="replace",
            state="ready",
            rows=[
                {"kind": "Mail", "folder": "Inbox", "create": 3, "replace": 2, "skip": 0, "size": 36_900_000}
            ],
        )
    rita.open(reverse("recovery_plan", args=[plan.public_id]))
    expect(page.get_by_text("Yes, overwrite 2 items in the mailbox of Bob Smith")).to_be_visible()
    rita.check("restore-plan")
    rita.open(reverse("recovery_export", args=[backup.run.public_id]))
    rita.check("export")


def test_a_plan_that_failed_and_the_parts_of_an_export_are_sound(
    rita: Visit, backup: Snapshot, cast: Cast, tmp_path: Path, settings: Any
) -> None:
    settings.DATA_DIR = tmp_path
    with account_scope(cast.account.pk):
        plan = make_plan(
            backup,
            user_id=cast.restorer.pk,
            mode="skip",
            state="failed",
            message="Microsoft no longer accepts our sign-in.",
        )
    rita.open(reverse("recovery_plan", args=[plan.public_id]))
    rita.check("restore-plan-failed")
    rita.open(reverse("recovery_downloads", args=[make_export(cast).public_id]))
    rita.check("export-downloads")
