"""Legal holds: what may not be deleted, whoever orders it, until the hold is lifted."""

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from .entities import Entity, entity_sight
from .tags import Tag


class Hold(AccountModel):
    """A reason to keep backups. It is in force until `lifted_at`; the row stays afterwards.

    With `tag` it also holds whatever carries that tag; its `parts` hold on when the tag is taken off them.
    """

    name = models.CharField(max_length=200)
    reason = models.CharField(max_length=500, blank=True)
    placed_at = models.DateTimeField(default=clock.now)
    placed_by = models.CharField(max_length=320, blank=True)
    tag = models.ForeignKey(Tag, on_delete=models.SET_NULL, null=True, related_name="holds")
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.CharField(max_length=320, blank=True)

    class Meta:
        db_table = "hold"
        indexes = [models.Index(fields=["account", "lifted_at", "name"], name="hold_in_force")]

    def __str__(self) -> str:
        return self.name


class HeldPart(AccountModel):
    """One thing on hold: a whole entity, or with `remote_id` one item of it in all its versions."""

    hold = models.ForeignKey(Hold, on_delete=models.CASCADE, related_name="parts")
    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="held_parts")
    sub_service = models.CharField(max_length=20, blank=True)
    remote_hash = models.BigIntegerField(null=True)
    remote_id = models.TextField(blank=True)
    label = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "held_part"
        indexes = [models.Index(fields=["entity", "sub_service", "remote_hash"], name="held_part_of_entity")]

    @classmethod
    def sight(cls) -> models.Q | None:
        return entity_sight("entity")

    def __str__(self) -> str:
        return self.label
