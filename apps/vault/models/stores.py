"""An account's stores, shelves and keys."""

from django.db import models

from apps.core import clock
from apps.core.ids import new_public_id
from apps.core.models import AccountModel

from ..enums import (
    StoreState,
)


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
