"""Making and opening an account's vault: which store, which keys."""

import logging
import uuid

from django.conf import settings
from django.db import transaction

from apps.core.ids import new_public_id
from apps.core.scope import account_scope
from apps.core.sealing import Keyring, keyring

from .errors import KeysCorrupt, StoreMismatch
from .index import owned_connection
from .models import Store, VaultKey
from .store.backends.addresses import open_store
from .store.backends.base import ObjectStore
from .store.backends.prefixed import PrefixedStore
from .store.keys import VaultKeys, unwrap_keys, wrap_keys
from .store.marker import ensure_marker, read_marker
from .vaults import OpenVault

log = logging.getLogger(__name__)


def open_vault(*, account_id: int) -> OpenVault:
    """Return the account's vault, made on first use. Raises StoreError, KeysCorrupt, MasterKeyMissing."""
    with owned_connection(), account_scope(account_id):
        row = VaultKey.objects.select_related("store").first() or _create(account_id)
        return _opened(row)


def _opened(row: VaultKey) -> OpenVault:
    keys = unwrap_keys(bytes(row.envelope), ring=keyring(), vault_id=row.public_id, account_id=row.account_id)
    return OpenVault(row.account_id, row.store_id, keys, _folder(_place(row.store), row.public_id))


def _create(account_id: int) -> VaultKey:
    """Make the account's keys. V0: the envelope is durable in the store before a row lets them be used."""
    place = _default_store()
    vault_id, ring = new_public_id(), keyring()
    envelope = wrap_keys(VaultKeys.generate(), ring=ring, vault_id=vault_id, account_id=account_id)
    _folder(open_store(place.url), vault_id).put_if_absent(envelope_key(ring.sealing_id), envelope)
    row, _ = VaultKey.objects.get_or_create(
        account_id=account_id,
        defaults={
            "public_id": vault_id,
            "store": place,
            "envelope": envelope,
            "master_key_id": ring.sealing_id,
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


def envelope_key(master_key_id: str) -> str:
    """Return the object name of the key envelope that this master key opens."""
    return f"keys/{master_key_id}"


def keys_rewrap(*, account_id: int, ring: Keyring | None = None) -> bool:
    """Bring an account's keys under the first master key. False when they are already. Data stays untouched.

    The new envelope is read back and opened before it replaces the old one; the old object goes last.
    """
    ring = ring or keyring()
    with account_scope(account_id), transaction.atomic():
        row = VaultKey.objects.select_related("store").select_for_update().get()
        if row.master_key_id == ring.sealing_id:
            return False
        keys = unwrap_keys(bytes(row.envelope), ring=ring, vault_id=row.public_id, account_id=account_id)
        envelope = wrap_keys(keys, ring=ring, vault_id=row.public_id, account_id=account_id)
        folder, name = _folder(_place(row.store), row.public_id), envelope_key(ring.sealing_id)
        folder.put_if_absent(name, envelope)
        stored = folder.get(name)
        if unwrap_keys(stored, ring=ring, vault_id=row.public_id, account_id=account_id) != keys:
            raise KeysCorrupt(
                f"The new key envelope of vault {row.public_id} does not open: nothing was changed."
            )
        old = row.master_key_id
        row.envelope, row.master_key_id = stored, ring.sealing_id
        row.save(update_fields=["envelope", "master_key_id"])
        transaction.on_commit(lambda: folder.delete(envelope_key(old)))
    return True
