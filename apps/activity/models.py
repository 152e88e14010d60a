"""System activity and security audit: append-only rows with plain ids and label copies, which outlive what
they name. The audit's rows are a chain (chain.py)."""

from typing import Any, NoReturn

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel
from apps.core.sight import named_sight


class ActivityStatus(models.TextChoices):
    """How the act ended."""

    DONE = "done", "Done"
    PARTIAL = "partial", "Partial"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    STARTED = "started", "Started"
    REFUSED = "refused", "Refused"


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

    @classmethod
    def sight(cls) -> models.Q | None:
        return named_sight("entity_id")

    def __str__(self) -> str:
        return f"{self.code} {self.item_label}"


class SecurityEvent(WrittenOnce):
    """One thing that somebody did, tried or was shown (ACT-03, ACT-04): a link of the account's chain."""

    sequence = models.BigIntegerField()
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
    version = models.PositiveSmallIntegerField(default=1)
    previous = models.CharField(max_length=64)
    seal = models.CharField(max_length=64)

    class Meta:
        db_table = "security_event"
        constraints = [
            models.UniqueConstraint(fields=["account", "sequence"], name="security_event_in_order"),
        ]
        indexes = [
            models.Index(fields=["account", "actor_id", "-at"], name="security_event_person"),
            models.Index(fields=["account", "subject_id", "-sequence"], name="security_event_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.code} {self.description}"

    @staticmethod
    def shown() -> models.Q:
        """Which rows to show the actor in force. No `sight()`: the chain is of all rows, whoever adds to it."""
        return named_sight("entity_id") or models.Q()


class ChainHead(AccountModel):
    """The newest entry of an account's chain. Its row is the lock of all who write one."""

    sequence = models.BigIntegerField(default=0)
    seal = models.CharField(max_length=64)
    # What the last check found: `broken_at` is the first entry that is not right, None when all are.
    checked_at = models.DateTimeField(null=True)
    checked_to = models.BigIntegerField(default=0)
    broken_at = models.BigIntegerField(null=True)
    finding = models.CharField(max_length=500, blank=True)
    check_asked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "audit_head"
        constraints = [models.UniqueConstraint(fields=["account"], name="audit_head_once")]

    def __str__(self) -> str:
        return f"{self.sequence} {self.seal[:16]}"


class DailyHead(AccountModel):
    """The head as it was on one day; copies of it lie in the vault and in the mail of administrators."""

    day = models.DateField()
    sequence = models.BigIntegerField()
    seal = models.CharField(max_length=64)
    # When a keeper outside the database had it.
    kept_at = models.DateTimeField(null=True)
    mailed_to = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "audit_daily_head"
        constraints = [models.UniqueConstraint(fields=["account", "day"], name="audit_daily_head_once")]

    def __str__(self) -> str:
        return f"{self.day}: {self.sequence} {self.seal[:16]}"


class AuditEpoch(AccountModel):
    """That the operator vouched for a broken chain: from entry `sequence` on it counts as unbroken again.

    `sealed` holds the seal of that entry under the master key: who owns the database alone cannot vouch.
    """

    sequence = models.BigIntegerField()
    at = models.DateTimeField(default=clock.now)
    # The first entry before it that is not right: another one is a new finding.
    found = models.BigIntegerField()
    by = models.CharField(max_length=200)
    reason = models.CharField(max_length=300)
    sealed = models.BinaryField()

    class Meta:
        db_table = "audit_epoch"
        constraints = [models.UniqueConstraint(fields=["account", "sequence"], name="audit_epoch_once")]

    def __str__(self) -> str:
        return f"since entry {self.sequence}, vouched by {self.by} for: {self.reason}"

    @property
    def purpose(self) -> str:
        """The name under which the seal of its first entry is sealed."""
        return f"activity.epoch:{self.public_id}"


class HeadReader(AccountModel):
    """A person who wants the daily head by mail."""

    user_id = models.BigIntegerField()

    class Meta:
        db_table = "audit_head_reader"
        constraints = [models.UniqueConstraint(fields=["account", "user_id"], name="audit_head_reader_once")]

    def __str__(self) -> str:
        return str(self.user_id)


class StreamKind(models.TextChoices):
    """How entries reach a SIEM."""

    WEBHOOK = "webhook", "Webhook"
    SYSLOG_TLS = "syslog_tls", "Syslog over TLS"
    SYSLOG_TCP = "syslog_tcp", "Syslog over TCP"
    SYSLOG_UDP = "syslog_udp", "Syslog over UDP"


class StreamFormat(models.TextChoices):
    """What a line looks like."""

    JSON = "json", "JSON lines"
    CEF = "cef", "CEF"


class AuditStream(AccountModel):
    """Where an account's audit is sent on to, and how far it is: `sent` is the last entry that arrived."""

    kind = models.CharField(max_length=12, choices=StreamKind)
    format = models.CharField(max_length=4, choices=StreamFormat)
    address = models.CharField(max_length=500)
    sealed_secret = models.BinaryField(default=bytes)
    sent = models.BigIntegerField(default=0)
    last_sent_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True)
    next_try_at = models.DateTimeField(null=True)
    # Until when, and by that by whom, it is being sent.
    claimed_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "audit_stream"
        constraints = [models.UniqueConstraint(fields=["account"], name="audit_stream_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.address}"

    @property
    def secret_purpose(self) -> str:
        """The name under which the webhook's secret is sealed."""
        return f"activity.stream:{self.public_id}"
