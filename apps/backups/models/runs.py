"""Runs (attempts), what they could not store, and snapshots (the commit points)."""

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from ..enums import IssueKind, Trigger, Verdict
from .entities import Entity, entity_sight


class Run(AccountModel):
    """One attempt to back up one entity."""

    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="runs")
    trigger = models.CharField(max_length=10, choices=Trigger, default=Trigger.SCHEDULE)
    verdict = models.CharField(max_length=10, choices=Verdict, default=Verdict.RUNNING)
    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)
    message = models.TextField(blank=True)
    items_expected = models.BigIntegerField(null=True)
    items_stored = models.BigIntegerField(default=0)
    items_reused = models.BigIntegerField(default=0)
    items_removed = models.BigIntegerField(default=0)
    items_skipped = models.BigIntegerField(default=0)
    items_failed = models.BigIntegerField(default=0)
    bytes_received = models.BigIntegerField(default=0)
    bytes_stored = models.BigIntegerField(default=0)
    calls = models.BigIntegerField(default=0)
    throttled = models.BigIntegerField(default=0)

    class Meta:
        db_table = "run"
        indexes = [models.Index(fields=["entity", "-started_at", "-id"], name="run_newest")]

    @classmethod
    def sight(cls) -> models.Q | None:
        return entity_sight("entity")

    def __str__(self) -> str:
        return f"{self.entity} at {self.started_at:%Y-%m-%d %H:%M}"


class Snapshot(AccountModel):
    """The committed state of one (entity, sub-service); `number` is 1, 2, 3... with gaps where some went.

    The row is the commit point: versions that carry its number are invisible until it exists. The cursor for
    the next run is committed here and nowhere else. `folder_totals` maps the remote ids of folders that hold
    items to [items, bytes]. `coverage` maps remote ids of folders to {"expected", "captured"}: the provider's
    own count and ours, with "failed" and "skipped" where there are any, and "older" for those of them that are
    captured as they were before. `journal` names the journal in the
    vault that holds this snapshot (last segment of its name), `journal_link` is that journal's link.
    `goes_at`: from then on retention may let it go, once the account's `MarkClock` has seen `goes_seen` s.
    """

    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="snapshots")
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="snapshots")
    sub_service = models.CharField(max_length=20)
    number = models.PositiveIntegerField()
    taken_at = models.DateTimeField(default=clock.now)
    verdict = models.CharField(max_length=10, choices=Verdict)
    items = models.BigIntegerField(default=0)
    folders = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    added = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)
    removed = models.BigIntegerField(default=0)
    folder_totals = models.JSONField(default=dict)
    coverage = models.JSONField(default=dict)
    cursor = models.JSONField(null=True)
    journal = models.CharField(max_length=60)
    journal_link = models.CharField(max_length=64)
    goes_at = models.DateTimeField(null=True)
    goes_seen = models.PositiveBigIntegerField(null=True)

    class Meta:
        db_table = "snapshot"
        constraints = [
            models.UniqueConstraint(fields=["entity", "sub_service", "number"], name="snapshot_number_once")
        ]
        indexes = [
            models.Index(fields=["entity", "taken_at"], name="snapshot_by_day"),
            models.Index(
                fields=["account", "goes_at"],
                name="snapshot_going",
                condition=models.Q(goes_at__isnull=False),
            ),
        ]

    @classmethod
    def sight(cls) -> models.Q | None:
        return entity_sight("entity")

    def __str__(self) -> str:
        return f"{self.entity} {self.sub_service} #{self.number}"


class RunIssue(AccountModel):
    """One item that a run did not store, named, with its cause and what to do.

    A failed item stays open (`open`) and is fetched again by every run until it is stored, gone or skipped for
    good, although the provider's list of changes does not name it again.
    """

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="issues")
    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="issues")
    sub_service = models.CharField(max_length=20)
    kind = models.CharField(max_length=10, choices=IssueKind)
    cause = models.CharField(max_length=60, blank=True)
    remote_id = models.TextField()
    parent_id = models.TextField(blank=True)
    label = models.CharField(max_length=500, blank=True)
    folder_label = models.CharField(max_length=500, blank=True)
    what = models.TextField()
    do = models.TextField(blank=True)
    upsert = models.JSONField(default=dict)
    open = models.BooleanField(default=False)

    class Meta:
        db_table = "run_issue"
        indexes = [
            models.Index(fields=["run", "kind", "id"], name="issue_of_run"),
            models.Index(fields=["entity", "sub_service"], name="issue_open", condition=models.Q(open=True)),
        ]

    @classmethod
    def sight(cls) -> models.Q | None:
        return entity_sight("entity")

    def __str__(self) -> str:
        return f"{self.label}: {self.what}"
