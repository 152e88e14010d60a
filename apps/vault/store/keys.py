"""An account's two secrets, what is derived from them, and the envelope in which they rest.

The envelope (docs/vault-format.md, "Key envelope") is kept in the database and beside the packs, so that
the store and a master key are enough to read a vault.
"""

import os
import struct
import uuid
from dataclasses import dataclass, field
from typing import Final

from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from apps.core.sealing import KEY_BYTES, Keyring, SealBroken

from .errors import KeysCorrupt

ENVELOPE_MAGIC: Final = b"EVKKEYS\0"
ENVELOPE_VERSION: Final = 1
_ENVELOPE: Final = struct.Struct(">8sHHI16sQ")  # magic, version, reserved, features, vault id, account id
_PURPOSE: Final = "vault.keys"


@dataclass(frozen=True, slots=True)
class VaultKeys:
    """The account's data key (encrypts) and id key (names blobs). Never logged: no repr shows them."""

    data_key: bytes = field(repr=False)
    id_key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.data_key) != KEY_BYTES or len(self.id_key) != KEY_BYTES:
            raise KeysCorrupt("A vault's keys have the wrong length.")

    @classmethod
    def generate(cls) -> "VaultKeys":
        return cls(os.urandom(KEY_BYTES), os.urandom(KEY_BYTES))

    def blob_id(self, plaintext: bytes | memoryview) -> bytes:
        """Return the 32-byte name of a blob: keyed BLAKE3, so that outsiders cannot confirm a guess."""
        return blake3(plaintext, key=self.id_key).digest()

    def pack_cipher(self, pack_id: bytes, version: int, features: int) -> AESGCM:
        """Return the cipher of one pack. Its format is part of the derivation: relabelling breaks it."""
        info = b"everkeep pack" + struct.pack(">HI", version, features)
        return AESGCM(HKDF(SHA256(), KEY_BYTES, pack_id, info).derive(self.data_key))

    def journal_cipher(self, journal_id: bytes, version: int, features: int) -> AESGCM:
        """Return the cipher of one journal, derived as that of a pack is."""
        info = b"everkeep journal" + struct.pack(">HI", version, features)
        return AESGCM(HKDF(SHA256(), KEY_BYTES, journal_id, info).derive(self.data_key))

    def chunk_seed(self) -> int:
        """Return the account's own seed for chunk borders, so that chunk sizes do not betray known files."""
        derived = HKDF(SHA256(), 8, None, b"everkeep chunk borders v1").derive(self.id_key)
        return int.from_bytes(derived, "big") >> 1 or 1  # the cutter takes 63 bits, and 0 means "no seed"


@dataclass(frozen=True, slots=True)
class EnvelopeHeader:
    """What an envelope says in clear: whose keys it holds."""

    vault_id: uuid.UUID
    account_id: int


def wrap_keys(keys: VaultKeys, *, ring: Keyring, vault_id: uuid.UUID, account_id: int) -> bytes:
    """Seal the account's keys under the first master key."""
    header = _ENVELOPE.pack(ENVELOPE_MAGIC, ENVELOPE_VERSION, 0, 0, vault_id.bytes, account_id)
    plaintext = keys.data_key + keys.id_key
    return header + ring.seal(account_id=account_id, purpose=_purpose(header), plaintext=plaintext)


def unwrap_keys(envelope: bytes, *, ring: Keyring, vault_id: uuid.UUID, account_id: int) -> VaultKeys:
    """Open an envelope that must belong to this vault. Raises KeysCorrupt or MasterKeyMissing."""
    found = envelope_header(envelope)
    if found != EnvelopeHeader(vault_id, account_id):
        raise KeysCorrupt(f"The key envelope belongs to vault {found.vault_id}, not to {vault_id}.")
    header, sealed = envelope[: _ENVELOPE.size], envelope[_ENVELOPE.size :]
    try:
        secret = ring.unseal(account_id=account_id, purpose=_purpose(header), sealed=sealed)
    except SealBroken as error:
        raise KeysCorrupt(f"The key envelope of vault {vault_id} cannot be opened: {error.what}") from error
    return VaultKeys(secret[:KEY_BYTES], secret[KEY_BYTES:])


def envelope_header(envelope: bytes) -> EnvelopeHeader:
    """Read the clear part of an envelope. It proves nothing before `unwrap_keys`. Raises KeysCorrupt."""
    if len(envelope) < _ENVELOPE.size:
        raise KeysCorrupt("A key envelope is cut short.")
    magic, version, reserved, features, vault_id, account_id = _ENVELOPE.unpack_from(envelope)
    if magic != ENVELOPE_MAGIC:
        raise KeysCorrupt("This is not a key envelope.")
    if version != ENVELOPE_VERSION or features or reserved:
        raise KeysCorrupt(
            f"A key envelope has version {version}, features {features:#x}: unknown to this release."
        )
    return EnvelopeHeader(uuid.UUID(bytes=vault_id), account_id)


def _purpose(header: bytes) -> str:
    """Bind all of the clear header into the seal."""
    return f"{_PURPOSE}:{header.hex()}"
