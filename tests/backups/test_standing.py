"""What partners see of their customers' backups."""

from datetime import timedelta

import pytest

from apps.backups.enums import EntityState
from apps.backups.standing import standings
from apps.core import clock
from apps.core.scope import account_scope
from tests.backups.makers import make_connection, make_mailbox, make_protected, make_task
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def test_a_mailbox_that_is_not_backed_up_is_a_problem_whatever_its_last_run_said(cast: Cast) -> None:
    def ago(days: int) -> dict[str, object]:
        return {"last_snapshot_at": clock.now() - timedelta(days=days)}

    with account_scope(cast.account.pk):
        connection = make_connection(cast.account)
        daily = make_task(connection)
        weekly = make_task(connection, name="Weekly")
        in_days = {"overdue_at": clock.now() + timedelta(days=2)}
        make_protected(daily, "Fine")
        make_protected(daily, "Late by some hours", last_snapshot_at=clock.now() - timedelta(hours=30))
        make_protected(weekly, "Weekly", **ago(5), **in_days)
        make_mailbox(daily, "Paused", state=EntityState.PAUSED)
        assert standings([cast.account.pk])[cast.account.pk].problems == 0
        make_mailbox(daily, "Never", state=EntityState.ACTIVE)
        make_protected(daily, "Old", **ago(3))
        make_protected(weekly, "Very old", **ago(15))
        make_protected(daily, "Failed", "failed")
        assert standings([cast.account.pk])[cast.account.pk].problems == 4
