"""Keeping immutable what is still needed: locks run out, so they are prolonged in good time.

A store locks a pack for so many days when it is written (store/backends/locks.py). What is still in use when
half of that is left gets the full time again; what garbage collection has retired is let go, and so are
journals that another one has replaced.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from django.db.models import Q

from apps.accounts.selectors import given_up_accounts
from apps.core import clock
from apps.core.scope import account_scope, every_account

from .enums import CopyState, PackState
from .errors import LockUnsupported, StoreError, StoreUnavailable
from .folders import Folders, vault_folder
from .index import owned_connection
from .models import LockedUntil, Pack, Store, VaultKey
from .needless import needed_journals
from .store.backends.base import ObjectStore
from .store.backends.locks import AUDIT_HEADS, Lock
from .store.errors import ObjectMissing
from .store.journal import FOLDER as JOURNALS
from .store.pack import pack_key
from .stores import note_trouble

BATCH: Final = 500
_LAST: Final = datetime(9000, 1, 1, tzinfo=UTC)  # a legal hold lasts longer than databases can say
log = logging.getLogger(__name__)


@dataclass(slots=True)
class LocksExtended:
    """What one call did: `seen` objects were looked at, `extended` of them got more time, `failed` did not."""

    seen: int = 0
    extended: int = 0
    failed: int = 0


def accounts_with_vault() -> list[int]:
    """Return the accounts that have a vault which is not shredded."""
    with every_account("locks and garbage collection look at all vaults"):
        living = VaultKey.objects.filter(shredding_since__isnull=True)
        return list(living.order_by("account_id").values_list("account_id", flat=True))


def locks_extend(*, account_id: int) -> LocksExtended:
    """Prolong the locks of one account's packs and journals that are due, in each of its stores.

    May be called at any time and by several at once: a lock is never shortened. A store that fails is left for
    the next call, and says so on its page. A shredded vault is let go, and so is one of an account that is
    being closed: what is locked anew then would outlive its deletion. Taking that back locks again.
    """
    done = LocksExtended()
    with owned_connection(), account_scope(account_id):
        row = VaultKey.objects.filter(shredding_since__isnull=True).first()
        if row is None or given_up_accounts().filter(pk=account_id).exists():
            return done
        for store in Folders.of(row).stores:
            try:
                folder = vault_folder(store, row.public_id)
                if (lock := folder.describe().lock) is not None:
                    _Pass(account_id, store, folder, lock, done).run()
            except StoreError as error:
                done.failed += 1
                note_trouble(store.pk, error)
                log.warning("Locks in store %s could not be extended: %s", store.store_id, error)
    return done


class _Pass:
    """One look over one store."""

    def __init__(
        self, account_id: int, store: Store, folder: ObjectStore, lock: Lock, done: LocksExtended
    ) -> None:
        self._account_id, self._store, self._folder, self._done = account_id, store, folder, done
        now = clock.now()
        self._due, self._until = now + (lock.until(now) - now) / 2, lock.until(now)

    def run(self) -> None:
        """Extend what is due. Raises StoreError when the store is not there or cannot lock."""
        for packs in self._due_packs():
            for pack in packs:
                until = self._extend(pack_key(bytes(pack.pack_id)))
                if until is not None:
                    self._note(pack, until)
        self._journals()

    def _due_packs(self) -> Iterator[list[Pack]]:
        """Yield the packs of this store that nobody has seen to lately, in the order of their rows."""
        here = Q(store=self._store) | Q(copies__store=self._store, copies__state=CopyState.REPLICA)
        seen_to = LockedUntil.objects.filter(store=self._store, until__gte=self._due, pack__isnull=False)
        last = 0
        while packs := list(
            Pack.objects.filter(here, state=PackState.STORED, pk__gt=last)
            .exclude(pk__in=seen_to.values("pack_id"))
            .order_by("pk")
            .distinct()[:BATCH]
        ):
            last = packs[-1].pk
            yield packs

    def _journals(self) -> None:
        """Journals have no rows: all that are needed are extended together, when the first of them is due."""
        journals = LockedUntil.objects.filter(store=self._store, pack__isnull=True)
        if journals.filter(until__gte=self._due).exists():
            return
        failed = self._done.failed
        for key in needed_journals(self._account_id, self._folder.list(JOURNALS)):
            self._extend(key)
        for found in self._folder.list(AUDIT_HEADS):
            self._extend(found.key)
        if self._done.failed == failed:
            self._note(None, self._until)

    def _extend(self, key: str) -> datetime | None:
        """Return until when an object is kept now, None when that could not be had."""
        self._done.seen += 1
        try:
            held = self._folder.locked_until(key)
            if held is not None and held >= self._due:
                return held
            self._folder.extend_lock(key, self._until)
        except (StoreUnavailable, LockUnsupported):
            raise
        except ObjectMissing:
            return None  # checks name it, with what it held
        except StoreError as error:
            self._done.failed += 1
            log.warning("The lock of %s could not be extended: %s", key, error)
            return None
        self._done.extended += 1
        return self._until

    def _note(self, pack: Pack | None, until: datetime) -> None:
        LockedUntil.objects.update_or_create(
            account_id=self._account_id,
            store=self._store,
            pack=pack,
            defaults={"until": min(until, _LAST)},
        )
