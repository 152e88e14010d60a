"""States of a job and outcomes of its items."""

from django.db import models


class JobKind(models.TextChoices):
    RESTORE = "restore", "Restore"
    UNDO = "undo", "Undo"  # of a restore
    EXPORT = "export", "Export"
    MOVE = "move", "Move"  # of backups to another store
    USAGE = "usage", "Usage report"


class JobState(models.TextChoices):
    """PENDING -> RUNNING -> one of the final ones. A dead worker's lease expires and RUNNING is taken over."""

    PENDING = "pending", "Pending"
    RUNNING = "running", "In progress"
    SUCCEEDED = "succeeded", "Success"
    PARTIAL = "partial", "Partial"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


OPEN_STATES = (JobState.PENDING, JobState.RUNNING)
FINAL_STATES = (JobState.SUCCEEDED, JobState.PARTIAL, JobState.FAILED, JobState.CANCELLED)


class ItemOutcome(models.TextChoices):
    PENDING = "pending", "Not done yet"
    DONE = "done", "Done"
    SKIPPED = "skipped", "Skipped"
    FAILED = "failed", "Failed"
