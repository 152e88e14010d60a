"""Alerts in a real browser: the list, one alert beside what is usual, acknowledging, settings."""

from collections.abc import Iterator
from datetime import timedelta
from unittest.mock import patch

import pytest
from playwright.sync_api import expect

from apps.accounts.models import User
from apps.alerts.models import Alert, Measure
from apps.alerts.services import alert_raise
from apps.core import clock
from apps.core.actor import SYSTEM, acting_as
from apps.core.scope import account_scope
from tests.browser.pictures import picture
from tests.browser.rig import Visit
from tests.browser.test_health_page import signed_in
from tests.cast import Cast
from tests.recovery.factories import Mailbox, make_entity


@pytest.fixture
def alerts(cast: Cast, transactional_db: None) -> Iterator[Alert]:
    """A mass deletion of the last of thirty backups, a rule that forwards, and a connection that ends."""
    now = clock.now()
    with patch("celery.app.task.Task.apply_async"), account_scope(cast.account.pk), acting_as(SYSTEM):
        entity = make_entity()
        box = Mailbox(entity)
        box.folder("inbox", "Inbox", well_known="inbox")
        for number in range(3):
            box.item(f"m{number}", "inbox")
        box.day()
        box.remove("m0")
        box.day()
        for number in range(3, 31):
            box.item(f"n{number}", "inbox")
            box.day()
        box.remove("m1")
        box.day()
        for number in range(1, 32):
            Measure.objects.create(
                account=cast.account, entity=entity, sub_service="mail", snapshot_number=number,
                taken_at=now - timedelta(days=31 - number), removed=400 if number == 31 else number * 7 % 40,
            )  # fmt: skip
        severe = alert_raise(
            "mass_deletion", f"mass_deletion:{entity.pk}", severity="critical", entity=entity,
            sub_service="mail", metric="removed", snapshot_number=31,
            facts={"value": 400, "low": 0, "high": 60, "learnt": 30},
        )  # fmt: skip
        alert_raise(
            "forwarding", f"forwarding:{entity.pk}:1", severity="warning", entity=entity,
            sub_service="settings",
            facts={"rule": "Rule: Invoices", "to": ["away@evil.example"], "outside": ["away@evil.example"]},
        )  # fmt: skip
        alert_raise(
            "expiring", "expiring:1:exchange", severity="notice", task=entity.task, facts={
                "label": "pizza-perfecto.example", "what": "Client secret", "days": 20, "is_over": False,
                "ends": (now + timedelta(days=20)).isoformat(),
            },
        )  # fmt: skip
        yield severe


def open_as(visit: Visit, person: User, path: str) -> Visit:
    signed_in(visit, person).open(path)
    return visit


def test_an_alert_is_found_looked_at_and_acknowledged(cast: Cast, alerts: Alert, visit: Visit) -> None:
    olivia = open_as(visit, cast.owner, "/alerts/")
    olivia.check("alerts-list")
    olivia.page.get_by_role("link", name="Many items deleted").click()
    expect(olivia.page.get_by_text("400 deleted items in one backup. Usual here: 0 to 60.")).to_be_visible()
    expect(olivia.page.get_by_text("On legal hold since")).to_be_visible()
    olivia.check("alert")
    picture(olivia, "alert")
    olivia.page.get_by_role("link", name="Open the exact items").click()
    expect(olivia.page.get_by_text("Deleted").first).to_be_visible()
    olivia.open(f"/alerts/{alerts.public_id}/")
    olivia.page.get_by_label("A word for the others").fill("Bob tidied up")
    olivia.page.get_by_role("button", name="Acknowledge").click()
    expect(olivia.page.get_by_text("Bob tidied up")).to_be_visible()
    olivia.open("/")
    expect(olivia.page.get_by_role("link", name="2 open alerts")).to_be_visible()
    olivia.open("/settings/alerts/")
    olivia.check("alert-settings")
