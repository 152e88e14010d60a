"""Backup tasks and the entities they protect."""

from datetime import timedelta

from django.db import models

from apps.connectors.enums import EntityKind, Service
from apps.connectors.models import Connection
from apps.core import clock
from apps.core.models import AccountModel
from apps.core.sight import seen_services, sees_everything, sees_limited

from ..enums import EntityState, Precedence, RunPriority, Verdict
from .policies import Policy

DISCOVERY_SILENCE = timedelta(hours=1)


class BackupTask(AccountModel):
    """One service of one connection, with its settings and schedule."""

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="tasks")
    service = models.CharField(max_length=20, choices=Service)
    name = models.CharField(max_length=200)
    include_unlicensed = models.BooleanField(default=False)
    auto_activate = models.BooleanField(default=False)
    recoverable_items = models.BooleanField(default=False)
    inplace_archives = models.BooleanField(default=False)
    policy = models.ForeignKey(Policy, on_delete=models.SET_NULL, null=True, related_name="tasks")
    schedule = models.JSONField(null=True)  # this and the next two: the task's own rules (selectors.policies)
    retention = models.JSONField(null=True)
    exclusions = models.JSONField(null=True)
    # Runs after another task's round, besides its own schedule; `after_slot` is the round it last followed.
    after_task = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="followers")
    after_outcomes = models.JSONField(default=list)  # of enums.RoundOutcome
    after_minutes = models.PositiveSmallIntegerField(default=0)
    after_slot = models.DateTimeField(null=True)
    concurrency = models.PositiveSmallIntegerField(null=True)  # how many of its entities run at the same time
    precedence = models.PositiveSmallIntegerField(choices=Precedence, default=Precedence.USUAL)
    shelf = models.PositiveSmallIntegerField(default=0)  # of the account's vault: where new content goes
    discovered_at = models.DateTimeField(null=True)
    discovering_since = models.DateTimeField(null=True)
    discovery_error = models.TextField(blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "backup_task"
        indexes = [models.Index(fields=["account", "name", "id"], name="task_by_name")]

    @classmethod
    def sight(cls) -> models.Q | None:
        services = seen_services()
        return None if services is None else models.Q(service__in=services)

    def __str__(self) -> str:
        return self.name

    @property
    def is_discovering(self) -> bool:
        """Tell whether somebody looks for entities right now; a claim silent for an hour is nobody's."""
        return self.discovering_since is not None and clock.now() - self.discovering_since < DISCOVERY_SILENCE


class Entity(AccountModel):
    """One mailbox, drive, site or team. Also its own place in the queue: next_run_at, lease and priority."""

    task = models.ForeignKey(BackupTask, on_delete=models.CASCADE, related_name="entities")
    remote_id = models.CharField(max_length=255)
    kind = models.CharField(max_length=20, choices=EntityKind)
    name = models.CharField(max_length=300)
    address = models.CharField(max_length=320, blank=True)
    licensed = models.BooleanField(null=True)
    reachable = models.BooleanField(default=True)
    properties = models.JSONField(default=dict)
    limited = models.BooleanField(default=False)  # only for who holds LIMITED_ACCESS (features TAG-02)
    state = models.CharField(max_length=12, choices=EntityState, default=EntityState.NOT_ACTIVE)
    by_hand = models.BooleanField(default=False)  # whether a person set this state: rules leave it alone then
    state_before_archive = models.CharField(max_length=12, choices=EntityState, blank=True)
    deletion = models.ForeignKey("Deletion", on_delete=models.SET_NULL, null=True, related_name="entities")
    state_before_deletion = models.CharField(max_length=12, choices=EntityState, blank=True)
    archived_at = models.DateTimeField(null=True)
    last_verdict = models.CharField(max_length=10, choices=Verdict, blank=True)
    last_message = models.TextField(blank=True)
    last_snapshot_at = models.DateTimeField(null=True)
    first_snapshot_at = models.DateTimeField(null=True)
    items = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    next_run_at = models.DateTimeField(null=True)
    overdue_at = models.DateTimeField(null=True)  # from then on the last good backup is too old
    precedence = models.PositiveSmallIntegerField(choices=Precedence, default=Precedence.USUAL)
    run_priority = models.PositiveSmallIntegerField(choices=RunPriority, default=RunPriority.ROUTINE)
    run_trigger = models.CharField(max_length=10, blank=True)
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)
    cancel_requested = models.BooleanField(default=False)

    class Meta:
        db_table = "entity"
        constraints = [
            models.UniqueConstraint(fields=["task", "remote_id"], name="entity_once_per_task"),
            # The queue asks by these (`turns`): what it cannot name would never run.
            models.CheckConstraint(
                condition=models.Q(precedence__in=Precedence.values, run_priority__in=RunPriority.values),
                name="entity_in_a_lane",
            ),
        ]
        indexes = [
            # With the address: a filter by letters inside names is answered by the index alone.
            models.Index(fields=["task", "name", "id", "address"], name="entity_by_name"),
            models.Index(fields=["task", "licensed", "name", "id"], name="entity_by_licence"),
            # For lists by status (`selectors.status.narrowed_to`): each word but three implies one of these.
            models.Index(fields=["task", "state", "name", "id"], name="entity_by_state"),
            models.Index(fields=["task", "last_verdict", "name", "id"], name="entity_by_verdict"),
            models.Index(
                fields=["task", "state", "run_priority", "precedence", "next_run_at", "id"],
                name="entity_lane",
                condition=models.Q(next_run_at__isnull=False),
            ),
            models.Index(fields=["lease_until"], name="entity_leased", condition=~models.Q(lease_owner="")),
        ]

    @classmethod
    def sight(cls) -> models.Q | None:
        of_service, unlimited = task_sight("task"), models.Q(limited=False)
        if sees_limited():
            return of_service
        return unlimited if of_service is None else of_service & unlimited

    def __str__(self) -> str:
        return self.name


def task_sight(field: str) -> models.Q | None:
    """Narrow rows whose `field` is a backup task to the tasks that the actor in force sees."""
    return None if seen_services() is None else models.Q(**{f"{field}__in": BackupTask.objects.values("pk")})


def entity_sight(field: str) -> models.Q | None:
    """The same for rows whose `field` is an entity.

    A subquery, never a join: Django would write an UPDATE over a join as `WHERE id IN (…)`, of whose inner
    conditions PostgreSQL is not asked again after it has waited, and these conditions are our locks.
    """
    return None if sees_everything() else models.Q(**{f"{field}__in": Entity.objects.values("pk")})
