"""What was measured of each backup, how far that is, and the alerts that came of it or of what stands."""

from django.db import models
from django.db.models import F, Q

from apps.backups.models import BackupTask, Entity, Hold
from apps.backups.models.entities import entity_sight, task_sight
from apps.connectors.models import Connection
from apps.core import clock
from apps.core.models import AccountModel
from apps.core.sight import seen_services

from .enums import AlertKind, AlertState, RoomOutcome, Sensitivity, Severity


class Watch(AccountModel):
    """How far the snapshots of one kind of data of one entity are measured, and how far they are committed.

    Up to `quiet_up_to` they are history: measured and learnt from, but nobody is alarmed by them.
    """

    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+")
    sub_service = models.CharField(max_length=20)
    up_to = models.PositiveIntegerField(default=0)
    committed = models.PositiveIntegerField(default=0)
    committed_at = models.DateTimeField(null=True)
    quiet_up_to = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "alert_watch"
        constraints = [models.UniqueConstraint(fields=["entity", "sub_service"], name="alert_watch_once")]
        indexes = [
            models.Index(
                fields=["account", "committed_at"],
                name="alert_waiting",
                condition=Q(committed__gt=F("up_to")),
            )
        ]

    @classmethod
    def sight(cls) -> Q | None:
        return entity_sight("entity")

    def __str__(self) -> str:
        return f"{self.sub_service} of {self.entity_id} up to {self.up_to} of {self.committed}"


class Measure(AccountModel):
    """One snapshot in numbers. It outlives the snapshot: what is usual is learnt from these rows.

    Of the `changed` items `rewritten` have other content, `refiled` another folder, and `renamed` is the share
    whose name has another extension. `came` are bytes that are new. Of files that came or changed, `opaque` is
    the share of bytes that do not compress (null: there were none), and `turned` counts items that got such
    bytes in place of other ones, `other_endings` those whose files have other endings. `is_good`: all was read.
    `left_out` says why nothing is learnt of it, "" when it is. `rule` is a digest of what was left out of the
    backup by rule. `odd` are the metrics that were not as usual; `accepted_at`: a person said that they are.
    """

    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+")
    sub_service = models.CharField(max_length=20)
    snapshot_number = models.PositiveIntegerField()
    taken_at = models.DateTimeField()
    added = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)
    removed = models.BigIntegerField(default=0)
    rewritten = models.BigIntegerField(default=0)
    refiled = models.BigIntegerField(default=0)
    items = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    came = models.BigIntegerField(default=0)
    opaque = models.FloatField(null=True)
    turned = models.BigIntegerField(default=0)
    renamed = models.FloatField(default=0)
    other_endings = models.BigIntegerField(default=0)
    is_good = models.BooleanField(default=True)
    left_out = models.CharField(max_length=20, blank=True)
    rule = models.CharField(max_length=16, blank=True)
    odd = models.JSONField(default=list)
    is_odd = models.BooleanField(default=False)
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "alert_measure"
        constraints = [
            models.UniqueConstraint(
                fields=["entity", "sub_service", "snapshot_number"], name="alert_measure_once"
            )
        ]
        indexes = [models.Index(fields=["account", "taken_at"], name="alert_measure_when")]

    @classmethod
    def sight(cls) -> Q | None:
        return entity_sight("entity")

    def __str__(self) -> str:
        return f"{self.sub_service} of {self.entity_id} #{self.snapshot_number}"


class Alert(AccountModel):
    """Something that a person should look at. One per `key` until it is over.

    `facts` hold what explains it: {"value", "low", "high", "days", "causes", …} (docs/alerts.md).
    At `news_at` it was opened, or grew worse or larger, which opens it again.
    """

    kind = models.CharField(max_length=20, choices=AlertKind)
    metric = models.CharField(max_length=20, blank=True)
    severity = models.CharField(max_length=10, choices=Severity)
    state = models.CharField(max_length=14, choices=AlertState, default=AlertState.OPEN)
    key = models.CharField(max_length=200)
    service = models.CharField(max_length=20, blank=True)
    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, null=True, related_name="alerts")
    task = models.ForeignKey(BackupTask, on_delete=models.CASCADE, null=True, related_name="alerts")
    sub_service = models.CharField(max_length=20, blank=True)
    snapshot_number = models.PositiveIntegerField(null=True)
    opened_at = models.DateTimeField(default=clock.now)
    news_at = models.DateTimeField(default=clock.now)
    last_seen_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True)
    facts = models.JSONField(default=dict)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=320, blank=True)
    acknowledged_by_id = models.BigIntegerField(null=True)
    acknowledged_words = models.CharField(max_length=500, blank=True)
    hold = models.ForeignKey(Hold, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        db_table = "alert"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "key"],
                name="alert_once_while_open",
                condition=~Q(state=AlertState.CLOSED),
            )
        ]
        indexes = [
            models.Index(fields=["account", "state", "-opened_at", "-id"], name="alert_newest"),
            models.Index(fields=["account", "news_at"], name="alert_news"),
            models.Index(fields=["entity", "-opened_at"], name="alert_of_entity"),
        ]

    @classmethod
    def sight(cls) -> Q | None:
        """Who does not see the mailbox, the task or the service of an alert does not see the alert.

        How full the storage is counts all mailboxes: it is for those who see them all.
        """
        seen, narrowed = Q(), False
        services, entities, tasks = seen_services(), entity_sight("entity"), task_sight("task")
        if services is not None:
            seen, narrowed = seen & Q(service__in=["", *services]), True
        if entities is not None:
            seen, narrowed = seen & (Q(entity__isnull=True) | entities), True
        if tasks is not None:
            seen, narrowed = seen & (Q(task__isnull=True) | tasks), True
        return seen & ~Q(kind=AlertKind.QUOTA, entity__isnull=True, task__isnull=True) if narrowed else None

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.key})"


class RuleLook(AccountModel):
    """A snapshot of mailbox settings that differs from the one before, until its rules have been looked at.

    One that cannot be read is looked at again at `next_at`: the rules whose keys are `unread`, all when empty.
    """

    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+")
    snapshot_number = models.PositiveIntegerField()
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(default=clock.now)
    unread = models.JSONField(default=list)

    class Meta:
        db_table = "alert_rule_look"
        constraints = [
            models.UniqueConstraint(fields=["entity", "snapshot_number"], name="alert_rule_look_once")
        ]

    @classmethod
    def sight(cls) -> Q | None:
        return entity_sight("entity")

    def __str__(self) -> str:
        return f"Settings of {self.entity_id} #{self.snapshot_number}"


class RoomLook(AccountModel):
    """When a connection's report of how full mailboxes are was asked for, and is asked for again."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+")
    outcome = models.CharField(max_length=12, choices=RoomOutcome)
    next_at = models.DateTimeField()

    class Meta:
        db_table = "alert_room_look"
        constraints = [models.UniqueConstraint(fields=["connection"], name="alert_room_look_once")]

    def __str__(self) -> str:
        return f"{self.connection_id}: {self.outcome}"


class NearlyFull(AccountModel):
    """A mailbox that the provider's last report says is nearly full."""

    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+")
    used = models.BigIntegerField()
    limit = models.BigIntegerField()

    class Meta:
        db_table = "alert_nearly_full"
        constraints = [models.UniqueConstraint(fields=["entity"], name="alert_nearly_full_once")]

    @classmethod
    def sight(cls) -> Q | None:
        return entity_sight("entity")

    def __str__(self) -> str:
        return f"{self.entity_id}: {self.used} of {self.limit}"


class AlertSettings(AccountModel):
    """What an account wants to be alerted of. Without a row the defaults hold.

    `quiet_kinds` raise nothing; `failures_in_a_row` is how many runs must fail before somebody hears of it;
    `planned_bytes` is the storage that the account means to use, None when it sets none.
    """

    quiet_kinds = models.JSONField(default=list)
    sensitivity = models.CharField(max_length=10, choices=Sensitivity, default=Sensitivity.NORMAL)
    failures_in_a_row = models.PositiveSmallIntegerField(default=3)
    hold_by_itself = models.BooleanField(default=True)
    planned_bytes = models.BigIntegerField(null=True)
    told_up_to = models.DateTimeField(null=True)  # the day's letter told of what was opened before

    class Meta:
        db_table = "alert_settings"
        constraints = [models.UniqueConstraint(fields=["account"], name="alert_settings_once")]

    def __str__(self) -> str:
        return f"Alert settings of {self.account_id}"
