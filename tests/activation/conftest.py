"""A task with people of three departments, inside the scope of its account."""

from collections.abc import Iterator
from typing import Any

import pytest

from apps.activation import tasks
from apps.backups.models import BackupTask, Entity
from apps.core import clock
from apps.core.scope import account_scope
from tests.backups.makers import make_connection, make_mailbox, make_task
from tests.cast import Cast


@pytest.fixture
def task(cast: Cast) -> Iterator[BackupTask]:
    """Pizza Perfecto's task “Mail”; the test runs inside the account's scope."""
    with account_scope(cast.account.pk):
        yield make_task(make_connection(cast.account), discovered_at=clock.now())


@pytest.fixture
def person(task: BackupTask) -> Any:
    """Make a mailbox of the task: `person("Agata Brown", "Kitchen")`."""

    def make(name: str, department: str = "", **fields: Any) -> Entity:
        properties = {"department": department} if department else {}
        return make_mailbox(task, name, **{"properties": properties, **fields})

    return make


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What was handed to the worker."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.follow_rule, "after_commit", lambda **sent: messages.append(sent))
    return messages
