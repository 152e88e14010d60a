"""What the portal knows of its stores: each account's keys, its packs, and where each blob lies."""

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from .enums import PackState


class Store(models.Model):
    """An object store of the operator. `store_id` is also written in the store itself (store/marker.py)."""

    store_id = models.UUIDField(unique=True, editable=False)
    url = models.TextField(unique=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "vault_store"

    def __str__(self) -> str:
        return self.url


class VaultKey(AccountModel):
    """An account's vault: `public_id` names its folder in the store, `envelope` holds its sealed keys."""

    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="+")
    envelope = models.BinaryField()
    master_key_id = models.CharField(max_length=40)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "vault_key"
        constraints = [models.UniqueConstraint(fields=["account"], name="vault_key_once")]

    def __str__(self) -> str:
        return str(self.public_id)


class Pack(AccountModel):
    """A pack that is durable in the store. A row exists only after that (docs/vault-format.md, V1)."""

    pack_id = models.BinaryField(max_length=16)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="+")
    size = models.PositiveIntegerField()
    blobs = models.PositiveIntegerField()
    state = models.PositiveSmallIntegerField(choices=PackState, default=PackState.STORED)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "vault_pack"
        constraints = [models.UniqueConstraint(fields=["account", "pack_id"], name="vault_pack_once")]

    def __str__(self) -> str:
        return bytes(self.pack_id).hex()


class BlobLocation(models.Model):
    """Where one blob lies. One row per blob and account.

    Not an AccountModel: rows come by the hundred million, written and read only by `vault.index`, where every
    statement carries the account. `pack_row` is the id of a Pack, without a constraint for the same reason.
    """

    pk = models.CompositePrimaryKey("account_id", "blob_id")
    account_id = models.BigIntegerField()
    blob_id = models.BinaryField(max_length=32)
    pack_row = models.BigIntegerField()
    position = models.PositiveIntegerField()
    stored_length = models.PositiveIntegerField()
    raw_length = models.PositiveIntegerField()
    codec = models.PositiveSmallIntegerField()

    class Meta:
        db_table = "vault_blob"

    def __str__(self) -> str:
        return bytes(self.blob_id).hex()
