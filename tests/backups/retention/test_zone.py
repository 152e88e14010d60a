"""Days of retention end where the account is."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.activity.models import SecurityEvent
from apps.backups.models import BackupTask
from apps.backups.retention.marking import chains
from apps.backups.retention.rules import KeepSteps, Rule
from apps.backups.schedule_forms import RuleForm
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
    for number, hours in enumerate((-2, 1, 25, 49, 73), start=1):
        at = NOON + timedelta(hours=hours)
        run = make_run(entity, verdict="success", started_at=at, finished_at=at)
        make_snapshot(run, number, taken_at=at, items=10, size=1_000)
    rule = Rule(KeepSteps(daily=9))
    client.force_login(cast.owner)
    for zone, going in (("", [1]), ("Pacific/Auckland", []), ("Nowhere/At_all", []), ("UTC", [1])):
        client.post(reverse("account_settings"), {"name": "Pizza Perfecto", "time_zone": zone})
        (chain,) = chains(entity, rule, now=NOON + timedelta(days=9))
        assert chain.going == going, zone
    said = SecurityEvent.objects.filter(code="account.zone_changed").order_by("sequence")
    words = ["From UTC to Pacific/Auckland.", "From Pacific/Auckland to UTC."]
    assert [row.description for row in said] == words
    client.post(reverse("account_settings"), {"name": "Pizza Perfecto", "time_zone": "Asia/Jerusalem"})
    with account_scope(cast.account.pk):
        assert 'value="Asia/Jerusalem" selected' in str(RuleForm()["zone"])
