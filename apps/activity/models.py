"""System activity: append-only rows with plain ids and label copies, so that they outlive what they name."""

from typing import Any, NoReturn

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel


class ActivityStatus(models.TextChoices):
    """How the act ended."""

    DONE = "done", "Done"
    PARTIAL = "partial", "Partial"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    STARTED = "started", "Started"


class WrittenOnce(AccountModel):
    """A row that is never changed and never deleted by itself."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise TypeError(f"{type(self).__name__} rows are written once and never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError(f"{type(self).__name__} rows are never deleted one by one.")


class Activity(WrittenOnce):
    """One thing that happened in an account (features ACT-01)."""

    at = models.DateTimeField(default=clock.now)
    code = models.CharField(max_length=60)
    status = models.CharField(max_length=10, choices=ActivityStatus)
    service = models.CharField(max_length=30, blank=True)
    sub_service = models.CharField(max_length=30, blank=True)
    task_label = models.CharField(max_length=200, blank=True)
    item_label = models.CharField(max_length=300, blank=True)
    actor_label = models.CharField(max_length=200, blank=True)
    actor_id = models.BigIntegerField(null=True)
    subject_id = models.UUIDField(null=True)
    # The one mailbox, drive or site that the row names: who may not see that, may not see the row.
    entity_id = models.UUIDField(null=True)
    details = models.JSONField(default=dict)

    class Meta:
        db_table = "activity"
        indexes = [
            models.Index(fields=["account", "-at", "-id"], name="activity_newest"),
            models.Index(fields=["account", "subject_id", "-at"], name="activity_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.item_label}"


class SecurityEvent(WrittenOnce):
    """One thing that somebody did, tried or was shown (features ACT-03, ACT-04)."""

    at = models.DateTimeField(default=clock.now)
    code = models.CharField(max_length=60)
    status = models.CharField(max_length=10, choices=ActivityStatus)
    service = models.CharField(max_length=30, blank=True)
    task_label = models.CharField(max_length=200, blank=True)
    # Empty where the system acted by itself.
    actor_label = models.CharField(max_length=200, blank=True)
    actor_id = models.BigIntegerField(null=True)
    address = models.CharField(max_length=45, blank=True)
    description = models.CharField(max_length=500, blank=True)
    subject_id = models.UUIDField(null=True)
    # The one mailbox, drive or site that the row names: who may not see that, may not see the row.
    entity_id = models.UUIDField(null=True)
    details = models.JSONField(default=dict)

    class Meta:
        db_table = "security_event"
        indexes = [models.Index(fields=["account", "-at", "-id"], name="security_event_newest")]

    def __str__(self) -> str:
        return f"{self.code} {self.description}"
