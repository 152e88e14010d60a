"""How this installation seals its vaults' keys: under its first master key, or by AWS KMS when told so.

Envelopes of either kind open as long as their key is configured, so that one can change from one to the other.
"""

import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

from apps.core.sealing import Keyring, keyring

from .errors import KeyServiceRefused
from .store.keys import VaultKeys, envelope_header, unwrap_keys, wrap_keys

if TYPE_CHECKING:
    from .store.kms import KmsWrapping


@dataclass(frozen=True, slots=True)
class Wrapping:
    """Seals with `kms` when there is one, else with the first key of `ring`; opens what either has sealed.

    `leave_kms`: seals with `ring` all the same, on the way back from KMS.
    """

    ring: Keyring
    kms: "KmsWrapping | None" = None
    leave_kms: bool = False

    def wrap(self, keys: VaultKeys, *, vault_id: uuid.UUID, account_id: int) -> bytes:
        """Return the keys' envelope. Raises KeyServiceError."""
        if self.kms is not None and not self.leave_kms:
            return self.kms.wrap(keys, vault_id=vault_id, account_id=account_id)
        return wrap_keys(keys, ring=self.ring, vault_id=vault_id, account_id=account_id)

    def unwrap(self, envelope: bytes, *, vault_id: uuid.UUID, account_id: int) -> VaultKeys:
        """Open an envelope of this vault. Raises KeysCorrupt, MasterKeyMissing, KeyServiceError."""
        if not envelope_header(envelope).by_kms:
            return unwrap_keys(envelope, ring=self.ring, vault_id=vault_id, account_id=account_id)
        if self.kms is None:
            raise KeyServiceRefused(
                f"The keys of vault {vault_id} are sealed by AWS KMS, and no key of it is configured.",
                do="Set EVERKEEP_KMS_KEYS.",
            )
        return self.kms.unwrap(envelope, vault_id=vault_id, account_id=account_id)


def wrapping() -> Wrapping:
    """Return what the settings say. Raises ImproperlyConfigured."""
    kms = None
    if settings.KMS_KEYS:
        kms = _kms(tuple(settings.KMS_KEYS), settings.KMS_REGION, settings.KMS_ENDPOINT)
    return Wrapping(keyring(), kms)


@lru_cache(maxsize=8)
def _kms(keys: tuple[str, ...], region: str, endpoint: str) -> "KmsWrapping":
    from .store.kms import KmsWrapping  # noqa: PLC0415 - boto3 costs half a second that few starts need

    return KmsWrapping(keys, region=region, endpoint=endpoint)
