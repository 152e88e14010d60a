"""What stands in the index, what waits for it, and what waits to leave it."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.backups.models import BackupTask, Entity
from apps.backups.models.entities import entity_sight, task_sight
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.models import AccountModel


class SearchIndex(AccountModel):
    """The index of one account as the vault holds it.

    `manifest` lists the sealed files of `generation`, as `objects.SealedFile` writes them; `former` names the
    objects of the generation before, which a reader may still be fetching. `store_id` is the row of the store
    that they lie in. The lease is that of the one indexer at work. `trouble` is {"counts", "versions"} by cause
    (`extraction.extracted.Cause`) of what could not be read; `at_work` says what is read now (`at_work.py`).
    Another `layout` than the code's is built anew.
    `erased`, `rewriting`, `cleaned`, `old_objects`: how words that were erased leave (`rewriting.py`).
    """

    generation = models.PositiveIntegerField(default=0)
    manifest = models.JSONField(default=list)
    former = models.JSONField(default=list)
    store_id = models.BigIntegerField(null=True)
    layout = models.PositiveIntegerField(default=0)
    trouble = models.JSONField(default=dict)
    at_work = models.JSONField(default=dict)
    changed_at = models.DateTimeField(null=True)
    served_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)
    erased = models.PositiveIntegerField(default=0)
    rewriting = models.PositiveIntegerField(default=0)
    cleaned = models.PositiveIntegerField(default=0)
    old_objects = models.JSONField(default=list)
    lease_owner = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        db_table = "search_index"
        constraints = [models.UniqueConstraint(fields=["account"], name="search_index_once")]

    def __str__(self) -> str:
        return f"index of account {self.account_id}, generation {self.generation}"


class Indexed(AccountModel):
    """How far one kind of data of one entity stands in the index.

    All versions of the snapshots up to `up_to` are in. `committed` is the newest snapshot. While versions
    between `up_to` and `target` are brought in, those with ids up to `after` are in already. `revision` grows
    with each beginning anew, so that a pass that was at it notices, also where nothing was in yet.
    """

    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="indexed")
    sub_service = models.CharField(max_length=20)
    up_to = models.PositiveIntegerField(default=0)
    committed = models.PositiveIntegerField(default=0)
    committed_at = models.DateTimeField(null=True)
    target = models.PositiveIntegerField(default=0)
    after = models.BigIntegerField(default=0)
    revision = models.PositiveIntegerField(default=0)
    off = models.BooleanField(default=False)  # its task is not indexed

    class Meta:
        db_table = "search_indexed"
        constraints = [models.UniqueConstraint(fields=["entity", "sub_service"], name="search_indexed_once")]
        indexes = [
            models.Index(
                fields=["account", "committed_at"],
                name="search_waiting",
                condition=Q(committed__gt=F("up_to"), off=False),
            )
        ]

    @classmethod
    def sight(cls) -> Q | None:
        return entity_sight("entity")

    def __str__(self) -> str:
        return f"{self.sub_service} of {self.entity_id} up to {self.up_to} of {self.committed}"


class Removal(AccountModel):
    """A version, or (`version_id` null) a whole entity, that must not be found any more.

    Searches leave out what stands here; the indexer takes it out of the index and deletes the row. Plain ids:
    what they named is gone.
    """

    entity_id = models.BigIntegerField()
    version_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "search_removal"
        indexes = [models.Index(fields=["account", "version_id"], name="search_removal_of")]

    def __str__(self) -> str:
        return f"removal of {self.version_id or 'all'} of {self.entity_id}"


class TaskNotIndexed(AccountModel):
    """A backup task whose items cannot be searched, because somebody switched that off (TSK-08)."""

    task = models.OneToOneField(BackupTask, on_delete=models.CASCADE, related_name="not_indexed")

    class Meta:
        db_table = "search_task_off"

    @classmethod
    def sight(cls) -> Q | None:
        return task_sight("task")

    def __str__(self) -> str:
        return f"task {self.task_id} is not indexed"


class SavedSearch(AccountModel):
    """A search that somebody keeps for themselves: the text, and what the page was narrowed to.

    `filters` are the further parameters of the page's address, as [name, value]. Nobody else sees it.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=80)
    key = models.CharField(max_length=320, editable=False)  # `folded` makes letters more
    text = models.CharField(max_length=1000, blank=True)
    filters = models.JSONField(default=list)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "search_saved"
        constraints = [
            models.UniqueConstraint(fields=["account", "user", "key"], name="search_saved_once_per_person")
        ]

    @classmethod
    def sight(cls) -> Q | None:
        actor = current_actor()
        return None if actor.kind == "system" else Q(user_id=actor.user_id)

    def __str__(self) -> str:
        return self.name
