"""What can go wrong in the vault. All derive from VaultError: a run tells them from a cloud's trouble."""

from apps.core.errors import EverkeepError


class VaultError(EverkeepError):
    """Base: our own storage could not do its part."""

    code, status = "vault_error", 503


class StoreError(VaultError):
    """Base: the object store refused, failed or is not the right one."""

    code = "store_error"


class StoreUnavailable(StoreError):
    """A passing fault of the store, still there after all tries. A later run may succeed."""

    code = "store_unavailable"


class StoreFull(StoreError):
    """No space left. Nothing half-written is kept."""

    code = "store_full"


class StoreRefused(StoreError):
    """Credentials, permissions or settings of the store are wrong: trying again does not help."""

    code = "store_refused"


class StoreMismatch(StoreError):
    """Behind the address is not the store that holds this vault (moved, unmounted, another bucket)."""

    code = "store_mismatch"


class OwnerUnreadable(StoreError):
    """What says which installation a vault belongs to is damaged or of another format."""

    code = "vault_owner_unreadable"


class KeyRefused(StoreError):
    """An object name that could leave the store's own folder, or that no store could hold."""

    code = "store_key_refused"


class ObjectMissing(StoreError):
    """There is no object of this name."""

    code = "store_object_missing"


class ObjectTruncated(StoreError):
    """The object is shorter than the range that was asked for."""

    code = "store_object_truncated"


class ObjectConflict(StoreError):
    """The name is taken by an object of another size: write-once names never get new content."""

    code = "store_object_conflict"


class ObjectLocked(StoreError):
    """The object is immutable until a day that has not come: it was neither deleted nor changed."""

    code = "store_object_locked"


class LockUnsupported(StoreError):
    """The store cannot make objects immutable, or its bucket is not set up for it."""

    code = "store_lock_unsupported"


class VaultTaken(VaultError):
    """The vault belongs to another installation: nothing may be written, collected or deleted in it (V20)."""

    code = "vault_taken"


class Corrupt(VaultError):
    """Base: bytes that do not authenticate or do not parse. Nothing of them is ever handed out."""

    code = "vault_corrupt"


class PackCorrupt(Corrupt):
    """A pack that is damaged, cut, foreign or of a format that this release does not know."""

    code = "pack_corrupt"


class KeysCorrupt(Corrupt):
    """A key envelope that is damaged or belongs to another vault."""

    code = "keys_corrupt"


class JournalCorrupt(Corrupt):
    """A journal that is damaged, incomplete, foreign or of a format that this release does not know."""

    code = "journal_corrupt"


class KeysShredded(VaultError):
    """The account's keys were destroyed on purpose: nobody can read its backups any more."""

    code, status = "keys_shredded", 410


class KeyServiceError(VaultError):
    """Base: the service that keeps the master key (AWS KMS) did not do its part."""

    code = "key_service_error"


class KeyServiceUnavailable(KeyServiceError):
    """A passing fault of the key service, still there after all tries."""

    code = "key_service_unavailable"


class KeyServiceRefused(KeyServiceError):
    """The key service does not let us use the key: permissions, a disabled key, a wrong name."""

    code = "key_service_refused"


class RecoveryKeyInvalid(VaultError):
    """What was typed is not a recovery key: too short, a wrong sign, or its check does not match."""

    code, status = "recovery_key_invalid", 400


class ContentCorrupt(Corrupt):
    """A catalog row's content list that does not parse."""

    code = "content_corrupt"


class VaultBusy(VaultError):
    """Another process maintains this vault: garbage collection, migration or rebuild."""

    code, status = "vault_busy", 409


class ReferencesUnreadable(VaultError):
    """What is live cannot be told: a content list does not parse, or nobody has registered any."""

    code = "vault_references_unreadable"


class PackBarred(VaultError):
    """A pack is to be recorded that garbage collection has deleted, because nobody did so for days."""

    code = "pack_barred"


class GcRefused(VaultError):
    """Garbage collection found numbers that are more likely a fault than the truth, and removed nothing."""

    code, status = "gc_refused", 409


class BlobError(VaultError):
    """Base of a blob that cannot be read; `blob_id` and `pack_id` (hexadecimal, "" when unknown) name it."""

    code = "blob_error"

    def __init__(self, what: str, *, blob_id: bytes, pack_id: bytes | None = None) -> None:
        super().__init__(what)
        self.blob_id = blob_id.hex()
        self.pack_id = pack_id.hex() if pack_id else ""


class BlobMissing(BlobError):
    """The vault does not hold these bytes, or no longer."""

    code = "blob_missing"


class BlobCorrupt(BlobError):
    """The stored bytes are not the ones that were written."""

    code = "blob_corrupt"
