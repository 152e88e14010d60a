"""Packs, their copies and locks, and where each blob lies."""

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from ..enums import (
    CopyState,
    PackState,
)
from ..store.pack import Kind
from .stores import Store


class Pack(AccountModel):
    """A pack that is durable in `store`. A row exists only after that (docs/vault-ordering.md, V1).

    Only packs in the state STORED hold blobs; the others are on their way out (V14), since `state_at`.
    `shelf` is the number of the Shelf it belongs to for good; `store` changes when the shelf moves.
    `version` and `features` are those of its header: its key derives from them.
    `checked_at`: a check last read all of it; `verified_at`: and each blob was right. `matched`: its blobs with
    a row that names it, when a check last counted.
    `needs_rewrite`: its own list of blobs is damaged, so that only the rows know what is in it.
    """

    pack_id = models.BinaryField(max_length=16)
    shelf = models.PositiveSmallIntegerField(default=0)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="+")
    size = models.PositiveIntegerField()
    blobs = models.PositiveIntegerField()
    version = models.PositiveSmallIntegerField()
    features = models.BigIntegerField(default=0)
    state = models.PositiveSmallIntegerField(choices=PackState, default=PackState.STORED)
    state_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    matched = models.PositiveIntegerField(null=True)
    needs_rewrite = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "vault_pack"
        constraints = [models.UniqueConstraint(fields=["account", "pack_id"], name="vault_pack_once")]
        indexes = [
            models.Index(fields=["account", "shelf", "store", "id"], name="vault_pack_where"),
            models.Index(
                fields=["account", "state"],
                name="vault_pack_leaving",
                condition=~models.Q(state=PackState.STORED),
            ),
        ]

    def __str__(self) -> str:
        return bytes(self.pack_id).hex()


class PackCopy(AccountModel):
    """A pack that lies in a further store, or should. Goes with its pack."""

    pack = models.ForeignKey(Pack, on_delete=models.CASCADE, related_name="copies")
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="+")
    state = models.PositiveSmallIntegerField(choices=CopyState)
    reason = models.TextField(blank=True)
    checked_at = models.DateTimeField(default=clock.now)  # read back and compared; for FAILED: last tried
    due_at = models.DateTimeField(null=True)  # when a LEFT copy may go, a FAILED one is tried again

    class Meta:
        db_table = "vault_pack_copy"
        constraints = [models.UniqueConstraint(fields=["pack", "store"], name="vault_copy_once")]
        indexes = [
            models.Index(fields=["account", "store", "state", "checked_at"], name="vault_copy_oldest"),
            models.Index(fields=["due_at"], name="vault_copy_due", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()} of pack {self.pack_id}"


class BlobLocation(models.Model):
    """Where one blob lies. One row per blob, shelf and account.

    Not an AccountModel: rows come by the hundred million, written and read only by `vault.index`, where every
    statement carries the account. `pack_row` is the id of a Pack, without a constraint for the same reason.
    """

    pk = models.CompositePrimaryKey("account_id", "blob_id", "shelf")
    account_id = models.BigIntegerField()
    blob_id = models.BinaryField(max_length=32)
    shelf = models.PositiveSmallIntegerField(default=0)
    pack_row = models.BigIntegerField()
    position = models.PositiveIntegerField()
    stored_length = models.PositiveIntegerField()
    raw_length = models.PositiveIntegerField()
    codec = models.PositiveSmallIntegerField()
    kind = models.PositiveSmallIntegerField(default=Kind.DATA.value)

    class Meta:
        db_table = "vault_blob"
        indexes = [
            # The few dictionaries, oldest first (vault.index).
            models.Index(
                fields=["account_id", "pack_row"],
                name="vault_blob_dictionary",
                condition=models.Q(kind=Kind.DICTIONARY.value),
            )
        ]

    def __str__(self) -> str:
        return bytes(self.blob_id).hex()


class CondemnedBlob(models.Model):
    """A blob that nothing referenced when it was marked: `known` denies it, the sweep removes it (V9, V10).

    Not an AccountModel for the reason that BlobLocation is none.
    """

    pk = models.CompositePrimaryKey("account_id", "blob_id")
    account_id = models.BigIntegerField()
    blob_id = models.BinaryField(max_length=32)

    class Meta:
        db_table = "vault_condemned"

    def __str__(self) -> str:
        return bytes(self.blob_id).hex()


class LockedUntil(AccountModel):
    """Until when a store keeps a pack immutable, as far as we have seen to it (vault/locks.py).

    Without a pack: until when it keeps all the account's journals that were there when the row was written.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    pack = models.ForeignKey(Pack, null=True, on_delete=models.CASCADE, related_name="locks")
    until = models.DateTimeField()

    class Meta:
        db_table = "vault_locked_until"
        constraints = [
            models.UniqueConstraint(fields=["store", "pack"], name="vault_locked_pack_once"),
            models.UniqueConstraint(
                fields=["account", "store"],
                name="vault_locked_journals_once",
                condition=models.Q(pack__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.until:%Y-%m-%d}"
