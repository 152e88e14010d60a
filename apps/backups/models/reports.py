"""Reports that are sent by themselves: when, about what, and to whom besides the account's recipients."""

from datetime import time

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel
from apps.core.sight import seen_services, sees_everything

from ..enums import ReportFormat, ReportRhythm, ReportState, ReportWay
from .entities import BackupTask, Entity, entity_sight, task_sight


class ReportSettings(AccountModel):
    """How an account's reports look and when they come. `is_on`: the summary of the whole account.

    `next_at` is the end of the period under way: who moves it on makes that period's reports.
    """

    is_on = models.BooleanField(default=False)
    format = models.CharField(max_length=10, choices=ReportFormat, default=ReportFormat.OVERVIEW)
    way = models.CharField(max_length=10, choices=ReportWay, default=ReportWay.ATTACHED)
    every = models.CharField(max_length=10, choices=ReportRhythm, default=ReportRhythm.DAILY)
    at = models.TimeField(default=time(8))
    zone = models.CharField(max_length=60, default="UTC")
    weekday = models.PositiveSmallIntegerField(default=0)  # 0 is Monday
    day = models.PositiveSmallIntegerField(default=1)
    only_failures = models.BooleanField(default=False)
    since = models.DateTimeField()
    next_at = models.DateTimeField()

    class Meta:
        db_table = "report_settings"
        constraints = [models.UniqueConstraint(fields=["account"], name="report_settings_once")]
        indexes = [models.Index(fields=["next_at"], name="report_next")]

    def __str__(self) -> str:
        return f"{self.get_every_display()} at {self.at:%H:%M} {self.zone}"


class ReportCopy(AccountModel):
    """Who gets a report of one task, or one entity, alone. `readers`: who each address is."""

    task = models.ForeignKey(BackupTask, on_delete=models.CASCADE, related_name="report_copies")
    entity = models.OneToOneField(Entity, on_delete=models.CASCADE, null=True, related_name="report_copy")
    addresses = models.JSONField(default=list)
    readers = models.JSONField(default=dict)

    class Meta:
        db_table = "report_copy"
        constraints = [
            models.UniqueConstraint(
                fields=["task"], condition=models.Q(entity__isnull=True), name="report_copy_of_task_once"
            )
        ]

    @classmethod
    def sight(cls) -> models.Q | None:
        return _sight()

    def __str__(self) -> str:
        return f"{self.entity or self.task}: {', '.join(self.addresses)}"


class Report(AccountModel):
    """One report of one period: its row exists once, whoever makes it (`subject` names what it is about)."""

    subject = models.CharField(max_length=30, blank=True)
    task = models.ForeignKey(BackupTask, on_delete=models.CASCADE, null=True, related_name="reports")
    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, null=True, related_name="reports")
    since = models.DateTimeField()
    until = models.DateTimeField()
    format = models.CharField(max_length=10, choices=ReportFormat)
    way = models.CharField(max_length=10, choices=ReportWay)
    only_failures = models.BooleanField(default=False)
    zone = models.CharField(max_length=60)
    state = models.CharField(max_length=10, choices=ReportState, default=ReportState.DUE)
    written_at = models.DateTimeField(default=clock.now)
    made_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "report"
        constraints = [
            models.UniqueConstraint(fields=["account", "until", "subject"], name="report_once_per_period")
        ]
        indexes = [
            models.Index(fields=["id"], name="report_due", condition=models.Q(state=ReportState.DUE)),
        ]

    @classmethod
    def sight(cls) -> models.Q | None:
        return _sight()

    def __str__(self) -> str:
        return f"Report up to {self.until:%Y-%m-%d %H:%M}"


def _sight() -> models.Q | None:
    if sees_everything():
        return None
    seen = models.Q(entity__isnull=True) | (entity_sight("entity") or models.Q())
    if seen_services() is not None:
        seen &= models.Q(task__isnull=True) | (task_sight("task") or models.Q())
    return seen
