"""From an id in a request to a store or shelf. Foreign and missing are one answer; a weak right is another."""

from uuid import UUID

from apps.core.errors import NotFound
from apps.core.permissions import Permission, require
from apps.core.scope import current_account_id

from .models import Shelf, Store


def own_store_for(public_id: UUID) -> Store:
    """Return a store that the account itself has brought along. Raises NotFound, PermissionMissing."""
    store = Store.objects.filter(public_id=public_id, account_id=current_account_id()).first()
    if store is None:
        raise NotFound("There is no such store.", do="Open it from the list under Settings, Storage.")
    require(Permission.ACCOUNT_SETTINGS)
    return store


def shelf_for(public_id: UUID) -> Shelf:
    """Return a shelf of the account. Raises NotFound, PermissionMissing."""
    shelf = Shelf.objects.select_related("store", "replica").filter(public_id=public_id).first()
    if shelf is None:
        raise NotFound("There is no such part of your backups.", do="Open Settings, Storage again.")
    require(Permission.ACCOUNT_SETTINGS)
    return shelf
