"""Celery doors of backups."""

from celery import shared_task

from apps.core.scope import every_account

from .engine import run_backup
from .tick import RUN_ENTITY, dispatch_due


@shared_task(expires=60)  # type: ignore[untyped-decorator]
def tick() -> int:
    """Send backups that are due; beat calls it every few seconds, and `backup_now` at once."""
    with every_account("pick due backups of all accounts, fairly"):
        return dispatch_due()


@shared_task(name=RUN_ENTITY)  # type: ignore[untyped-decorator]
def run_entity(*, account_id: int, entity_id: int, token: str = "") -> str:
    """Back up one entity, if the message is still valid."""
    ending = run_backup(account_id=account_id, entity_id=entity_id, token=token)
    tick.after_commit()  # a worker is free again: the next is sent now, not at the next beat
    return ending
