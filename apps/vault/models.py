"""What the portal knows of its stores: each account's keys, its packs, and where each blob lies."""

from django.db import models

from apps.core import clock
from apps.core.ids import new_public_id
from apps.core.models import AccountModel

from .enums import (
    OPEN_CHECKS,
    CheckState,
    CheckTier,
    CheckTrigger,
    CopyState,
    DamageState,
    FoundBy,
    GcState,
    PackState,
    StoreState,
)
from .store.pack import Kind


class Installation(models.Model):
    """The id of this installation: one row. What it owns says so in the store (vault/ownership.py)."""

    number = models.PositiveSmallIntegerField(default=1, unique=True)
    installation_id = models.UUIDField(default=new_public_id, editable=False)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "vault_installation"

    def __str__(self) -> str:
        return str(self.installation_id)


class Store(models.Model):
    """An object store: the operator's (no account; the settings name it) or an account's own.

    `store_id` is also written in the store itself (store/marker.py). Not an AccountModel, as the operator's
    belong to nobody: a person's request reaches one only through `access.py`. `sealed_credentials` is sealed
    for the account (stores.py) and never shown.
    """

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    account = models.ForeignKey("accounts.Account", null=True, on_delete=models.CASCADE, related_name="+")
    store_id = models.UUIDField(editable=False)
    url = models.TextField()
    name = models.CharField(max_length=120, blank=True)
    sealed_credentials = models.BinaryField(default=bytes)
    state = models.CharField(max_length=10, choices=StoreState, default=StoreState.UNTESTED)
    state_reason = models.TextField(blank=True)
    test = models.JSONField(default=list)  # the last test: [name, ok, message, do] for each line
    tested_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "vault_store"
        constraints = [
            models.UniqueConstraint(
                fields=["store_id"], name="store_once", condition=models.Q(account__isnull=True)
            ),
            models.UniqueConstraint(
                fields=["url"], name="store_url_once", condition=models.Q(account__isnull=True)
            ),
            models.UniqueConstraint(fields=["account", "store_id"], name="store_once_in_account"),
        ]

    def __str__(self) -> str:
        """What customers read in activity, jobs and errors: where the operator's stores are is not among it."""
        return self.name or "Everkeep's store"


class Shelf(AccountModel):
    """A part of an account's vault with a store of its own, and maybe a second one for replicas.

    Number 0 is the account's default; a backup task may have another. Content is stored once on each shelf
    (docs/decisions/005-shelves.md). New packs go to `store`; while `gather` is set, packs of this shelf that
    lie elsewhere are brought there. `former` are the stores where such packs may still lie.
    """

    number = models.PositiveSmallIntegerField()
    store = models.ForeignKey(Store, on_delete=models.PROTECT, related_name="+")
    replica = models.ForeignKey(Store, null=True, on_delete=models.PROTECT, related_name="+")
    former = models.ManyToManyField(Store, related_name="+")
    gather = models.BooleanField(default=False)
    moved_at = models.DateTimeField(null=True)  # when `store` last changed
    kept_at = models.DateTimeField(null=True)  # when upkeep last came to its end here
    trouble = models.TextField(blank=True)  # why upkeep could not come to its end

    class Meta:
        db_table = "vault_shelf"
        constraints = [models.UniqueConstraint(fields=["account", "number"], name="vault_shelf_once")]

    def __str__(self) -> str:
        return f"shelf {self.number}"


class VaultKey(AccountModel):
    """An account's vault: `public_id` names its folder in every store, `envelope` holds its sealed keys.

    The row outlives shredding, without its envelope: nothing may make a new vault in its stead by accident.
    """

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
    forced = models.BooleanField(default=False)  # a person has foreseen surprising numbers (V16)
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
        indexes = [models.Index(fields=["account", "-id"], name="gc_round_newest")]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d} {self.get_state_display()}"


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


class VaultCheck(AccountModel):
    """One check of an account's vault (vault/health). An account has one open check at most.

    Worked on in slices by whoever holds the lease; `cursor` says where the next slice goes on. Bytes are those
    of packs as they lie in the store. `findings` counts what was not known before.
    """

    tier = models.CharField(max_length=12, choices=CheckTier)
    trigger = models.CharField(max_length=10, choices=CheckTrigger, default=CheckTrigger.SCHEDULE)
    asked_by = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=CheckState, default=CheckState.PENDING)
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=80, blank=True)
    lease_until = models.DateTimeField(null=True)
    cancel_requested = models.BooleanField(default=False)
    cursor = models.JSONField(default=dict)
    packs_total = models.BigIntegerField(default=0)
    packs_done = models.BigIntegerField(default=0)
    bytes_total = models.BigIntegerField(default=0)
    bytes_done = models.BigIntegerField(default=0)
    contents_done = models.BigIntegerField(default=0)
    findings = models.BigIntegerField(default=0)
    message = models.TextField(blank=True)

    class Meta:
        db_table = "vault_check"
        constraints = [
            models.UniqueConstraint(
                fields=["account"], name="vault_check_one_open", condition=models.Q(state__in=OPEN_CHECKS)
            )
        ]
        indexes = [models.Index(fields=["account", "-created_at", "-id"], name="vault_check_newest")]

    def __str__(self) -> str:
        return f"{self.get_tier_display()} {self.created_at:%Y-%m-%d}"


class Damage(AccountModel):
    """One blob that cannot be read, or one pack or list that is not as it should be, and what became of it.

    `subject` is what it is about, once per account: found again, the row opens again. `pack_id` is the id of
    the object, for a journal the journal's. `items` counts the items that name the blob, in all snapshots.
    """

    subject = models.BinaryField(max_length=64)
    code = models.CharField(max_length=20)
    pack_id = models.BinaryField(max_length=16, default=bytes)
    blob_id = models.BinaryField(max_length=32, default=bytes)
    what = models.TextField()
    found_by = models.CharField(max_length=10, choices=FoundBy, default=FoundBy.CHECK)
    found_at = models.DateTimeField(default=clock.now)
    state = models.CharField(max_length=10, choices=DamageState, default=DamageState.FOUND)
    state_at = models.DateTimeField(default=clock.now)
    how = models.CharField(max_length=300, blank=True)
    items = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "vault_damage"
        constraints = [models.UniqueConstraint(fields=["account", "subject"], name="vault_damage_once")]
        indexes = [models.Index(fields=["account", "state"], name="vault_damage_state")]

    def __str__(self) -> str:
        return f"{self.code}: {self.what}"
