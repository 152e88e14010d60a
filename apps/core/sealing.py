"""Small secrets at rest: sealed under a master key, bound to one account and one purpose.

A sealed value is

    0       1   version, 1
    1       1   n, length of the master key's id
    2       n   id of the master key, ASCII
    2+n    32   salt, random
    34+n    -   AES-256-GCM ciphertext, its last 16 bytes the tag

HKDF-SHA256(master key, salt, info = "everkeep seal v1") gives 44 bytes: key and nonce. As each value has
its own salt, no key is used twice. All bytes before the ciphertext, the purpose and the account id are
authenticated, so a value moved to another account, row or use is refused. Several master keys may be known
at once: the first seals, all unseal (rotation: put the new one first, `reseal` all values, drop the old one).
"""

import base64
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from .errors import EverkeepError

VERSION: Final = 1
KEY_BYTES: Final = 32
SALT_BYTES: Final = 32
TAG_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_INFO: Final = b"everkeep seal v1"
_KEY_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,40}")
# Names of key envelopes in the vault that no master key opens (docs/vault-format.md, "Keys").
_RESERVED: Final = ("recovery-", "kms-")


class SealBroken(EverkeepError):
    """The bytes are damaged, or belong to another account or purpose. Nothing of them may be used."""

    code = "seal_broken"


class MasterKeyMissing(EverkeepError):
    """Sealed under a master key that this installation does not hold (any more)."""

    code = "master_key_missing"


class Keyring:
    """The master keys of this installation, in the order of the setting: the first one seals."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """`keys`: master key (32 bytes) by id, the sealing one first. Raises ImproperlyConfigured."""
        if not keys:
            raise ImproperlyConfigured("EVERKEEP_MASTER_KEYS is empty: nothing can be sealed or read.")
        for key_id, secret in keys.items():
            if not _KEY_ID.fullmatch(key_id):
                raise ImproperlyConfigured(f"Master key id {key_id!r}: use 1 to 40 letters, digits, . _ -")
            if len(secret) != KEY_BYTES:
                raise ImproperlyConfigured(f"Master key {key_id}: {len(secret)} bytes instead of {KEY_BYTES}.")
        self._keys = dict(keys)
        self.sealing_id = next(iter(keys))

    @classmethod
    def parse(cls, entries: Iterable[str]) -> "Keyring":
        """Read entries like `id:base64` (32 bytes). Raises ImproperlyConfigured, never showing the key."""
        keys: dict[str, bytes] = {}
        for entry in entries:
            key_id, _, encoded = entry.strip().partition(":")
            try:
                secret = base64.b64decode(encoded, validate=True)
            except ValueError as error:
                raise ImproperlyConfigured(f"Master key {key_id!r} is not `id:base64`.") from error
            if key_id in keys:
                raise ImproperlyConfigured(f"Master key id {key_id!r} is given twice.")
            if key_id.startswith(_RESERVED):
                raise ImproperlyConfigured(f"Master key id {key_id!r}: names of that kind are taken.")
            keys[key_id] = secret
        return cls(keys)

    def seal(self, *, account_id: int, purpose: str, plaintext: bytes) -> bytes:
        """Encrypt `plaintext` so that only the same account and purpose open it."""
        return self._seal(account_id, purpose, plaintext, os.urandom(SALT_BYTES))

    def _seal(self, account_id: int, purpose: str, plaintext: bytes, salt: bytes) -> bytes:
        key_id = self.sealing_id.encode("ascii")
        header = bytes((VERSION, len(key_id))) + key_id + salt
        cipher, nonce = _cipher(self._keys[self.sealing_id], salt)
        return header + cipher.encrypt(nonce, plaintext, _bound(header, account_id, purpose))

    def unseal(self, *, account_id: int, purpose: str, sealed: bytes) -> bytes:
        """Return what was sealed. Raises SealBroken or MasterKeyMissing."""
        header_bytes = _header_bytes(sealed)
        key_id = key_id_of(sealed)
        if key_id not in self._keys:
            raise MasterKeyMissing(
                f"A secret ({purpose}) is sealed under the master key {key_id!r}, which is not configured.",
                do="Add that key to EVERKEEP_MASTER_KEYS.",
            )
        header = sealed[:header_bytes]
        cipher, nonce = _cipher(self._keys[key_id], header[-SALT_BYTES:])
        try:
            return cipher.decrypt(nonce, sealed[header_bytes:], _bound(header, account_id, purpose))
        except InvalidTag as error:
            raise SealBroken(
                f"A sealed secret ({purpose}) is damaged, belongs elsewhere, or its master key is another one."
            ) from error

    def reseal(self, *, account_id: int, purpose: str, sealed: bytes) -> bytes:
        """Return the same secret under the first master key; unchanged when it is already."""
        if key_id_of(sealed) == self.sealing_id:
            return sealed
        return self.seal(
            account_id=account_id,
            purpose=purpose,
            plaintext=self.unseal(account_id=account_id, purpose=purpose, sealed=sealed),
        )


def key_id_of(sealed: bytes) -> str:
    """Return the id of the master key that opens `sealed`. Raises SealBroken."""
    return sealed[2 : _header_bytes(sealed) - SALT_BYTES].decode("ascii", "replace")


def master_key_entries(given: list[str], file: str) -> list[str]:
    """Return the entries `id:base64` of the setting, or those of a file: one a line, `#` begins a comment.

    Raises ImproperlyConfigured when both are given, or the file cannot be read or names no key.
    """
    if not file:
        return given
    if given:
        raise ImproperlyConfigured("Set EVERKEEP_MASTER_KEYS or EVERKEEP_MASTER_KEYS_FILE, not both.")
    try:
        lines = Path(file).read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        # Not chained: the text of a decoding error shows the bytes.
        raise ImproperlyConfigured(
            f"EVERKEEP_MASTER_KEYS_FILE cannot be read ({type(error).__name__})."
        ) from None
    entries = [text for line in lines if (text := line.partition("#")[0].strip())]
    if not entries:
        raise ImproperlyConfigured("EVERKEEP_MASTER_KEYS_FILE names no key.")
    return entries


def keyring() -> Keyring:
    """Return the master keys of the settings. Raises ImproperlyConfigured."""
    return Keyring.parse(settings.MASTER_KEYS)


def seal(*, account_id: int, purpose: str, plaintext: bytes) -> bytes:
    """Encrypt a small secret of an account. `purpose` names the use, e.g. `connection.client_secret:<id>`."""
    return keyring().seal(account_id=account_id, purpose=purpose, plaintext=plaintext)


def unseal(*, account_id: int, purpose: str, sealed: bytes) -> bytes:
    """Return a secret sealed for this account and purpose. Raises SealBroken or MasterKeyMissing."""
    return keyring().unseal(account_id=account_id, purpose=purpose, sealed=sealed)


def new_master_key() -> str:
    """Make a master key, as it is written in EVERKEEP_MASTER_KEYS: `id:base64`."""
    return f"k{os.urandom(4).hex()}:{base64.b64encode(os.urandom(KEY_BYTES)).decode('ascii')}"


def _header_bytes(sealed: bytes) -> int:
    if len(sealed) < 2 or len(sealed) < 2 + sealed[1] + SALT_BYTES + TAG_BYTES:
        raise SealBroken("A sealed secret is cut short.")
    if sealed[0] != VERSION:
        raise SealBroken(f"A sealed secret has version {sealed[0]}, which this release does not know.")
    return 2 + sealed[1] + SALT_BYTES


def _cipher(master: bytes, salt: bytes) -> tuple[AESGCM, bytes]:
    derived = HKDF(SHA256(), KEY_BYTES + _NONCE_BYTES, salt, _INFO).derive(master)
    return AESGCM(derived[:KEY_BYTES]), derived[KEY_BYTES:]


def _bound(header: bytes, account_id: int, purpose: str) -> bytes:
    return header + account_id.to_bytes(8, "big") + purpose.encode("utf-8")
