"""Base of all Celery tasks: a door that enters the account's scope, then calls one service."""

from typing import Any

from celery import Task
from django.db import transaction

from .actor import SYSTEM, acting_as
from .scope import account_scope


class EverkeepTask(Task):  # type: ignore[misc]
    """Runs in the account named by the keyword `account_id`, in the system's name.

    Send with `task.after_commit(account_id=..., ...)`: a task must never see rows that were rolled back.
    Tasks without `account_id` are the operator's loops and choose their scope themselves.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        account_id = kwargs.get("account_id")
        with acting_as(SYSTEM):
            if account_id is None:
                return super().__call__(*args, **kwargs)
            with account_scope(account_id):
                return super().__call__(*args, **kwargs)

    def after_commit(self, **kwargs: Any) -> None:
        """Queue the task once the transaction around is durable; at once when there is none."""
        transaction.on_commit(lambda: self.apply_async(kwargs=kwargs))
