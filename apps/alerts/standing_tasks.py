"""Celery doors of the checks that are no statistics."""

from celery import shared_task

from .forgetting import forget_over
from .standing import room
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


@shared_task  # type: ignore[untyped-decorator]
def forget_old_alerts() -> int:
    """Forget alerts that have been over for long. Beat calls it once a day."""
    return forget_over()


@shared_task(expires=3600)  # type: ignore[untyped-decorator]
def look_at_room() -> int:
    """Send each connection whose report is due to `look_at_room_of`; beat calls it every hour."""
    due = room.connections_due()
    for account_id, connection_id in due:
        look_at_room_of.after_commit(account_id=account_id, connection_id=connection_id)
    return len(due)


@shared_task(expires=3600)  # type: ignore[untyped-decorator]
def look_at_room_of(*, account_id: int, connection_id: int) -> str:
    """Ask how full the mailboxes of one connection are. The task's base class enters the scope."""
    return room.look(connection_id)
