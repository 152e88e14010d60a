"""Packs in several stores: brought to another one, replicated, healed, dropped where they are not needed.

Nothing is believed that was not read: a pack is checked blob by blob before it is copied, and what was written
is read back and compared. Numbers of the rules (C1…) are those of docs/storage.md. Callers hold the vault's
maintenance lease (leases.py), whose guard each change of rows is made under.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet

from apps.core import clock

from .enums import CopyState, PackState
from .envelopes import envelopes_bring
from .errors import BlobMissing, ObjectLocked, StoreError, VaultError
from .folders import vault_folder
from .index import DatabaseIndex
from .leases import Maintenance
from .models import Pack, PackCopy, Shelf, Store, VaultKey
from .services import open_vault
from .store.backends.base import ObjectStore
from .store.backends.locks import AUDIT_HEADS
from .store.check import Claim, PackChecker
from .store.errors import ObjectMissing
from .store.journal import FOLDER as JOURNALS
from .store.keys import KEYS, SEARCH
from .store.mirror import OneObject, copies_of
from .store.owner import FOLDER as OWNERS
from .store.pack import pack_key

GRACE: Final = timedelta(days=7)  # what a move leaves behind stays so long: longer than any reader reads
TRY_AGAIN: Final = timedelta(minutes=15)


class Copier:
    """Copies packs of one account. Memory: two packs. Wants the account's scope; for one thread."""

    def __init__(self, account_id: int) -> None:
        self._vault = open_vault(account_id=account_id)
        self._vault_id = VaultKey.objects.get(account_id=account_id).public_id
        self._folders: dict[int, ObjectStore] = {}

    def folder(self, store: Store) -> ObjectStore:
        """Return the vault's folder in a store, which has proved its id. Raises StoreError."""
        if store.pk not in self._folders:
            self._folders[store.pk] = vault_folder(store, self._vault_id)
        return self._folders[store.pk]

    def bring(self, pack: Pack, target: Store) -> None:
        """Make a whole copy of a pack durable in `target`. Harmless to repeat.

        Raises BlobMissing when no store has a whole copy, StoreError.
        """
        key, folder = pack_key(bytes(pack.pack_id)), self.folder(target)
        there = _found(folder, key)
        if there is not None and self.is_whole(pack, there):
            return
        data = self._whole_copy(pack, key, without=folder)
        if there is not None:
            folder.delete(key)  # C4: a bad copy gives way to a whole one that is at hand
        folder.put_if_absent(key, data)
        if folder.get(key) != data:
            raise StoreError(f"{target} does not give back what was written to it ({key}).")

    def check(self, pack: Pack, store: Store) -> bool:
        """Tell whether the copy in one store is whole. Raises StoreError when it does not answer."""
        data = _found(self.folder(store), pack_key(bytes(pack.pack_id)))
        return data is not None and self.is_whole(pack, data)

    def is_whole(self, pack: Pack, data: bytes) -> bool:
        """Tell whether these bytes are the pack: its outline, and each blob that a row places in it."""
        pack_id = bytes(pack.pack_id)
        view = OneObject(self._vault.store, pack_key(pack_id), data)
        index = DatabaseIndex(pack.account_id, pack.store_id, pack.shelf)
        checker = PackChecker(self._vault.keys, view, index)
        return not checker.check(Claim(pack_id, pack.size), data=True).findings

    def bring_keys(self, target: Store) -> int:
        """Bring the key envelopes alone, which are few. Returns how many. Raises StoreError."""
        return envelopes_bring(account_id=self._vault.account_id, target=self.folder(target))

    def bring_the_rest(self, source: Store, target: Store) -> int:
        """Bring what is no pack: key envelopes, journals, heads of the audit. Returns how many.

        Raises StoreError.
        """
        here, there = self.folder(source), self.folder(target)
        brought = self.bring_keys(target)
        known = {found.key for folder in (JOURNALS, AUDIT_HEADS) for found in there.list(folder)}
        for found in (*here.list(JOURNALS), *here.list(AUDIT_HEADS)):
            if found.key not in known:
                brought += _bring_object(here, there, found.key, target)
        return brought

    def clear_the_rest(self, store: Store) -> None:
        """Delete what is no pack in a store that the account has left. Locked objects stay."""
        folder = self.folder(store)
        for prefix in (SEARCH, JOURNALS, AUDIT_HEADS, KEYS, OWNERS):
            for found in list(folder.list(prefix)):
                with suppress(ObjectLocked):
                    folder.delete(found.key)

    def _whole_copy(self, pack: Pack, key: str, *, without: ObjectStore) -> bytes:
        trouble: VaultError | None = None
        for store in (None, *copies_of(self._vault.store, key)):
            try:
                place = store or self.folder(pack.store)
                data = _found(place, key) if place is not without else None
            except StoreError as error:
                trouble = error
                continue
            if data is not None and self.is_whole(pack, data):
                return data
        if trouble:
            raise trouble
        raise BlobMissing(
            f"No store holds pack {bytes(pack.pack_id).hex()} whole.", blob_id=b"", pack_id=bytes(pack.pack_id)
        )


def move_pack(copier: Copier, lease: Maintenance, pack: Pack, shelf: Shelf) -> None:
    """Bring a pack to its shelf's store. C1: the row changes after the copy was read back, never before.

    Raises BlobMissing (no whole copy: the pack stays where it is), StoreError, VaultBusy.
    """
    old = pack.store
    if old.pk == shelf.store_id:
        return
    copier.bring(pack, shelf.store)
    with lease.guard():
        here = Pack.objects.filter(pk=pack.pk, store=old, state=PackState.STORED)
        if not here.update(store=shelf.store):
            return  # gone meanwhile
        PackCopy.objects.filter(pack=pack, store=shelf.store).delete()
        kept = shelf.replica_id == old.pk
        PackCopy.objects.update_or_create(
            account_id=pack.account_id,
            pack=pack,
            store=old,
            defaults={
                "state": CopyState.REPLICA if kept else CopyState.LEFT,
                "due_at": None if kept else clock.now() + GRACE,
                "reason": "",
                "checked_at": clock.now(),
            },
        )


def replicate_pack(copier: Copier, lease: Maintenance, pack: Pack, replica: Store) -> bool:
    """Make a pack's replica, and its row (C2). One of which no whole copy is found is noted and tried later.

    Raises StoreError: then there is no use in trying the next one.
    """
    try:
        copier.bring(pack, replica)
    except BlobMissing as error:
        _note(lease, pack, replica, CopyState.FAILED, reason=str(error), due_at=clock.now() + TRY_AGAIN)
        return False
    _note(lease, pack, replica, CopyState.REPLICA)
    return True


def check_replica(copier: Copier, lease: Maintenance, copy: PackCopy) -> bool:
    """Read a replica whole and compare each blob with its name. One that is not whole is made anew."""
    if copier.check(copy.pack, copy.store):
        _note(lease, copy.pack, copy.store, CopyState.REPLICA)
        return True
    _note(
        lease, copy.pack, copy.store, CopyState.FAILED, reason="The replica was not whole.", due_at=clock.now()
    )
    return False


def drop_left(copier: Copier, lease: Maintenance, copy: PackCopy) -> bool:
    """Delete what a move left behind. C3: only when the copy that the row names was just read and is whole."""
    key = pack_key(bytes(copy.pack.pack_id))
    if copy.pack.store_id == copy.store_id:  # it came back here: this is the first copy now
        copy.delete()
        return False
    if not copier.check(copy.pack, copy.pack.store):
        _note(
            lease,
            copy.pack,
            copy.store,
            CopyState.LEFT,
            reason="Its pack is missing or damaged.",
            due_at=clock.now() + GRACE,
        )
        return False
    folder = copier.folder(copy.store)
    try:
        folder.delete(key)
    except ObjectLocked:
        until = folder.locked_until(key) or clock.now() + GRACE
        _note(lease, copy.pack, copy.store, CopyState.LEFT, reason="Locked against deletion.", due_at=until)
        return False
    with lease.guard():
        copy.delete()
    return True


def pack_heal(account_id: int, pack_id: bytes) -> bool:
    """Put a whole copy in the stead of a pack's damaged or lost first one. False when there is none anywhere.

    Wants the account's scope and the maintenance lease. Raises StoreError when a store does not answer.
    """
    pack = Pack.objects.select_related("store").filter(pack_id=pack_id, state=PackState.STORED).first()
    if pack is None:
        return False
    try:
        Copier(account_id).bring(pack, pack.store)
    except BlobMissing:
        return False
    return True


def unreplicated(shelf: Shelf) -> "QuerySet[Pack]":
    """Return the packs of a shelf that have no replica yet: the queue, oldest first."""
    has = PackCopy.objects.filter(pack=OuterRef("pk"), store=shelf.replica_id, state=CopyState.REPLICA)
    packs = Pack.objects.filter(shelf=shelf.number, state=PackState.STORED).exclude(store=shelf.replica_id)
    return packs.filter(~Exists(has)).select_related("store").order_by("pk")


def elsewhere(shelf: Shelf) -> "QuerySet[Pack]":
    """Return the packs of a shelf that do not lie in its store, oldest first."""
    packs = Pack.objects.filter(shelf=shelf.number, state=PackState.STORED).exclude(store=shelf.store_id)
    return packs.select_related("store").order_by("pk")


def _note(
    lease: Maintenance,
    pack: Pack,
    store: Store,
    state: CopyState,
    *,
    reason: str = "",
    due_at: datetime | None = None,
) -> None:
    with lease.guard():
        PackCopy.objects.update_or_create(
            account_id=pack.account_id,
            pack=pack,
            store=store,
            defaults={"state": state, "reason": reason, "due_at": due_at, "checked_at": clock.now()},
        )


def _bring_object(here: ObjectStore, there: ObjectStore, key: str, target: Store) -> bool:
    """Copy one object. One that is deleted meanwhile is left out: who deletes journals has no lease of ours."""
    if (data := _found(here, key)) is None:
        return False
    there.put_if_absent(key, data)
    if there.get(key) != data:
        raise StoreError(f"{target} does not give back what was written to it ({key}).")
    if here.size(key) is None:
        there.delete(key)
        return False
    return True


def _found(store: ObjectStore, key: str) -> bytes | None:
    try:
        return store.get(key)
    except ObjectMissing:
        return None
