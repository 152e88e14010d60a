"""Orders to delete backups of entities, or a whole task. The rows outlive what they deleted."""

from django.db import models

from apps.connectors.enums import Service
from apps.core import clock
from apps.core.models import AccountModel
from apps.core.sight import seen_services, sees_limited

from ..enums import DeletionState
from .entities import BackupTask


def deletion_label(what: str, task: str) -> str:
    """Say what an order deletes; by it an order for one mailbox is found again."""
    return f"Delete {what} of {task}"


class Deletion(AccountModel):
    """One order. Its entities name it (`Entity.deletion`) until they are gone; `task` is None once it is gone.

    `label` says what goes, `task_label` of which task. `limited`: it names something of limited access.
    `by_rule`: retention ordered it, for archived entities alone, and it holds only while the rule wants it.
    `by_leaving`: a rule of activation ordered it, for who left it; who is chosen again is put back.
    `counted_*`: how much of the grace was seen to pass (`core.grace`). `references` counts the blobs that the
    deleted versions named, each time: so much may look dead to gc. `left` are journals that the store would not
    let go of yet: [entity, kind of data] pairs. `proof` holds what went, in numbers.
    `waiting_for` names no mailbox, since who sees the order may not see that one: `facts.held_of` does.
    """

    task = models.ForeignKey(BackupTask, on_delete=models.SET_NULL, null=True, related_name="deletions")
    service = models.CharField(max_length=20, choices=Service)
    whole_task = models.BooleanField(default=False)
    limited = models.BooleanField(default=False)
    by_rule = models.BooleanField(default=False)
    by_leaving = models.BooleanField(default=False)
    label = models.CharField(max_length=300)
    task_label = models.CharField(max_length=200)
    count = models.PositiveIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    state = models.CharField(max_length=12, choices=DeletionState, default=DeletionState.WAITING)
    ordered_by = models.CharField(max_length=200)
    ordered_at = models.DateTimeField(default=clock.now)
    ends_at = models.DateTimeField()
    counted_at = models.DateTimeField(default=clock.now)
    counted_seconds = models.PositiveIntegerField(default=0)
    waiting_for = models.CharField(max_length=300, blank=True)
    busy_until = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    references = models.BigIntegerField(default=0)
    left = models.JSONField(default=list)
    proof = models.JSONField(default=dict)

    class Meta:
        db_table = "deletion"
        indexes = [models.Index(fields=["account", "state", "ends_at"], name="deletion_due")]

    @classmethod
    def sight(cls) -> models.Q | None:
        services = seen_services()
        seen = models.Q() if services is None else models.Q(service__in=services)
        return seen if sees_limited() else seen & models.Q(limited=False)

    def __str__(self) -> str:
        return self.label

    @property
    def may_be_cancelled(self) -> bool:
        return self.state == DeletionState.WAITING
