"""The vault's errors, for other apps."""

from .store.errors import (
    BlobCorrupt,
    BlobError,
    BlobMissing,
    ContentCorrupt,
    Corrupt,
    GcRefused,
    JournalCorrupt,
    KeysCorrupt,
    KeyServiceError,
    KeyServiceRefused,
    KeyServiceUnavailable,
    KeysShredded,
    LockUnsupported,
    ObjectLocked,
    OwnerUnreadable,
    PackBarred,
    PackCorrupt,
    RecoveryKeyInvalid,
    ReferencesUnreadable,
    StoreError,
    StoreFull,
    StoreMismatch,
    StoreRefused,
    StoreUnavailable,
    VaultBusy,
    VaultError,
    VaultTaken,
)

__all__ = [
    "BlobCorrupt",
    "BlobError",
    "BlobMissing",
    "ContentCorrupt",
    "Corrupt",
    "GcRefused",
    "JournalCorrupt",
    "KeyServiceError",
    "KeyServiceRefused",
    "KeyServiceUnavailable",
    "KeysCorrupt",
    "KeysShredded",
    "LockUnsupported",
    "ObjectLocked",
    "OwnerUnreadable",
    "PackBarred",
    "PackCorrupt",
    "RecoveryKeyInvalid",
    "ReferencesUnreadable",
    "StoreError",
    "StoreFull",
    "StoreMismatch",
    "StoreRefused",
    "StoreUnavailable",
    "TriedTooOften",
    "VaultBusy",
    "VaultError",
    "VaultTaken",
]


class TriedTooOften(StoreRefused):
    """Nothing was asked of the store: this account has tested too much."""

    code = "store_tried_too_often"
