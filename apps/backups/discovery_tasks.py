"""Celery doors of discovery."""

from datetime import datetime

from celery import shared_task

from apps.core.scope import account_scope, every_account

from .services import discovery


@shared_task  # type: ignore[untyped-decorator]
def discover_task(*, account_id: int, task_id: int, since: str) -> None:
    """Bring one task's list of entities up to date; `since` is the claim this discovery holds."""
    discovery.discover(task_id=task_id, since=datetime.fromisoformat(since))


@shared_task  # type: ignore[untyped-decorator]
def discover_due_tasks() -> None:
    """Look for new and gone entities of every task once a day."""
    with every_account("the daily look for new mailboxes covers all accounts"):
        due = discovery.tasks_to_discover()
    for task in due:
        with account_scope(task.account_id):
            discovery.start_discovery(task=task)
