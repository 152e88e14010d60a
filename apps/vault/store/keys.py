"""An account's two secrets, what is derived from them, and the envelope in which they rest.

The envelope (docs/vault-format.md, "Key envelope") is kept in the database and beside the packs, so that
the store and a master key are enough to read a vault. A recovery key (recovery_key.py) opens one of the same
form; one that AWS KMS has sealed (kms.py) differs after its header.
"""

import hashlib
import os
import struct
import uuid
from dataclasses import dataclass, field
from typing import Final

from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from apps.core.sealing import KEY_BYTES, Keyring, SealBroken, key_id_of

from .errors import KeysCorrupt

ENVELOPE_MAGIC: Final = b"EVKKEYS\0"
ENVELOPE_VERSION: Final = 1
SEALED_BY_KMS: Final = 1  # feature bit: what follows the header is kms.py's
KEYS: Final = "keys/"  # the folder of envelopes in a vault
SEARCH: Final = "search/"  # the folder of what is made from backups and can be made again (vault/derived.py)
KEYS_BYTES: Final = 2 * KEY_BYTES
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

    @classmethod
    def joined(cls, secret: bytes) -> "VaultKeys":
        """Read data key | id key. Raises KeysCorrupt."""
        if len(secret) != KEYS_BYTES:
            raise KeysCorrupt("A vault's keys have the wrong length.")
        return cls(secret[:KEY_BYTES], secret[KEY_BYTES:])

    def join(self) -> bytes:
        """Return data key | id key, for sealing only."""
        return self.data_key + self.id_key

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
    """What an envelope says in clear: whose keys it holds, and who sealed them."""

    vault_id: uuid.UUID
    account_id: int
    by_kms: bool = False

    def pack(self) -> bytes:
        """Return its bytes."""
        features = SEALED_BY_KMS if self.by_kms else 0
        return _ENVELOPE.pack(
            ENVELOPE_MAGIC, ENVELOPE_VERSION, 0, features, self.vault_id.bytes, self.account_id
        )


def wrap_keys(keys: VaultKeys, *, ring: Keyring, vault_id: uuid.UUID, account_id: int) -> bytes:
    """Seal the account's keys under the first key of `ring`."""
    header = EnvelopeHeader(vault_id, account_id).pack()
    return header + ring.seal(account_id=account_id, purpose=_purpose(header), plaintext=keys.join())


def unwrap_keys(envelope: bytes, *, ring: Keyring, vault_id: uuid.UUID, account_id: int) -> VaultKeys:
    """Open an envelope that must belong to this vault. Raises KeysCorrupt or MasterKeyMissing."""
    header, sealed = split_envelope(envelope, EnvelopeHeader(vault_id, account_id))
    try:
        secret = ring.unseal(account_id=account_id, purpose=_purpose(header), sealed=sealed)
    except SealBroken as error:
        raise KeysCorrupt(f"The key envelope of vault {vault_id} cannot be opened: {error.what}") from error
    return VaultKeys.joined(secret)


def split_envelope(envelope: bytes, wanted: EnvelopeHeader) -> tuple[bytes, bytes]:
    """Return header and sealed part of an envelope that says what is wanted. Raises KeysCorrupt."""
    found = envelope_header(envelope)
    if found.vault_id != wanted.vault_id or found.account_id != wanted.account_id:
        raise KeysCorrupt(f"The key envelope belongs to vault {found.vault_id}, not to {wanted.vault_id}.")
    if found.by_kms != wanted.by_kms:
        raise KeysCorrupt(f"The key envelope of vault {found.vault_id} was sealed by another kind of key.")
    return envelope[: _ENVELOPE.size], envelope[_ENVELOPE.size :]


def envelope_header(envelope: bytes) -> EnvelopeHeader:
    """Read the clear part of an envelope. It proves nothing before it is opened. Raises KeysCorrupt."""
    if len(envelope) < _ENVELOPE.size:
        raise KeysCorrupt("A key envelope is cut short.")
    magic, version, reserved, features, vault_id, account_id = _ENVELOPE.unpack_from(envelope)
    if magic != ENVELOPE_MAGIC:
        raise KeysCorrupt("This is not a key envelope.")
    if version != ENVELOPE_VERSION or features & ~SEALED_BY_KMS or reserved:
        raise KeysCorrupt(
            f"A key envelope has version {version}, features {features:#x}: unknown to this release."
        )
    return EnvelopeHeader(uuid.UUID(bytes=vault_id), account_id, features == SEALED_BY_KMS)


def envelope_key_id(envelope: bytes) -> str:
    """Return the name of the key that opens an envelope; its object bears it too. Raises KeysCorrupt."""
    sealed = envelope[_ENVELOPE.size :]
    if envelope_header(envelope).by_kms:
        length = int.from_bytes(sealed[:2], "big")
        return f"kms-{hashlib.sha256(sealed[2 : 2 + length]).hexdigest()[:16]}"
    try:
        return key_id_of(sealed)
    except SealBroken as error:
        raise KeysCorrupt("A key envelope is cut short.") from error


def envelope_key(key_id: str) -> str:
    """Return the object name, inside its vault, of the key envelope that this key opens."""
    return KEYS + key_id


def _purpose(header: bytes) -> str:
    """Bind all of the clear header into the seal."""
    return f"{_PURPOSE}:{header.hex()}"
