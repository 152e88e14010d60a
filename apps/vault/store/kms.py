"""Key envelopes that AWS KMS seals: the master key never leaves the service.

After the envelope's header (keys.py):

    0     2   n, length of the KMS key's name
    2     n   the name (ARN) of the KMS key, ASCII: for people; KMS is never told to use it
    2+n   -   what KMS made of data key | id key

The vault and the account are KMS' encryption context: an envelope that is moved or relabelled does not open,
and each use stands with both in the provider's own audit log.
"""

import struct
import uuid
from collections.abc import Sequence
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from .errors import KeysCorrupt, KeyServiceError, KeyServiceRefused, KeyServiceUnavailable
from .keys import EnvelopeHeader, VaultKeys, split_envelope

_NAME: Final = struct.Struct(">H")
_MAX_NAME: Final = 2048
_MAX_SEALED: Final = 6144  # KMS' own limit for what it decrypts
_OTHER_KEY: Final = {"IncorrectKeyException"}
_BROKEN: Final = {"InvalidCiphertextException"}
_PASSING: Final = {
    "DependencyTimeoutException",
    "KMSInternalException",
    "KeyUnavailableException",
    "LimitExceededException",
    "Throttling",
    "ThrottlingException",
}


class KmsWrapping:
    """Seals under the first of `keys` (ARN, id or alias); opens what any of them has sealed.

    Credentials come from boto3's own chain. Only `kms:Encrypt` and `kms:Decrypt` are needed.
    """

    def __init__(
        self, keys: Sequence[str], *, region: str = "", endpoint: str = "", client: Any = None
    ) -> None:
        self._keys = tuple(keys)
        self._client = client or boto3.session.Session().client(
            "kms",
            region_name=region or None,
            endpoint_url=endpoint or None,
            config=Config(
                connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 4, "mode": "standard"}
            ),
        )

    def wrap(self, keys: VaultKeys, *, vault_id: uuid.UUID, account_id: int) -> bytes:
        """Return the keys' envelope. Raises KeyServiceError."""
        answer = self._call(
            self._client.encrypt,
            KeyId=self._keys[0],
            Plaintext=keys.join(),
            EncryptionContext=encryption_context(vault_id, account_id),
        )
        name = str(answer["KeyId"]).encode("ascii")
        header = EnvelopeHeader(vault_id, account_id, by_kms=True).pack()
        return header + _NAME.pack(len(name)) + name + bytes(answer["CiphertextBlob"])

    def unwrap(self, envelope: bytes, *, vault_id: uuid.UUID, account_id: int) -> VaultKeys:
        """Open an envelope that must belong to this vault. Raises KeysCorrupt, KeyServiceError."""
        _, body = split_envelope(envelope, EnvelopeHeader(vault_id, account_id, by_kms=True))
        name, sealed = sealed_by_kms(body)
        for key in self._keys:
            try:
                answer = self._call(
                    self._client.decrypt,
                    KeyId=key,
                    CiphertextBlob=sealed,
                    EncryptionContext=encryption_context(vault_id, account_id),
                )
            except _AnotherKey:
                continue
            return VaultKeys.joined(answer["Plaintext"])
        raise KeyServiceRefused(
            f"The key envelope of vault {vault_id} was sealed by the KMS key {name}, which is not configured.",
            do="Add it to EVERKEEP_KMS_KEYS.",
        )

    def _call(self, ask: Any, **words: Any) -> Any:
        try:
            return ask(**words)
        except (ClientError, BotoCoreError) as error:
            # Not chained: nothing of the question may end in a log.
            raise _translated(error) from None


class _AnotherKey(KeyServiceError):
    """This key did not seal it."""


def encryption_context(vault_id: uuid.UUID, account_id: int) -> dict[str, str]:
    """Return what KMS binds to an envelope."""
    return {"everkeep:vault": vault_id.hex, "everkeep:account": str(account_id)}


def sealed_by_kms(body: bytes) -> tuple[str, bytes]:
    """Return name of the KMS key and sealed bytes of what follows the header. Raises KeysCorrupt."""
    length = _NAME.unpack_from(body)[0] if len(body) >= _NAME.size else 0
    name, sealed = body[_NAME.size : _NAME.size + length], body[_NAME.size + length :]
    if not 0 < length <= _MAX_NAME or len(name) != length or not 0 < len(sealed) <= _MAX_SEALED:
        raise KeysCorrupt("A key envelope of KMS is cut short or too long.")
    return name.decode("ascii", "replace"), sealed


def _translated(error: ClientError | BotoCoreError) -> KeyServiceError | KeysCorrupt:
    if not isinstance(error, ClientError):
        return KeyServiceUnavailable(f"AWS KMS cannot be reached ({type(error).__name__}).")
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _OTHER_KEY:
        return _AnotherKey("Another key sealed it.")
    if code in _BROKEN:
        return KeysCorrupt("KMS says that the key envelope is damaged or belongs to another vault.")
    if code in _PASSING or status >= 500:
        return KeyServiceUnavailable(f"AWS KMS fails at the moment ({code}).")
    return KeyServiceRefused(
        f"AWS KMS refuses ({code}).", do="Check EVERKEEP_KMS_KEYS, the key's state and its permissions."
    )
