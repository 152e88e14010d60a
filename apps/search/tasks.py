"""Celery doors of search."""

from celery import shared_task

from apps.core.errors import EverkeepError

from .dispatch import accounts_to_index
from .indexing import index_account
from .services import note_failure


@shared_task(expires=60)  # type: ignore[untyped-decorator]
def send_index_work() -> int:
    """Send the accounts whose turn it is to `bring_in`; beat calls it every minute. Returns how many."""
    accounts = accounts_to_index()
    for account_id in accounts:
        bring_in.after_commit(account_id=account_id)
    return len(accounts)


@shared_task(expires=120)  # type: ignore[untyped-decorator]
def bring_in(*, account_id: int) -> int:
    """Do one pass over an account; returns how many versions it brought in."""
    try:
        done = index_account(account_id)
    except EverkeepError as error:
        note_failure(account_id, str(error))
        return 0
    except Exception as error:
        note_failure(account_id, f"{type(error).__name__}: the log of the worker says where.")
        raise
    if done.more:  # whoever waits the longest is next, which may be this account again
        send_index_work.after_commit()
    return done.added
