"""Doors of the workers."""

from celery import shared_task

from .sending import accounts_due, forget_old, send_due


@shared_task  # type: ignore[untyped-decorator]
def send_letters() -> int:
    """Hand each account that has letters to send to `send_letters_of`; returns how many. Beat calls it."""
    accounts = accounts_due()
    for account_id in accounts:
        send_letters_of.after_commit(account_id=account_id)
    return len(accounts)


@shared_task(expires=300)  # type: ignore[untyped-decorator]
def send_letters_of(*, account_id: int) -> int:
    """Send what is due of one account. The scope is entered by the task's base class."""
    return send_due()


@shared_task  # type: ignore[untyped-decorator]
def forget_old_letters() -> int:
    """Forget the words of old letters, and very old rows. Beat calls it once a day."""
    return forget_old()
