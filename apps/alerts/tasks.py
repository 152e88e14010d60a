"""Celery doors of what is measured."""

from celery import shared_task

from .pulling import accounts_to_measure, pull


@shared_task(expires=60)  # type: ignore[untyped-decorator]
def send_measuring() -> int:
    """Send each account with snapshots to measure; beat calls it every minute. Returns how many."""
    accounts = accounts_to_measure()
    for account_id in accounts:
        measure_account.after_commit(account_id=account_id)
    return len(accounts)


@shared_task(expires=60)  # type: ignore[untyped-decorator]
def measure_account(*, account_id: int) -> int:
    """Do one pass over an account, which ends soon: what is left waits for the next beat, behind the others."""
    return pull().measured
