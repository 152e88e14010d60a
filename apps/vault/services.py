"""Making and opening an account's vault: which stores, which keys."""

from django.db import transaction

from apps.core.ids import new_public_id
from apps.core.scope import account_scope

from .errors import KeysShredded, StoreError
from .folders import Folders, vault_folder
from .index import owned_connection
from .models import Shelf, Store, VaultKey
from .ownership import folder_own
from .store.backends.base import ObjectStore
from .store.keys import VaultKeys, envelope_key, envelope_key_id
from .stores import default_store
from .vaults import OpenVault
from .wrapping import Wrapping, wrapping


def open_vault(*, account_id: int, shelf: int = 0, strict: bool = False) -> OpenVault:
    """Return the account's vault, made on first use; it writes to `shelf` and reads wherever something lies.

    `strict`: a pack is read only from the store that its row names, never from a replica: for checks.
    Raises StoreError, KeysCorrupt, MasterKeyMissing, KeyServiceError, KeysShredded.
    """
    with owned_connection(), account_scope(account_id):
        row = VaultKey.objects.first() or _create(account_id)
        keys = opened_keys(row)
        folders = Folders.of(row, shelf)
        return OpenVault(account_id, folders.store_row, shelf, keys, folders.open(account_id, strict=strict))


def opened_keys(row: VaultKey, wraps: Wrapping | None = None) -> VaultKeys:
    """Return the keys of a vault. Raises KeysCorrupt, MasterKeyMissing, KeyServiceError, KeysShredded."""
    if row.shredding_since:
        raise KeysShredded("The keys of this account's backups were destroyed: nobody can read them any more.")
    wraps = wraps or wrapping()
    return wraps.unwrap(bytes(row.envelope), vault_id=row.public_id, account_id=row.account_id)


def _create(account_id: int) -> VaultKey:
    """Make the account's keys. V0: the envelope is durable in the store before a row lets them be used."""
    store = default_store(account_id)
    vault_id = new_public_id()
    envelope = wrapping().wrap(VaultKeys.generate(), vault_id=vault_id, account_id=account_id)
    key_id = envelope_key_id(envelope)
    folder = vault_folder(store, vault_id)
    folder_own(folder)  # V20
    folder.put_if_absent(envelope_key(key_id), envelope)
    with transaction.atomic():
        row, _ = VaultKey.objects.get_or_create(
            account_id=account_id,
            defaults={"public_id": vault_id, "envelope": envelope, "master_key_id": key_id},
        )
        Shelf.objects.get_or_create(account_id=account_id, number=0, defaults={"store": store})
    return row


def key_places(row: VaultKey) -> list[tuple[str, ObjectStore | StoreError]]:
    """Return address and vault folder of each store that keeps the vault's key envelopes, its own store first.

    In place of the folder of a store that is not there stands what is wrong with it.
    """
    return [(store.url, _reached(store, row)) for store in Folders.of(row).stores]


def key_folders(row: VaultKey) -> list[ObjectStore]:
    """Return the folders of `key_places`. Raises StoreError: keys are changed everywhere or not at all."""
    folders: list[ObjectStore] = []
    for _, folder in key_places(row):
        if isinstance(folder, StoreError):
            raise folder
        folders.append(folder)
    return folders


def _reached(store: Store, row: VaultKey) -> ObjectStore | StoreError:
    try:
        return vault_folder(store, row.public_id)
    except StoreError as error:
        return error
