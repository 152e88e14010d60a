"""Key envelopes in the stores: put and read back, brought under another key, taken away."""

from collections.abc import Callable

from django.db import transaction

from apps.core.scope import account_scope

from .errors import KeysCorrupt, StoreError
from .models import RecoveryKey, VaultKey
from .ownership import folder_own
from .services import key_folders, key_places, opened_keys
from .store import recovery_key
from .store.backends.base import ObjectStore
from .store.errors import ObjectMissing
from .store.keys import KEYS, VaultKeys, envelope_header, envelope_key, envelope_key_id
from .wrapping import Wrapping, wrapping


def locked_vault(account_id: int) -> VaultKey:
    """Return the account's vault row, locked: whoever changes its keys does so alone. In a transaction."""
    return VaultKey.objects.select_for_update().get(account_id=account_id)


def keys_rewrap(*, account_id: int, wraps: Wrapping | None = None) -> bool:
    """Bring an account's keys under what seals now. False when they are already. Data stays untouched.

    In every store the new envelope is read back and opened before the row changes; then the envelopes of
    other master keys go. Harmless to repeat: what an interrupted rotation left goes, what is lost comes back.
    """
    wraps = wraps or wrapping()
    with account_scope(account_id):
        row = VaultKey.objects.select_related("account").get(account_id=account_id)
        # Before the transaction: the store keeps what that may roll back, and a lock must not wait for a store.
        for folder in [] if row.shredding_since else key_folders(row):
            folder_own(folder, str(row.account.public_id))  # V20
    with account_scope(account_id), transaction.atomic():
        row = locked_vault(account_id)
        if row.shredding_since:
            return False
        keys = opened_keys(row, wraps)
        envelope = wraps.wrap(keys, vault_id=row.public_id, account_id=account_id)
        moved = envelope_key_id(envelope) != row.master_key_id
        envelope = envelope if moved else bytes(row.envelope)
        folders = key_folders(row)

        def opens(found: bytes) -> VaultKeys:
            before = envelope_header(found).account_id  # another one in a vault that was adopted
            return wraps.unwrap(found, vault_id=row.public_id, account_id=before)

        for folder in folders:
            envelope_put(folder, envelope, keys=keys, opens=opens)
        if moved:
            row.envelope, row.master_key_id = envelope, envelope_key_id(envelope)
            row.save(update_fields=["envelope", "master_key_id"])
        transaction.on_commit(lambda: _drop_other_master_keys(folders, row.master_key_id))
    return moved


def envelope_put(
    folder: ObjectStore, envelope: bytes, *, keys: VaultKeys, opens: Callable[[bytes], VaultKeys]
) -> None:
    """Make an envelope durable in a vault's folder, read it back and open it.

    One that is there already, of an earlier try and sealed under the same key, is as good. Raises KeysCorrupt
    when what lies there gives other keys, StoreError.
    """
    name = envelope_key(envelope_key_id(envelope))
    try:
        stored = folder.get(name)
    except ObjectMissing:
        folder.put_if_absent(name, envelope)
        stored = folder.get(name)
    if opens(stored) != keys:
        raise KeysCorrupt(f"The new key envelope {name} does not give the vault's keys: nothing was changed.")


def envelopes_bring(*, account_id: int, target: ObjectStore) -> int:
    """Put the envelopes that are in force into a further store of the vault; return how many it missed.

    Only those that rows name, under the row's lock: copying what a store lists could bring back a key that
    rotation, a new recovery key or shredding is just taking away. Raises StoreError, KeysCorrupt.
    """
    with account_scope(account_id), transaction.atomic():
        row = locked_vault(account_id)
        if row.shredding_since:
            return 0
        wanted = {row.master_key_id: [bytes(row.envelope)]}
        for name in RecoveryKey.objects.filter(replaced_at=None).values_list("key_id", flat=True):
            wanted[name] = [found for _, place in key_places(row) if (found := _envelope_in(place, name))]
        return sum(_bring(target, name, found) for name, found in wanted.items())


def _bring(target: ObjectStore, name: str, found: list[bytes]) -> bool:
    if not found or _envelope_in(target, name) is not None:
        return False
    target.put_if_absent(envelope_key(name), found[0])
    if _envelope_in(target, name) != found[0]:
        raise KeysCorrupt(f"A store does not give back the key envelope {name} that was written to it.")
    return True


def _envelope_in(folder: ObjectStore | StoreError, name: str) -> bytes | None:
    if isinstance(folder, StoreError):
        return None
    try:
        return folder.get(envelope_key(name))
    except ObjectMissing:
        return None


def envelope_remove(folders: list[ObjectStore], key_id: str) -> None:
    """Take an envelope out of every store. Raises StoreError."""
    for folder in folders:
        folder.delete(envelope_key(key_id))


def envelope_names(folder: ObjectStore) -> list[str]:
    """Return the names of the keys that have an envelope in a vault's folder. Raises StoreError."""
    return [found.key.removeprefix(KEYS) for found in folder.list(KEYS)]


def _drop_other_master_keys(folders: list[ObjectStore], current: str) -> None:
    for folder in folders:
        for name in envelope_names(folder):
            if name != current and not name.startswith(recovery_key.NAME_PREFIX):
                folder.delete(envelope_key(name))
