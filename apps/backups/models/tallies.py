"""Counts of large tasks, kept so that no page reads a hundred thousand rows to say five numbers."""

from django.db import models

from apps.core.models import AccountModel

from .entities import BackupTask, task_sight


class TaskTally(AccountModel):
    """What `selectors.tallies` counted over a large task. Never the truth itself: may be forgotten at any time.

    `groups` are entities by word, licence and limited access; `nights` what ran by day, `began` when backups
    began, both by limited access, so that everybody is shown the sum of what they see. Without `counted_at`
    something changed that a person waits for: pages count for themselves until the next round.
    """

    task = models.OneToOneField(BackupTask, on_delete=models.CASCADE, related_name="tally")
    counted_at = models.DateTimeField(null=True)
    nights_at = models.DateTimeField(null=True)
    groups = models.JSONField(default=list)
    nights = models.JSONField(default=list)
    began = models.JSONField(default=list)

    class Meta:
        db_table = "task_tally"

    @classmethod
    def sight(cls) -> models.Q | None:
        return task_sight("task")

    def __str__(self) -> str:
        return f"{self.task} at {self.counted_at}"
