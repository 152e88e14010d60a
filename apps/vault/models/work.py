"""Work on a vault: leases, garbage collection, checks and what they found."""

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from ..enums import (
    OPEN_CHECKS,
    CheckState,
    CheckTier,
    CheckTrigger,
    DamageState,
    FoundBy,
    GcState,
)


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
