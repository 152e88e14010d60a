"""Doors of the workers."""

import logging

from celery import shared_task

from apps.core.scope import every_account

from .errors import GcRefused, ReferencesUnreadable, StoreError, VaultBusy, VaultTaken
from .gc import collect
from .locks import accounts_with_vault, locks_extend
from .recovery import recovery_keys_tidy_all
from .shredding import shreddings_finish
from .upkeep import accounts_with_copies, keep_copies

log = logging.getLogger("everkeep.vault")


@shared_task  # type: ignore[untyped-decorator]
def finish_keys() -> int:
    """Go on with what a store was not there for: old recovery keys and shreddings. Returns what is left."""
    return recovery_keys_tidy_all() + shreddings_finish()


@shared_task  # type: ignore[untyped-decorator]
def collect_garbage() -> int:
    """Send each account with a vault to `collect_account`; returns how many. Beat calls it every six hours."""
    accounts = accounts_with_vault()
    for account_id in accounts:
        collect_account.after_commit(account_id=account_id)
    return len(accounts)


@shared_task  # type: ignore[untyped-decorator]
def collect_account(*, account_id: int) -> str:
    """Do what is due of garbage collection; returns how it ended in a word."""
    try:
        done = collect(account_id)
    except VaultBusy:
        return "busy"
    except (GcRefused, ReferencesUnreadable):
        return "refused"  # logged, and on the account's activity page
    except (StoreError, VaultTaken) as error:
        log.warning("garbage collection of account %s waits: %s", account_id, error)
        return "store"
    return done.get_state_display() if done else "nothing"


@shared_task  # type: ignore[untyped-decorator]
def extend_locks() -> int:
    """Send each account with a vault to `extend_locks_of`; returns how many. Beat calls it every six hours."""
    accounts = accounts_with_vault()
    for account_id in accounts:
        extend_locks_of.after_commit(account_id=account_id)
    return len(accounts)


@shared_task  # type: ignore[untyped-decorator]
def extend_locks_of(*, account_id: int) -> int:
    """Prolong the locks of one vault that are due. Returns how many."""
    return locks_extend(account_id=account_id).extended


@shared_task  # type: ignore[untyped-decorator]
def look_after_copies() -> int:
    """Send a pass for each account that keeps replicas, or left a store. Returns how many."""
    with every_account("replicas and moves of all accounts are looked after"):
        accounts = accounts_with_copies()
    for account_id in accounts:
        keep_account_copies.after_commit(account_id=account_id)
    return len(accounts)


@shared_task  # type: ignore[untyped-decorator]
def keep_account_copies(*, account_id: int) -> str:
    """Replicas, stragglers and remains of one account. The scope is entered by the task's base class."""
    return keep_copies(account_id)
