"""Keeping two installations off one vault (V20): who writes, collects or deletes there must own it.

An installation is known by an id in its database. One that was made from a dump of another's database has the
same id: docs/known-limits.md.
"""

import logging
import uuid
from collections.abc import Iterable
from typing import Final

from apps.core import clock
from apps.core.ids import new_public_id
from apps.core.scope import account_scope

from .errors import OwnerUnreadable, StoreError, VaultTaken
from .folders import Folders, vault_folder
from .index import owned_connection
from .models import Installation, Store, VaultKey
from .store.backends.base import ObjectStore
from .store.owner import Owner, read_owner, take

log = logging.getLogger("everkeep.vault")
_ONLY: Final = 1


def installation_id() -> uuid.UUID:
    """Return the id of this installation, made when it is first asked for."""
    defaults = {"installation_id": new_public_id()}
    row, _ = Installation.objects.get_or_create(number=_ONLY, defaults=defaults)
    return row.installation_id


def vault_own(*, account_id: int) -> None:
    """Make sure, in each store of an account's vault that answers, that no other installation has it.

    A vault that has no owner yet becomes ours. A store that does not answer now is not looked at: who cannot
    read there cannot delete there either. Raises VaultTaken, OwnerUnreadable.
    """
    with owned_connection(), account_scope(account_id):
        row = VaultKey.objects.filter(shredding_since=None).first()
        if row is not None:
            _own_all(row, Folders.of(row).stores)


def store_own(*, account_id: int, store_row: int) -> None:
    """The same for one store, which must answer: for who writes there. Raises StoreError too."""
    with owned_connection(), account_scope(account_id):
        row = VaultKey.objects.get()
        folder_own(vault_folder(Store.objects.get(pk=store_row), row.public_id), str(row.account.public_id))


def folder_own(folder: ObjectStore, account: str = "") -> None:
    """Make sure that a vault's folder is ours, or nobody's until now. Raises VaultTaken, StoreError."""
    ours = installation_id()
    owner = read_owner(folder) or take(folder, ours, clock.now())
    if owner is None or owner.installation != ours:
        raise _taken(owner, f"--account {account}" if account else "")


def folder_is_ours(folder: ObjectStore, claim: str) -> None:
    """Refuse a vault that another installation has; `claim` are arguments of the command that takes it over.

    Writes nothing. Raises VaultTaken, StoreError.
    """
    owner = read_owner(folder)
    if owner is not None and owner.installation != installation_id():
        raise _taken(owner, claim)


def folder_claim(folder: ObjectStore) -> Owner | None:
    """Take a vault over, whoever had it; returns whose it was when that was another. Raises StoreError."""
    ours = installation_id()
    try:
        before = read_owner(folder)
    except OwnerUnreadable:
        before = None
    if before is not None and before.installation == ours:
        return None
    after = take(folder, ours, clock.now())
    if after is None or after.installation != ours:
        raise _taken(after, "")
    return before


def vault_claim(*, account_id: int) -> list[str]:
    """Take an account's vault over in each of its stores; returns a line about each. Raises StoreError."""
    with account_scope(account_id):
        row = VaultKey.objects.get()
        lines = []
        for store in Folders.of(row).stores:
            before = folder_claim(vault_folder(store, row.public_id))
            lines.append(f"{store.url}: ours now{_was(before)}.")
    return lines


def _own_all(row: VaultKey, stores: Iterable[Store]) -> None:
    for store in stores:
        try:
            folder_own(vault_folder(store, row.public_id), str(row.account.public_id))
        except OwnerUnreadable:
            raise
        except StoreError as error:
            log.warning("Whose the vault in store %s is cannot be asked: %s", store.store_id, error)


def _taken(owner: Owner | None, claim: str) -> VaultTaken:
    which = f" ({owner.installation}, since {owner.since:%-d %B %Y})" if owner else ""
    command = f"manage.py vault claim {claim}".strip()
    return VaultTaken(
        f"These backups belong to another installation of Everkeep{which}. Nothing was written or deleted.",
        do=f"If that installation is gone for good: {command}. While it works, leave its backups to it.",
    )


def _was(before: Owner | None) -> str:
    return f"; before, installation {before.installation} had it" if before else ""
