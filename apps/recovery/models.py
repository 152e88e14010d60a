"""What a person has chosen out of a backup, and the plan that a restore follows."""

from django.db import models

from apps.backups.models import BackupTask, Entity, Snapshot, entity_sight, task_sight
from apps.core import clock
from apps.core.models import AccountModel
from apps.core.sight import sees_everything
from apps.jobs.models import Job

from .enums import DrillState, PlanState, RestoreMode


class Choice(AccountModel):
    """Nodes of a snapshot by their keys (`backups.selectors.browse.node_key`). A folder means all below it."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="+")
    user_id = models.BigIntegerField()
    items = models.JSONField(default=list)
    folders = models.JSONField(default=list)
    everything = models.BooleanField(default=False)

    class Meta:
        abstract = True

    @property
    def is_empty(self) -> bool:
        return not (self.items or self.folders or self.everything)


class Selection(Choice):
    """What one person has ticked in one backup, kept over pages, folders and days off."""

    updated_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "recovery_selection"
        constraints = [
            models.UniqueConstraint(fields=["user_id", "snapshot"], name="selection_once_per_person")
        ]

    @classmethod
    def sight(cls) -> models.Q | None:
        return None if sees_everything() else models.Q(snapshot__in=Snapshot.objects.values("pk"))

    def __str__(self) -> str:
        return f"{len(self.items)} items and {len(self.folders)} folders"


class Plan(Choice):
    """What a restore would do, seen against the live target. Nothing is written before it is confirmed.

    `rows` is a list of {folder, create, replace, skip, size}, one a folder; `root_name` is the new folder of
    the mode NEW_ROOT, decided here so that a repeat uses the same.
    """

    target = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+")
    mode = models.CharField(max_length=10, choices=RestoreMode)
    state = models.CharField(max_length=10, choices=PlanState, default=PlanState.MAKING)
    root_name = models.CharField(max_length=100, blank=True)
    rows = models.JSONField(default=list)
    message = models.TextField(blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "recovery_plan"

    @classmethod
    def sight(cls) -> models.Q | None:
        target = entity_sight("target")
        return None if target is None else target & models.Q(snapshot__in=Snapshot.objects.values("pk"))

    def __str__(self) -> str:
        return f"Restore into {self.target}"

    def total(self, column: str) -> int:
        """Sum one column of `rows`."""
        return sum(int(row[column]) for row in self.rows)


class Drill(AccountModel):
    """One restore drill of one backup task: a sample restored to memory and compared (recovery/drill).

    `report` is the exact text that `signature` signs with the key whose public half is `public_key` (both
    hexadecimal). `notes` counts differences that are no failure (drill/compare.py).
    """

    task = models.ForeignKey(BackupTask, on_delete=models.CASCADE, related_name="drills")
    state = models.CharField(max_length=10, choices=DrillState, default=DrillState.RUNNING)
    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)
    items = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    notes = models.PositiveIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    seconds = models.FloatField(default=0.0)
    message = models.TextField(blank=True)
    report = models.TextField(blank=True)
    entities = models.JSONField(default=list)  # public ids of those that the report names
    signature = models.CharField(max_length=128, blank=True)
    public_key = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "recovery_drill"
        constraints = [
            models.UniqueConstraint(
                fields=["task"], name="drill_one_at_a_time", condition=models.Q(state=DrillState.RUNNING)
            )
        ]
        indexes = [models.Index(fields=["task", "-started_at", "-id"], name="drill_newest")]

    @classmethod
    def sight(cls) -> models.Q | None:
        return task_sight("task")

    def __str__(self) -> str:
        return f"Drill of {self.task} on {self.started_at:%Y-%m-%d}"
