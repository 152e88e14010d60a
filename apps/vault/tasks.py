"""Doors of the workers."""

import logging

from celery import shared_task

from apps.core.scope import every_account

from .errors import GcRefused, ReferencesUnreadable, StoreError, VaultBusy
from .gc import collect
from .models import VaultKey
from .recovery import recovery_keys_tidy_all
from .shredding import shreddings_finish

log = logging.getLogger("everkeep.vault")


@shared_task  # type: ignore[untyped-decorator]
def finish_keys() -> int:
    """Go on with what a store was not there for: old recovery keys and shreddings. Returns what is left."""
    return recovery_keys_tidy_all() + shreddings_finish()


@shared_task  # type: ignore[untyped-decorator]
def collect_garbage() -> int:
    """Send each account with a vault to `collect_account`; returns how many. Beat calls it every six hours."""
    with every_account("garbage collection looks at all vaults"):
        whole = VaultKey.objects.filter(shredding_since=None)
        accounts = list(whole.order_by("account_id").values_list("account_id", flat=True))
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
    except StoreError as error:
        log.warning("garbage collection of account %s waits: %s", account_id, error)
        return "store"
    return done.get_state_display() if done else "nothing"
