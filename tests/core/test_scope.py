"""Tenancy is fail-closed: without a scope nothing is read, inside one nothing foreign is."""

import pytest

from apps.activity.models import Activity
from apps.activity.services import record
from apps.core.scope import ScopeMissing, ScopeViolated, account_scope, every_account
from tests.cast import Cast


def test_a_scoped_query_outside_a_scope_raises(db: None) -> None:
    with pytest.raises(ScopeMissing):
        Activity.objects.count()


def test_an_account_sees_its_own_rows_and_no_others(cast: Cast) -> None:
    with account_scope(cast.account.pk):
        record("task.created", item_label="ours")
    with account_scope(cast.other_account.pk):
        record("task.created", item_label="theirs")
        assert [row.item_label for row in Activity.objects.all()] == ["theirs"]
    with every_account("test"):
        assert Activity.objects.count() == 2


def test_a_row_of_another_account_cannot_be_written(cast: Cast) -> None:
    with account_scope(cast.account.pk), pytest.raises(ScopeViolated):
        Activity.objects.create(account_id=cast.other_account.pk, code="task.created", status="done")
