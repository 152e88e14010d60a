"""Making and opening an account's vault: which store, which keys."""

import logging
import uuid

from django.conf import settings

from apps.core.ids import new_public_id
from apps.core.scope import account_scope

from .errors import KeysShredded, StoreError, StoreMismatch
from .index import owned_connection
from .models import Store, VaultKey
from .store.backends.addresses import open_store
from .store.backends.base import ObjectStore
from .store.backends.prefixed import PrefixedStore
from .store.keys import VaultKeys, envelope_key, envelope_key_id
from .store.marker import ensure_marker, read_marker
from .vaults import OpenVault
from .wrapping import Wrapping, wrapping

log = logging.getLogger(__name__)


def open_vault(*, account_id: int) -> OpenVault:
    """Return the account's vault, made on first use.

    Raises StoreError, KeysCorrupt, MasterKeyMissing, KeyServiceError, KeysShredded.
    """
    with owned_connection(), account_scope(account_id):
        row = VaultKey.objects.select_related("store").first() or _create(account_id)
        return _opened(row)


def opened_keys(row: VaultKey, wraps: Wrapping | None = None) -> VaultKeys:
    """Return the keys of a vault. Raises KeysCorrupt, MasterKeyMissing, KeyServiceError, KeysShredded."""
    if row.shredding_since:
        raise KeysShredded("The keys of this account's backups were destroyed: nobody can read them any more.")
    wraps = wraps or wrapping()
    return wraps.unwrap(bytes(row.envelope), vault_id=row.public_id, account_id=row.account_id)


def _opened(row: VaultKey) -> OpenVault:
    return OpenVault(row.account_id, row.store_id, opened_keys(row), _folder(_place(row.store), row.public_id))


def _create(account_id: int) -> VaultKey:
    """Make the account's keys. V0: the envelope is durable in the store before a row lets them be used."""
    place = _default_store()
    vault_id = new_public_id()
    envelope = wrapping().wrap(VaultKeys.generate(), vault_id=vault_id, account_id=account_id)
    key_id = envelope_key_id(envelope)
    _folder(open_store(place.url), vault_id).put_if_absent(envelope_key(key_id), envelope)
    row, _ = VaultKey.objects.get_or_create(
        account_id=account_id,
        defaults={
            "public_id": vault_id,
            "store": place,
            "envelope": envelope,
            "master_key_id": key_id,
        },
    )
    return row


def _default_store() -> Store:
    """Return the store that the settings name for new accounts, marked and recorded on first use."""
    url = settings.VAULT_URL
    if known := Store.objects.filter(url=url).first():
        _place(known)
        return known
    store_id = ensure_marker(open_store(url))
    row, made = Store.objects.get_or_create(store_id=store_id, defaults={"url": url})
    if not made:
        _move(row, url)
    return row


def _place(row: Store) -> ObjectStore:
    """Open a recorded store. V5: what answers there must carry its id, else nothing is read or written."""
    store = open_store(row.url)
    if read_marker(store) == row.store_id:
        return store
    moved = open_store(settings.VAULT_URL)
    if row.url != settings.VAULT_URL and read_marker(moved) == row.store_id:
        _move(row, settings.VAULT_URL)
        return moved
    raise StoreMismatch(
        f"At {row.url} is not the store that holds this vault.",
        do="Mount or reconnect it, or set EVERKEEP_VAULT_URL to where it is now.",
    )


def _move(row: Store, url: str) -> None:
    """Note that a store answers at another address: its marker has proved that it is the same."""
    log.warning("The store %s is now at %s (was %s).", row.store_id, url, row.url)
    row.url = url
    row.save(update_fields=["url"])


def _folder(store: ObjectStore, vault_id: uuid.UUID) -> PrefixedStore:
    return PrefixedStore(store, f"{vault_id.hex}/")


def key_places(row: VaultKey) -> list[tuple[str, ObjectStore | StoreError]]:
    """Return address and vault folder of each store that keeps the vault's key envelopes, its own store first.

    In place of the folder of a store that is not there stands what is wrong with it.
    """
    return [(place.url, _vault_folder(place, row)) for place in _key_stores(row)]


def key_folders(row: VaultKey) -> list[ObjectStore]:
    """Return the folders of `key_places`. Raises StoreError: keys are changed everywhere or not at all."""
    folders: list[ObjectStore] = []
    for _, folder in key_places(row):
        if isinstance(folder, StoreError):
            raise folder
        folders.append(folder)
    return folders


def _key_stores(row: VaultKey) -> list[Store]:
    return [row.store]


def _vault_folder(place: Store, row: VaultKey) -> ObjectStore | StoreError:
    try:
        return _folder(_place(place), row.public_id)
    except StoreError as error:
        return error
