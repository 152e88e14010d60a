"""Celery doors of the checks that are no statistics."""

from celery import shared_task

from .standing.rounds import accounts_to_look_at, look_at_account


@shared_task(expires=600)  # type: ignore[untyped-decorator]
def look_at_accounts() -> int:
    """Send each account to `look_at_one`, so that none waits for another; beat calls it every 15 minutes."""
    accounts = accounts_to_look_at()
    for account_id in accounts:
        look_at_one.after_commit(account_id=account_id)
    return len(accounts)


@shared_task(expires=900)  # type: ignore[untyped-decorator]
def look_at_one(*, account_id: int) -> int:
    """Look at one account. The task's base class enters the scope."""
    return look_at_account()
