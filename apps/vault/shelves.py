"""Which store a part of the backups goes to: shelves made for tasks, and second stores."""

from uuid import UUID

from django.db import transaction
from django.db.models import Max

from apps.activity.services import record
from apps.core import clock
from apps.core.errors import Conflict
from apps.core.permissions import Permission, require
from apps.core.scope import current_account_id

from .access import own_store_for
from .answering import store_answers
from .copies import GRACE
from .enums import CopyState, PackState
from .envelopes import envelopes_bring
from .folders import vault_folder
from .models import Pack, PackCopy, Shelf, Store, VaultKey
from .ownership import folder_own, vault_own
from .registry import tasks_by_shelf
from .services import open_vault


def default_shelf() -> Shelf:
    """Return shelf 0 of the account in force; its vault is made when there is none yet. Raises VaultError."""
    rows = Shelf.objects.select_related("store", "replica")
    if found := rows.filter(number=0).first():
        return found
    open_vault(account_id=current_account_id())
    return rows.get(number=0)


def shelf_in(store: Store) -> Shelf:
    """Return the account's shelf in this store, made when there is none. Raises VaultError.

    The store gets the key envelopes before anything may be written to it (C5).
    """
    home = default_shelf()
    if found := Shelf.objects.filter(store=store).order_by("number").first():
        return found
    _bring_keys(store)
    with transaction.atomic():
        Shelf.objects.select_for_update().get(pk=home.pk)  # numbers are given out one at a time
        last = Shelf.objects.aggregate(last=Max("number"))["last"]
        return Shelf.objects.create(account_id=home.account_id, number=last + 1, store=store)


def shelf_is_used(shelf: Shelf) -> bool:
    """Tell whether backups lie on a shelf, or will."""
    packs = Pack.objects.filter(shelf=shelf.number).exclude(state=PackState.DELETED)
    return shelf.number == 0 or packs.exists() or bool(tasks_by_shelf().get(shelf.number))


def task_stores() -> list[tuple[str, str]]:
    """Return what a backup task can be put into, as (value, words): "" is the account's default."""
    own = Store.objects.filter(account_id=current_account_id()).order_by("name", "pk")
    return [("", "The account's store"), *((str(store.public_id), store.name) for store in own)]


def task_store_of(number: int) -> str:
    """Return the value of `task_stores` for a task on this shelf."""
    store = Store.objects.filter(pk__in=Shelf.objects.filter(number=number).values("store")).first()
    return str(store.public_id) if store and number else ""


def shelf_number_of(value: str) -> int:
    """Return the shelf for a value of `task_stores`, made when there is none. Raises NotFound, VaultError."""
    return shelf_in(own_store_for(UUID(value))).number if value else 0


def replica_set(*, shelf: Shelf, replica: Store | None) -> None:
    """Keep second copies of a shelf in `replica`, or no longer. Copies elsewhere go after the grace period.

    Raises Conflict when it is the first store itself, VaultError when the store does not take the keys.
    """
    require(Permission.ACCOUNT_SETTINGS)
    if replica and replica.pk == shelf.store_id:
        raise Conflict("A copy beside itself protects nothing.", do="Choose another store.")
    old = shelf.replica
    if replica == old:
        return
    if replica:
        store_answers(replica)
        _bring_keys(replica)
    with transaction.atomic():
        if old:
            copies = PackCopy.objects.filter(pack__shelf=shelf.number, store=old).exclude(state=CopyState.LEFT)
            copies.update(state=CopyState.LEFT, due_at=clock.now() + GRACE)
            shelf.former.add(old)
        if replica:
            left = PackCopy.objects.filter(pack__shelf=shelf.number, store=replica, state=CopyState.LEFT)
            left.update(state=CopyState.FAILED, due_at=None, reason="Kept again; to be checked.")
            shelf.former.remove(replica)
        shelf.replica, shelf.kept_at = replica, None
        shelf.save(update_fields=["replica", "kept_at"])
        said = f"From {old or 'none'} to {replica or 'none'}"
        record("storage.replicated", item_label=str(replica or "none"), before=str(old or "none"), audited=said)


def _bring_keys(store: Store) -> None:
    vault = VaultKey.objects.select_related("account").get()
    vault_own(account_id=vault.account_id)
    folder_own(
        vault_folder(store, vault.public_id), str(vault.account.public_id)
    )  # V20: before the first write
    envelopes_bring(account_id=vault.account_id, target=vault_folder(store, vault.public_id))
