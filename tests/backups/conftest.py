"""A task with nothing in it, inside the scope of its account."""

from collections.abc import Iterator

import pytest

from apps.backups.models import BackupTask
from apps.core.scope import account_scope
from tests.cast import Cast

from .makers import make_connection, make_task


@pytest.fixture
def task(cast: Cast) -> Iterator[BackupTask]:
    """Pizza Perfecto's task “Mail”; the test runs inside the account's scope."""
    with account_scope(cast.account.pk):
        yield make_task(make_connection(cast.account))
