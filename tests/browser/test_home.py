"""Home with tasks in it, in the states of a bad day, at both widths and in both themes."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from apps.backups.enums import EntityState, Verdict
from apps.connectors.enums import ConnectionState
from apps.core import clock
from apps.core.scope import account_scope
from tests.backups.makers import make_connection, make_mailbox, make_protected, make_run, make_task
from tests.browser.rig import Visit
from tests.cast import Cast


@pytest.fixture
def bad_day(cast: Cast) -> None:
    """Five tasks: lost sign-in, partial, not chosen, running, and one that is well."""
    now = clock.now()
    with account_scope(cast.account.pk):
        shop = make_connection(
            cast.account,
            name="shop.example",
            state=ConnectionState.DISCONNECTED,
            state_since=now - timedelta(days=3),
            state_reason="The consent was withdrawn.",
        )
        old = now - timedelta(days=3)
        make_protected(make_task(shop, name="Intranet"), "Old Shop", last_snapshot_at=old, size=18_900_000_000)
        mail = make_task(make_connection(cast.account), name="Mail and calendars")
        for name, verdict in (("Agata Brown", Verdict.SUCCESS), ("Bob Smith", Verdict.PARTIAL)):
            began = now - timedelta(days=20)
            box = make_protected(mail, name, verdict, size=14_000_000_000, first_snapshot_at=began)
            for days in range(14):
                outcome = verdict if days in (0, 5) else Verdict.SUCCESS
                make_run(box, started_at=now - timedelta(days=days), verdict=outcome)
        make_mailbox(mail, "Charles Wilson", state=EntityState.PAUSED)
        make_mailbox(make_task(make_connection(cast.account), name="Shop counters"), "Counter one")
        drivers = make_task(make_connection(cast.account), name="Drivers")
        make_protected(drivers, "Dora Driver", lease_until=now + timedelta(minutes=1), lease_owner="w1")
        make_protected(make_task(make_connection(cast.account), name="Company mail"), "Erin Oak")


def test_home_on_a_bad_day_is_sound(olivia: Visit, bad_day: None) -> None:
    olivia.open("/")
    expect(olivia.page.get_by_role("article")).to_have_count(5)
    expect(olivia.page.get_by_role("article", name="Shop counters")).to_contain_text("0 of 1 active")
    expect(olivia.page.get_by_role("link", name="Choose mailboxes: Shop counters")).to_be_visible()
    olivia.check("home")


def test_home_follows_what_happens_without_a_reload_and_keeps_the_focus(olivia: Visit, bad_day: None) -> None:
    olivia.open("/")
    settings = olivia.page.get_by_role("link", name="Settings of Drivers")
    settings.focus()
    with olivia.page.expect_response(lambda answer: answer.url.rstrip("/") == olivia.base_url, timeout=30_000):
        pass
    expect(olivia.page.get_by_role("article")).to_have_count(5)
    expect(settings).to_be_focused()
    assert olivia.complaints == []
