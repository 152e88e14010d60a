"""What the portal knows of its stores: each account's keys, its packs, and where each blob lies."""

from .packs import BlobLocation, CondemnedBlob, LockedUntil, Pack, PackCopy
from .stores import Installation, RecoveryKey, Shelf, Store, VaultKey
from .work import Damage, GcRound, VaultCheck, VaultLease

__all__ = [
    "BlobLocation",
    "CondemnedBlob",
    "Damage",
    "GcRound",
    "Installation",
    "LockedUntil",
    "Pack",
    "PackCopy",
    "RecoveryKey",
    "Shelf",
    "Store",
    "VaultCheck",
    "VaultKey",
    "VaultLease",
]
