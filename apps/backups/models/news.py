"""What happened that people are told of, until they were told."""

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from ..enums import Topic
from .entities import BackupTask, Entity, entity_sight, task_sight


class News(AccountModel):
    """One thing that is still to be told. Written where it happens; many of a task go out as one letter.

    Without an entity it is about `count` of them, `limited` of these with limited access, or about the task.
    `taken`: it is being told, in the transaction that takes it away.
    """

    task = models.ForeignKey(BackupTask, on_delete=models.CASCADE, related_name="news")
    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, null=True, related_name="news")
    topic = models.CharField(max_length=10, choices=Topic)
    words = models.TextField(blank=True)
    count = models.PositiveIntegerField(default=1)
    limited = models.PositiveIntegerField(default=0)
    at = models.DateTimeField(default=clock.now)
    taken = models.BooleanField(default=False)

    class Meta:
        db_table = "news"
        indexes = [models.Index(fields=["task", "id"], name="news_of_task")]

    @classmethod
    def sight(cls) -> models.Q | None:
        seen = task_sight("task")
        of_entity = entity_sight("entity")
        if of_entity is None:
            return seen
        own = models.Q(entity__isnull=True) | of_entity
        return own if seen is None else own & seen

    def __str__(self) -> str:
        return f"{self.get_topic_display()}: {self.entity or self.task}"


class NewsTold(AccountModel):
    """When recipients of a kind were last told of a task: nobody gets one letter after the other."""

    task = models.ForeignKey(BackupTask, on_delete=models.CASCADE, related_name="news_told")
    kind = models.CharField(max_length=20)
    at = models.DateTimeField(null=True)

    class Meta:
        db_table = "news_told"
        constraints = [models.UniqueConstraint(fields=["task", "kind"], name="news_told_once")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.task}"
