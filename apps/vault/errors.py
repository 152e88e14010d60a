"""The vault's errors, for other apps."""

from .store.errors import (
    BlobCorrupt,
    BlobError,
    BlobMissing,
    ContentCorrupt,
    Corrupt,
    KeysCorrupt,
    LockUnsupported,
    ObjectLocked,
    PackCorrupt,
    StoreError,
    StoreFull,
    StoreMismatch,
    StoreRefused,
    StoreUnavailable,
    VaultBusy,
    VaultError,
)

__all__ = [
    "BlobCorrupt",
    "BlobError",
    "BlobMissing",
    "ContentCorrupt",
    "Corrupt",
    "KeysCorrupt",
    "LockUnsupported",
    "ObjectLocked",
    "PackCorrupt",
    "StoreError",
    "StoreFull",
    "StoreMismatch",
    "StoreRefused",
    "StoreUnavailable",
    "VaultBusy",
    "VaultError",
]
