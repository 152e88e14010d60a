"""A job is the truth about anything a person waits for: state, lease, progress, outcome per item."""

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel
from apps.core.sight import named_sight

from .enums import OPEN_STATES, ItemOutcome, JobKind, JobState


class Job(AccountModel):
    """A restore or an export that somebody started. Labels are copies: the row outlives what it names."""

    kind = models.CharField(max_length=20, choices=JobKind)
    state = models.CharField(max_length=10, choices=JobState, default=JobState.PENDING)
    service = models.CharField(max_length=30, blank=True)
    task_label = models.CharField(max_length=200, blank=True)
    entity_label = models.CharField(max_length=300, blank=True)
    entity_id = models.UUIDField(null=True)  # its public id: who may not see the mailbox, may not see the job
    destination_label = models.CharField(max_length=300, blank=True)
    destination_id = models.UUIDField(null=True)  # the same of the mailbox that is restored into
    initiator_label = models.CharField(max_length=200, blank=True)
    initiator_id = models.BigIntegerField(null=True)
    backup_date = models.DateTimeField(null=True)
    params = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    message = models.TextField(blank=True)
    items_total = models.BigIntegerField(default=0)
    items_done = models.BigIntegerField(default=0)
    items_skipped = models.BigIntegerField(default=0)
    items_failed = models.BigIntegerField(default=0)
    bytes_total = models.BigIntegerField(default=0)  # as far as the sizes are known before
    bytes_done = models.BigIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)  # claims in a row that brought no item to an end
    dispatched_at = models.DateTimeField(null=True)  # sent to the broker and not claimed since
    # The job that this one does again: all of it, or with `failed_only` what that one did not get done.
    repeats = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    failed_only = models.BooleanField(default=False)

    class Meta:
        db_table = "job"
        constraints = [
            models.UniqueConstraint(
                fields=["repeats"], name="job_retried_once", condition=models.Q(failed_only=True)
            )
        ]
        indexes = [
            # Beyond the order each holds what filters and the sight of a person ask for, so that counts and
            # letters inside names read an index and not the rows, which carry whole plans. The labels are in
            # two, since an entry of PostgreSQL's takes 2,704 bytes at most.
            models.Index(
                fields=[
                    "account",
                    "-created_at",
                    "-id",
                    "state",
                    "service",
                    "entity_id",
                    "destination_id",
                    "entity_label",
                    "destination_label",
                ],
                name="job_newest",
            ),
            models.Index(
                fields=[
                    "account",
                    "state",
                    "-created_at",
                    "-id",
                    "kind",
                    "service",
                    "entity_id",
                    "destination_id",
                    "initiator_label",
                    "task_label",
                ],
                name="job_of_state",
            ),
            # Hardly any job repeats another: an index of them all would count as one that tells nothing.
            models.Index(fields=["repeats"], name="job_again", condition=models.Q(repeats__isnull=False)),
            models.Index(
                fields=["lease_until"], name="job_open", condition=models.Q(state__in=list(OPEN_STATES))
            ),
            models.Index(
                fields=["account"], name="job_open_of_account", condition=models.Q(state__in=list(OPEN_STATES))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.entity_label}"

    @classmethod
    def sight(cls) -> models.Q | None:
        return named_sight("entity_id", "destination_id")

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def items_finished(self) -> int:
        """Items that came to an end, whichever."""
        return self.items_done + self.items_skipped + self.items_failed

    @property
    def items_not_done(self) -> int:
        """Items that failed or were never begun: what a retry takes up."""
        return max(self.items_total - self.items_done - self.items_skipped, 0)


class JobItem(AccountModel):
    """The ledger: what was to be done with one item, and what came of it.

    `key` is unique in the job and stable over restarts; a worker that takes over finds what is done already.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="items", db_index=False)
    key = models.CharField(max_length=64)
    label = models.CharField(max_length=500, blank=True)
    folder_label = models.CharField(max_length=500, blank=True)
    outcome = models.CharField(max_length=10, choices=ItemOutcome, default=ItemOutcome.PENDING)
    cause = models.CharField(max_length=60, blank=True)
    message = models.TextField(blank=True)
    size = models.BigIntegerField(default=0)
    node_version_id = models.BigIntegerField(null=True)
    written_id = models.TextField(blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        db_table = "job_item"
        constraints = [models.UniqueConstraint(fields=["job", "key"], name="job_item_once")]
        indexes = [
            models.Index(fields=["job", "id"], name="job_item_order"),
            models.Index(fields=["job", "outcome", "id"], name="job_item_outcome"),
        ]

    def __str__(self) -> str:
        return self.label


class JobLog(AccountModel):
    """One line of a job's log, oldest first."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log")
    at = models.DateTimeField(default=clock.now)
    text = models.TextField()

    class Meta:
        db_table = "job_log"
        indexes = [models.Index(fields=["job", "id"], name="job_log_order")]

    def __str__(self) -> str:
        return self.text
