"""Celery doors of the vault's health."""

from celery import shared_task

from . import health
from .errors import StoreError


@shared_task  # type: ignore[untyped-decorator]
def schedule_checks() -> int:
    """Order the checks that are due, and have acted on what was found meanwhile."""
    for account_id in health.accounts_to_heal():
        heal_account.after_commit(account_id=account_id)
    return health.checks_schedule()


@shared_task(expires=600)  # type: ignore[untyped-decorator]
def heal_account(*, account_id: int) -> str:
    """Act on damage of one vault; returns "" or why it has to wait."""
    try:
        return health.heal_if_possible(account_id)
    except StoreError as error:
        return str(error)


@shared_task  # type: ignore[untyped-decorator]
def dispatch_checks() -> int:
    """Hand open checks that nobody works on to the workers; also what a dead worker left."""
    waiting = health.checks_dispatch()
    for account_id, check_id in waiting:
        work_on_check.after_commit(account_id=account_id, check_id=check_id)
    return len(waiting)


@shared_task(expires=600)  # type: ignore[untyped-decorator]
def work_on_check(*, account_id: int, check_id: int) -> str:
    """Work on a check for a while; the next slice is sent by the one before, or by the beat."""
    if health.run_check(check_id=check_id):
        return "over"
    work_on_check.after_commit(account_id=account_id, check_id=check_id)
    return "goes on"
