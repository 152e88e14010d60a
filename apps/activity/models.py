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


class Activity(AccountModel):
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
    details = models.JSONField(default=dict)

    class Meta:
        db_table = "activity"
        indexes = [
            models.Index(fields=["account", "-at", "-id"], name="activity_newest"),
            models.Index(fields=["account", "subject_id", "-at"], name="activity_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.item_label}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.pk is not None:
            raise TypeError("Activity rows are written once and never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("Activity rows are never deleted one by one.")
