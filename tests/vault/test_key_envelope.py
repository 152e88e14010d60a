"""An account's keys at rest: apps/vault/store/keys.py."""

import uuid

import pytest

from apps.core.sealing import Keyring, MasterKeyMissing
from apps.vault.store.errors import KeysCorrupt
from apps.vault.store.keys import EnvelopeHeader, VaultKeys, envelope_header, unwrap_keys, wrap_keys

VAULT, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
RING = Keyring({"m1": b"m" * 32})


def wrapped(keys: VaultKeys) -> bytes:
    return wrap_keys(keys, ring=RING, vault_id=VAULT, account_id=7)


def test_the_envelope_gives_back_the_keys_and_says_whose_they_are(keys: VaultKeys) -> None:
    assert unwrap_keys(wrapped(keys), ring=RING, vault_id=VAULT, account_id=7) == keys
    assert envelope_header(wrapped(keys)) == EnvelopeHeader(VAULT, 7)


@pytest.mark.parametrize("vault_id, account_id", [(OTHER, 7), (VAULT, 8)])
def test_another_vaults_envelope_is_refused(keys: VaultKeys, vault_id: uuid.UUID, account_id: int) -> None:
    with pytest.raises(KeysCorrupt):
        unwrap_keys(wrapped(keys), ring=RING, vault_id=vault_id, account_id=account_id)


def test_a_relabelled_envelope_is_refused(keys: VaultKeys) -> None:
    relabelled = wrapped(keys).replace(VAULT.bytes, OTHER.bytes)
    with pytest.raises(KeysCorrupt):
        unwrap_keys(relabelled, ring=RING, vault_id=OTHER, account_id=7)


def test_each_flipped_byte_and_each_cut_is_refused(keys: VaultKeys) -> None:
    envelope = wrapped(keys)
    for position in range(len(envelope)):
        flipped = bytearray(envelope)
        flipped[position] ^= 1
        for broken in (bytes(flipped), envelope[:position]):
            with pytest.raises((KeysCorrupt, MasterKeyMissing)):
                unwrap_keys(broken, ring=RING, vault_id=VAULT, account_id=7)


def test_new_keys_are_new_each_time() -> None:
    one, two = VaultKeys.generate(), VaultKeys.generate()
    assert len({one.data_key, one.id_key, two.data_key, two.id_key}) == 4


def test_the_keys_never_show(keys: VaultKeys) -> None:
    assert repr(keys) == "VaultKeys()"
