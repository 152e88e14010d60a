"""The vault, as other apps see it.

    with open_writer(account_id) as writer:          # one per run
        part = writer.put(Role.MIME, data)           # not durable yet
        writer.flush()                               # now it is: `part` may be written to a catalog row
    data = open_reader(account_id).read(part)

Everything here may run in worker threads: a database connection that a call has to open it also closes. Who
calls often from one thread opens it once (`connection.ensure_connection()`) and closes it at the end.
"""

from collections.abc import Collection

from .actions import Action, register_action
from .attaching import FoundVault, vault_attach, vault_find, vaults_in
from .buckets import Bucket, bucket_url, open_bucket
from .copies import pack_heal
from .derived import DerivedFolder, open_derived
from .erased import (
    Followed,
    collected_since,
    has_dictionaries,
    journals_locked_until,
    objects_there,
    packs_there,
    places_of,
    referenced,
    register_followed,
)
from .index import DatabaseIndex
from .leases import Maintenance, maintenance
from .ownership import installation_id, store_own, vault_own
from .references import register_references
from .reindex import Reindexed, index_rebuild
from .selectors import Stored, how_stored, last_collection, orphans, verify
from .services import open_vault
from .shelves import shelf_number_of, task_store_of, task_stores
from .shredding import Shredded, vault_shred
from .store.content import ContentPart, Role, decode_content, encode_content
from .store.errors import (
    BlobCorrupt,
    BlobMissing,
    ContentCorrupt,
    JournalCorrupt,
    ObjectLocked,
    ObjectMissing,
    VaultError,
)
from .store.journal import Chain, Journal, JournalFolder, JournalName, JournalWriter, Written
from .store.journal_lines import EndLine, IssueLine, Line, SnapshotLine, VersionLine
from .store.reader import VaultReader
from .store.writer import VaultWriter

__all__ = [
    "Action",
    "BlobCorrupt",
    "BlobMissing",
    "Bucket",
    "Chain",
    "ContentCorrupt",
    "ContentPart",
    "DerivedFolder",
    "EndLine",
    "Followed",
    "FoundVault",
    "IssueLine",
    "Journal",
    "JournalCorrupt",
    "JournalFolder",
    "JournalName",
    "JournalWriter",
    "Line",
    "Maintenance",
    "ObjectLocked",
    "ObjectMissing",
    "Reindexed",
    "Role",
    "Shredded",
    "SnapshotLine",
    "Stored",
    "VaultError",
    "VaultReader",
    "VaultWriter",
    "VersionLine",
    "Written",
    "bucket_url",
    "collected_since",
    "decode_content",
    "encode_content",
    "has_dictionaries",
    "how_stored",
    "index_rebuild",
    "installation_id",
    "journals_locked_until",
    "known_blobs",
    "last_collection",
    "maintenance",
    "objects_there",
    "open_bucket",
    "open_derived",
    "open_journals",
    "open_reader",
    "open_writer",
    "orphans",
    "pack_heal",
    "packs_there",
    "places_of",
    "referenced",
    "register_action",
    "register_followed",
    "register_references",
    "shelf_number_of",
    "task_store_of",
    "task_stores",
    "vault_attach",
    "vault_find",
    "vault_own",
    "vault_shred",
    "vaults_in",
    "verify",
]


def open_writer(account_id: int, shelf: int = 0) -> VaultWriter:
    """Return a writer into a shelf of the account's vault, which is made on first use. Raises VaultError.

    Shelf 0 is the account's default; a backup task may have another (docs/decisions/005-shelves.md).
    """
    vault = open_vault(account_id=account_id, shelf=shelf)
    store_own(account_id=account_id, store_row=vault.store_row)  # V20
    return vault.writer()


def open_reader(account_id: int) -> VaultReader:
    """Return a reader of the account's vault. Raises VaultError."""
    return open_vault(account_id=account_id).reader()


def known_blobs(account_id: int, blob_ids: Collection[bytes]) -> set[bytes]:
    """Return those of `blob_ids` that the vault has a place for."""
    return set(DatabaseIndex(account_id, 0).locate(blob_ids))


def open_journals(account_id: int, shelf: int = 0) -> JournalFolder:
    """Return the journals of the account's vault; new ones go to `shelf`. Raises VaultError."""
    return open_vault(account_id=account_id, shelf=shelf).journals()
