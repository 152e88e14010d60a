"""What a person has chosen out of a backup, the plan that a restore follows, and what its undo needs."""

from urllib.parse import parse_qsl, urlsplit

from django.db import models
from django.utils import timezone

from apps.backups.models import BackupTask, Entity, Run, Snapshot, entity_sight, task_sight
from apps.core import clock
from apps.core.models import AccountModel
from apps.core.sight import sees_everything
from apps.jobs.models import Job, JobItem
from apps.jobs.services import ORGANISATION

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


class LostPick(AccountModel):
    """A mailbox that is gone at the source and that one person wants back, kept over pages and days off.

    `target` is the living mailbox that takes it, None until it is chosen. `day` means its last backup of that
    day or before; None the last of all.
    """

    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+")
    user_id = models.BigIntegerField()
    target = models.ForeignKey(Entity, on_delete=models.SET_NULL, null=True, related_name="+")
    day = models.DateField(null=True)

    class Meta:
        db_table = "recovery_lost_pick"
        constraints = [models.UniqueConstraint(fields=["user_id", "entity"], name="lost_pick_once_per_person")]

    @classmethod
    def sight(cls) -> models.Q | None:
        return entity_sight("entity")

    def __str__(self) -> str:
        return f"{self.entity} wanted back"


class Plan(AccountModel):
    """What a restore would do, seen against the live target. Nothing is written before it is confirmed.

    What is restored are its parts, one for each kind of data. `rows` is a list of {kind, folder, create,
    replace, duplicate, skip, open, size}, one a folder. `root_name` is the new folder of the mode NEW_ROOT,
    decided once so that a repeat uses the same. `samples` are a few items that would be overwritten, with the
    fields that differ (`restore.differences`). `options` are those of RestoreOptions. `missing` names
    permissions without which nothing can be written. `batch` is the same for plans that were made together.
    `repeats` is the restore that this one does again, with `failed_only` only what that one did not get done.
    `run` and `source` are None once the backups of the source are deleted: the job knows what its undo needs.
    """

    user_id = models.BigIntegerField()
    run = models.ForeignKey(Run, on_delete=models.SET_NULL, null=True, related_name="+")
    source = models.ForeignKey(Entity, on_delete=models.SET_NULL, null=True, related_name="+")
    target = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+")
    mode = models.CharField(max_length=10, choices=RestoreMode)
    options = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=PlanState, default=PlanState.MAKING)
    root_name = models.CharField(max_length=200, blank=True)
    rows = models.JSONField(default=list)
    notes = models.JSONField(default=list)
    samples = models.JSONField(default=list)
    missing = models.JSONField(default=list)
    message = models.TextField(blank=True)
    error_code = models.CharField(max_length=40, blank=True)
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    undo = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    batch = models.UUIDField(null=True)
    repeats = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    failed_only = models.BooleanField(default=False)
    backup_ordered_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "recovery_plan"
        indexes = [
            models.Index(fields=["batch"], name="plan_batch", condition=models.Q(batch__isnull=False)),
        ]

    @classmethod
    def sight(cls) -> models.Q | None:
        target, source = entity_sight("target"), entity_sight("source")
        return None if target is None or source is None else target & source

    def __str__(self) -> str:
        return f"Restore into {self.target}"

    def total(self, column: str) -> int:
        """Sum one column of `rows`."""
        return sum(int(row.get(column, 0)) for row in self.rows)

    @property
    def crosses_tenants(self) -> bool:
        """Tell whether data leaves the organisation that it was backed up from."""
        if self.source is None:
            return bool(self.job and self.job.params.get(ORGANISATION))
        return self.source.task.connection.tenant_id != self.target.task.connection.tenant_id

    @property
    def stamp(self) -> str:
        """The time that names what this restore writes: `YYYYMMDDhhmmss`, the same after every restart."""
        return f"{timezone.localtime(self.created_at):%Y%m%d%H%M%S}"

    @property
    def mark(self) -> str:
        """The words on restored items and folders."""
        return f"Restored {timezone.localtime(self.created_at):%Y-%m-%d}"


class PlanPart(Choice):
    """What a plan restores of one kind of data."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="parts")

    class Meta:
        db_table = "recovery_plan_part"
        constraints = [models.UniqueConstraint(fields=["plan", "snapshot"], name="plan_part_once_per_kind")]

    @classmethod
    def sight(cls) -> models.Q | None:
        return None if sees_everything() else models.Q(plan__in=Plan.objects.values("pk"))

    def __str__(self) -> str:
        return f"{self.snapshot.sub_service} of {self.plan}"


class MadeFolder(AccountModel):
    """A folder that a restore makes: written down before it is made, so that undo knows it in every case.

    `source` is the id of the folder in the backup that it stands for, or one of the words of
    `restore.folders`. `remote_id` is "" until it is made.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    source = models.TextField(blank=True)
    parent_id = models.TextField(blank=True)
    name = models.TextField()
    remote_id = models.TextField(blank=True)

    class Meta:
        db_table = "recovery_made_folder"
        constraints = [models.UniqueConstraint(fields=["job", "kind", "source"], name="made_folder_once")]

    @classmethod
    def sight(cls) -> models.Q | None:
        return None if sees_everything() else models.Q(job__in=Job.objects.values("pk"))

    def __str__(self) -> str:
        return self.name


class BeforeState(AccountModel):
    """An item as it was before a restore replaced it: sealed in the vault, kept so that undo brings it back.

    `content` is a content list (`vault.api.decode_content`) that garbage collection counts as referenced.
    """

    item = models.OneToOneField(JobItem, on_delete=models.CASCADE, related_name="+")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+")
    remote_id = models.TextField()
    name = models.TextField(blank=True)
    props = models.BinaryField(default=bytes)
    content = models.BinaryField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "recovery_before"

    @classmethod
    def sight(cls) -> models.Q | None:
        return None if sees_everything() else models.Q(job__in=Job.objects.values("pk"))

    def __str__(self) -> str:
        return self.name


class Copied(AccountModel):
    """A live item that a restore or its undo wrote: under a new id, and still the one that the backup knows.

    `origin` is the key (`backups.selectors.browse.node_key`) of the item that all its copies go back to,
    `written_key` that of `written_id`. Rows outlive their job: the next restore asks for them.
    """

    target = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=20)
    origin = models.CharField(max_length=32)
    written_key = models.CharField(max_length=32)
    written_id = models.TextField()

    class Meta:
        db_table = "recovery_copied"
        constraints = [models.UniqueConstraint(fields=["target", "kind", "written_key"], name="copied_once")]
        indexes = [models.Index(fields=["target", "kind", "origin"], name="copied_of")]

    @classmethod
    def sight(cls) -> models.Q | None:
        return entity_sight("target")

    def __str__(self) -> str:
        return self.written_id


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


class Destination(AccountModel):
    """A place of the customer's that exports can go to. `url` has no credentials; those are sealed."""

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=20)  # exports/destinations/base.py
    url = models.TextField()
    sealed_credentials = models.BinaryField(default=b"")
    trouble = models.TextField(blank=True)
    tested_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "recovery_destination"
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="destination_one_of_a_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def bucket(self) -> str:
        """The bucket, with the folder in it."""
        address = urlsplit(self.url)
        return f"{address.netloc}{address.path}"

    @property
    def endpoint(self) -> str:
        """Whose bucket it is."""
        return dict(parse_qsl(urlsplit(self.url).query)).get("endpoint", "Amazon S3")

    @property
    def secret_purpose(self) -> str:
        """The name under which its credentials are sealed."""
        return f"recovery.destination:{self.public_id}"


class Download(AccountModel):
    """How often one person has fetched one part of an export. Going on with a broken download counts once."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+")
    part = models.PositiveIntegerField()
    user_id = models.BigIntegerField()
    user_label = models.CharField(max_length=200)
    times = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "recovery_download"
        constraints = [
            models.UniqueConstraint(fields=["job", "part", "user_id"], name="download_once_per_person")
        ]

    @classmethod
    def sight(cls) -> models.Q | None:
        return None if sees_everything() else models.Q(job__in=Job.objects.values("pk"))

    def __str__(self) -> str:
        return f"Part {self.part} by {self.user_label}"
