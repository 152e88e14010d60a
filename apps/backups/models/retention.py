"""Which rule keeps backups, and what was let go by it."""

from django.db import models
from django.db.models import Q

from apps.core import clock
from apps.core.models import AccountModel

from .entities import Entity, entity_sight


class AccountRetention(AccountModel):
    """The rule of an account (`retention.rules.Rule` as JSON) for what no task or policy has one for."""

    rule = models.JSONField()

    class Meta:
        db_table = "account_retention"
        constraints = [models.UniqueConstraint(fields=["account"], name="retention_of_account_once")]

    def __str__(self) -> str:
        return "the account's retention"


class MarkClock(AccountModel):
    """How much time was seen to pass over the account's marks (`core.grace`): it never jumps."""

    counted_at = models.DateTimeField(default=clock.now)
    counted_seconds = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "mark_clock"
        constraints = [models.UniqueConstraint(fields=["account"], name="mark_clock_once")]

    def __str__(self) -> str:
        return f"{self.counted_seconds} s seen"


class Expiry(AccountModel):
    """Snapshots of one kind of data of one entity that were let go together.

    The row is written with the first of them: while `finished_at` is empty, versions and journals of what went
    may be left, and the next night goes on. `blobs` is how many the versions named that went, at most.
    """

    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="expiries")
    sub_service = models.CharField(max_length=20)
    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)
    snapshots = models.PositiveIntegerField(default=0)
    oldest_at = models.DateTimeField(null=True)
    newest_at = models.DateTimeField(null=True)
    versions = models.PositiveBigIntegerField(default=0)
    blobs = models.PositiveBigIntegerField(default=0)
    locked = models.PositiveIntegerField(default=0)
    rule = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "expiry"
        indexes = [
            models.Index(fields=["account", "-started_at"], name="expiry_newest"),
            models.Index(fields=["entity", "sub_service", "-started_at"], name="expiry_of_entity"),
            models.Index(fields=["entity"], name="expiry_unfinished", condition=Q(finished_at__isnull=True)),
        ]

    @classmethod
    def sight(cls) -> models.Q | None:
        return entity_sight("entity")

    def __str__(self) -> str:
        return f"{self.snapshots} snapshots of {self.entity}"
