"""What tests of the chain do behind the application's back."""

from typing import Any

from django.db import connection

from apps.accounts.models import Account
from apps.activity.audit import audit
from apps.activity.models import SecurityEvent
from apps.core.scope import account_scope


def act(account: Account, count: int = 1, **details: Any) -> list[SecurityEvent]:
    """Write so many entries."""
    with account_scope(account.pk):
        return [audit("task.changed", description=f"Act {n}", **details) for n in range(1, count + 1)]


def sql(statement: str, *values: Any) -> None:
    """Change the database as whoever has its password can."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
