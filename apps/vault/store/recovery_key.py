"""The recovery key: one line of text with which the owner opens the account's vault without us.

    EVK1-7QH4-…    the prefix, 160 random bits in 8 groups of 4 signs, and a ninth group that is their check

The signs are Crockford's (no I, L, O, U). The text is never stored; what is, is a key envelope of the usual
form, sealed under a key derived from it (docs/vault-format.md, "Recovery key").
"""

import hashlib
import os
import re
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from apps.core.sealing import KEY_BYTES, Keyring

from .errors import RecoveryKeyInvalid

PREFIX: Final = "EVK1"
GROUPS: Final = 9  # the last one is the check
NAME_PREFIX: Final = "recovery-"
_SECRET_BYTES: Final = 20
_ID_BYTES: Final = 8
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_READ_AS: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_INFO: Final = b"everkeep recovery key v1"
_CHECK: Final = b"everkeep recovery key check v1"


@dataclass(frozen=True, slots=True)
class RecoveryKey:
    """160 secret bits. Never logged, never stored: no repr shows them."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != _SECRET_BYTES:
            raise RecoveryKeyInvalid("A recovery key has the wrong length.")

    @classmethod
    def generate(cls) -> "RecoveryKey":
        return cls(os.urandom(_SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> "RecoveryKey":
        """Read what a person typed: case, spaces and dashes do not matter. Raises RecoveryKeyInvalid."""
        signs = plain(text)
        signs = signs.removeprefix(PREFIX) if len(signs) > 4 * GROUPS else signs
        if len(signs) != 4 * GROUPS:
            raise RecoveryKeyInvalid(f"A recovery key has {GROUPS} groups of 4 signs after {PREFIX}.")
        if unknown := set(signs) - set(_ALPHABET):
            raise RecoveryKeyInvalid(f"No recovery key has the sign {min(unknown)!r} in it.")
        number = 0
        for sign in signs[:-4]:
            number = number << 5 | _ALPHABET.index(sign)
        key = cls(number.to_bytes(_SECRET_BYTES, "big"))
        if _signs(_check(key.secret), 4) != signs[-4:]:
            raise RecoveryKeyInvalid("The recovery key is mistyped: its last group does not fit the others.")
        return key

    @property
    def groups(self) -> list[str]:
        """The nine groups after the prefix."""
        signs = _signs(int.from_bytes(self.secret, "big"), 32) + _signs(_check(self.secret), 4)
        return [signs[start : start + 4] for start in range(0, len(signs), 4)]

    @property
    def text(self) -> str:
        """The key as it is shown and printed."""
        return "-".join((PREFIX, *self.groups))

    @property
    def key_id(self) -> str:
        """The name of its envelope: says which key opens which vault, and nothing of the key."""
        return NAME_PREFIX + self._derived()[KEY_BYTES:].hex()

    def ring(self) -> Keyring:
        """Return the key that seals and opens the recovery envelope."""
        return Keyring({self.key_id: self._derived()[:KEY_BYTES]})

    def _derived(self) -> bytes:
        return HKDF(SHA256(), KEY_BYTES + _ID_BYTES, None, _INFO).derive(self.secret)


def plain(text: str) -> str:
    """Return the signs of a typed key or group alone, as the alphabet has them."""
    return re.sub(r"[\W_]+", "", text).upper().translate(_READ_AS)


def _check(secret: bytes) -> int:
    """20 bits: a mistyped key passes once in a million."""
    return int.from_bytes(hashlib.sha256(_CHECK + secret).digest()[:3], "big") >> 4


def _signs(number: int, length: int) -> str:
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(length)))
