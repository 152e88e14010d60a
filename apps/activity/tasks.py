"""Doors of the workers."""

from celery import shared_task

from .heads import accounts_with_chain, head_keep
from .stream.services import stream_send, streams_due
from .verify import chain_check, check_is_due


@shared_task  # type: ignore[untyped-decorator]
def look_after_chains() -> int:
    """Send each account with an audit to `look_after_chain`; returns how many. Beat calls it every hour."""
    accounts = accounts_with_chain()
    for account_id in accounts:
        look_after_chain.after_commit(account_id=account_id)
    return len(accounts)


@shared_task  # type: ignore[untyped-decorator]
def look_after_chain(*, account_id: int) -> str:
    """Once a day: keep the head elsewhere, then check the chain. Returns what was done in a word."""
    head_keep(account_id)
    if not check_is_due(account_id):
        return "checked today"
    return "unbroken" if chain_check(account_id).unbroken else "broken"


@shared_task  # type: ignore[untyped-decorator]
def check_chain(*, account_id: int) -> str:
    """Check the chain because a person asked for it."""
    return "unbroken" if chain_check(account_id).unbroken else "broken"


@shared_task  # type: ignore[untyped-decorator]
def send_streams() -> int:
    """Send each account whose stream has something new to `send_stream`; returns how many."""
    accounts = streams_due()
    for account_id in accounts:
        send_stream.after_commit(account_id=account_id)
    return len(accounts)


@shared_task(expires=60)  # type: ignore[untyped-decorator]
def send_stream(*, account_id: int) -> int:
    """Send what is new to one account's SIEM. The scope is entered by the task's base class."""
    return stream_send()
