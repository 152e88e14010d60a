"""Days of retention end where the account is."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.test import Client
from django.urls import reverse

from apps.activity.models import SecurityEvent
from apps.backups.models import BackupTask
from apps.backups.retention.deciding import Past, decide
from apps.backups.retention.marking import chains
from apps.backups.retention.rules import KeepSteps, Rule
from apps.backups.schedule_forms import RuleForm
from apps.core import clock
from apps.core.scope import account_scope
from tests.backups.makers import make_protected, make_run, make_snapshot
from tests.cast import Cast

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)


def test_a_day_of_a_rule_and_the_first_word_of_a_schedule_are_the_accounts(
    client: Client, cast: Cast, task: BackupTask
) -> None:
    """Midnight of Auckland lies between the first two backups, that of UTC does not."""
    entity = make_protected(task, "Agata Brown")
    noon = clock.now().replace(hour=12, minute=0) - timedelta(days=30)
    for number, hours in enumerate((-2, 1, 25, 49, 73), start=1):
        at = noon + timedelta(hours=hours)
        run = make_run(entity, verdict="success", started_at=at, finished_at=at)
        make_snapshot(run, number, taken_at=at, items=10, size=1_000)
    rule = Rule(KeepSteps(daily=9))
    client.force_login(cast.owner)
    changes = [("", [1]), ("Pacific/Auckland", []), ("Nowhere/At_all", []), ("UTC", []), ("Asia/Tokyo", [])]
    for zone, going in changes:
        client.post(reverse("account_settings"), {"name": "Pizza Perfecto", "time_zone": zone})
        (chain,) = chains(entity, rule, now=clock.now())
        assert chain.going == going, f"{zone}: what a zone since then keeps is kept"
    said = SecurityEvent.objects.filter(code="account.zone_changed").order_by("sequence")
    words = ["UTC to Pacific/Auckland", "Pacific/Auckland to UTC", "UTC to Asia/Tokyo"]
    assert [row.description for row in said] == [f"From {each}." for each in words]
    client.post(reverse("account_settings"), {"name": "Pizza Perfecto", "time_zone": "Asia/Jerusalem"})
    with account_scope(cast.account.pk):
        assert 'value="Asia/Jerusalem" selected' in str(RuleForm()["zone"])


def test_switching_zones_every_day_lets_nothing_go_and_new_days_are_those_of_the_new_zone() -> None:
    """Each day has one backup at noon of UTC; by a clock of thirteen hours more it belongs to the next day."""
    far = timezone(timedelta(hours=13))
    past = [Past(number, NOON + timedelta(days=number), "success", 10, 1_000) for number in range(1, 41)]
    newest = past[-1].taken_at

    def gone(zone: timezone, *left: tuple[datetime, timezone], more: int = 0, **keep: int) -> list[int]:
        rows = past + [
            Past(40 + n, newest + timedelta(days=1, hours=n), "success", 10, 1_000) for n in range(1, more + 1)
        ]
        fates = decide(rows, KeepSteps(**keep), now=NOON + timedelta(days=90), zone=zone, left=left)
        return [fate.past.number for fate in fates if not fate.stays]

    before = gone(UTC, monthly=3)
    assert set(gone(far, monthly=3)) - set(before), "by another clock alone another one would go"
    assert not set(gone(far, (newest, UTC), monthly=3)) - set(before)
    left = [(newest - timedelta(hours=1), UTC), (newest, far)]
    assert not set(gone(UTC, *left, monthly=3)) - set(before)
    assert gone(far, (newest, UTC), more=9, daily=5)[-6:] == [*range(41, 47)], "one new day"
