"""What the portal knows of its stores: each account's keys, its packs, and where each blob lies."""

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from .enums import GcState, PackState
from .store.pack import Kind


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
    """An account's vault: `public_id` names its folder in the store, `envelope` holds its sealed keys.

    The row outlives shredding, without its envelope: nothing may make a new vault in its place by accident.
    """

    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="+")
    envelope = models.BinaryField()
    master_key_id = models.CharField(max_length=40)
    shredding_since = models.DateTimeField(null=True, blank=True)  # from here on nothing opens it any more
    shredded_at = models.DateTimeField(null=True, blank=True)  # no envelope was found anywhere
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "vault_key"
        constraints = [models.UniqueConstraint(fields=["account"], name="vault_key_once")]

    def __str__(self) -> str:
        return str(self.public_id)


class RecoveryKey(AccountModel):
    """A recovery key that was shown to the account's owner. The key itself is nowhere but with the owner.

    `key_id` names its envelope in the store (store/recovery_key.py). Until the owner has proved that it is
    written down, `asked` are the numbers of the groups to type and `answer` is what they are, sealed. A key
    that another one replaces keeps its row until its envelope is gone from every store.
    """

    vault = models.ForeignKey(VaultKey, on_delete=models.CASCADE, related_name="+")
    key_id = models.CharField(max_length=40)
    made_by = models.CharField(max_length=200)
    made_at = models.DateTimeField(default=clock.now)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    replaced_at = models.DateTimeField(null=True, blank=True)
    asked = models.JSONField(default=list)
    answer = models.BinaryField(default=b"")

    class Meta:
        db_table = "vault_recovery_key"
        constraints = [models.UniqueConstraint(fields=["account", "key_id"], name="vault_recovery_key_once")]

    def __str__(self) -> str:
        return self.key_id

    @property
    def answer_purpose(self) -> str:
        """Under which purpose `answer` is sealed."""
        return f"vault.recovery_key:{self.public_id}"


class Pack(AccountModel):
    """A pack that is durable in the store. A row exists only after that (docs/vault-ordering.md, V1).

    Only packs in the state STORED hold blobs; the others are on their way out (V14), since `state_at`.

    `version` and `features` are those of its header: its key derives from them.
    """

    pack_id = models.BinaryField(max_length=16)
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="+")
    size = models.PositiveIntegerField()
    blobs = models.PositiveIntegerField()
    version = models.PositiveSmallIntegerField()
    features = models.BigIntegerField(default=0)
    state = models.PositiveSmallIntegerField(choices=PackState, default=PackState.STORED)
    state_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "vault_pack"
        constraints = [models.UniqueConstraint(fields=["account", "pack_id"], name="vault_pack_once")]
        indexes = [
            models.Index(
                fields=["account", "state"],
                name="vault_pack_leaving",
                condition=~models.Q(state=PackState.STORED),
            )
        ]

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


class VaultLease(AccountModel):
    """Who maintains an account's vault right now: garbage collection, migration, rebuild (vault/leases.py).

    One row per account, kept between owners. Backups and readers need no lease.
    """

    owner = models.CharField(max_length=80, blank=True)
    purpose = models.CharField(max_length=40, blank=True)
    until = models.DateTimeField(null=True)

    class Meta:
        db_table = "vault_lease"
        constraints = [models.UniqueConstraint(fields=["account"], name="vault_lease_once")]

    def __str__(self) -> str:
        return self.purpose or "free"


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


class GcRound(AccountModel):
    """One round of garbage collection, from the marks to the new packs. An account has one open round at most.

    Counts are of blobs and packs, `*_bytes` as they lie in the store. `lost` are blobs that something
    references and no row places. `freed_bytes` grows when objects are deleted, days after the round's end.
    """

    state = models.PositiveSmallIntegerField(choices=GcState, default=GcState.MARKING)
    started_at = models.DateTimeField(default=clock.now)
    marked_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    message = models.TextField(blank=True)
    blobs = models.BigIntegerField(default=0)
    live = models.BigIntegerField(default=0)
    lost = models.BigIntegerField(default=0)
    condemned = models.BigIntegerField(default=0)
    removed = models.BigIntegerField(default=0)
    removed_bytes = models.BigIntegerField(default=0)
    rewritten = models.BigIntegerField(default=0)
    rewritten_bytes = models.BigIntegerField(default=0)
    damaged = models.BigIntegerField(default=0)
    deleted = models.BigIntegerField(default=0)
    freed_bytes = models.BigIntegerField(default=0)
    locked = models.BigIntegerField(default=0)

    class Meta:
        db_table = "vault_gc_round"
        indexes = [models.Index(fields=["account", "-started_at", "-id"], name="gc_round_newest")]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d} {self.get_state_display()}"
