"""Orders to erase single items (GDPR, features RET-08), and the items that no backup may hold again."""

import uuid

from django.db import models
from django.db.models import Q

from apps.connectors.enums import Service
from apps.core import clock
from apps.core.models import AccountModel
from apps.core.sight import seen_services, sees_limited

from ..enums import ErasureState
from .entities import Entity, entity_sight


class Erasure(AccountModel):
    """One order for items of one mailbox. The row outlives what it erased, and names none of it.

    `counts` is {kind of data: [items, versions]}; `held` what was left out since it is on legal hold, as
    {"kind", "id", "holds"}. `counted_*`: how much of the grace was seen to pass (`core.grace`). `left` are
    kinds of data whose journals are not clean yet. `references` counts the blobs that the versions named, each
    time; `shared` those of them that other items hold as well. `proof` is what went, in numbers.
    """

    entity = models.ForeignKey(Entity, on_delete=models.SET_NULL, null=True, related_name="erasures")
    entity_public_id = models.UUIDField(default=uuid.uuid4)
    service = models.CharField(max_length=20, choices=Service)
    limited = models.BooleanField(default=False)
    entity_label = models.CharField(max_length=300)
    task_label = models.CharField(max_length=200)
    label = models.CharField(max_length=300)
    reason = models.CharField(max_length=500)
    state = models.CharField(max_length=12, choices=ErasureState, default=ErasureState.WAITING)
    ordered_by = models.CharField(max_length=320)
    ordered_at = models.DateTimeField(default=clock.now)
    approved_by = models.CharField(max_length=320, blank=True)
    ends_at = models.DateTimeField()
    counted_at = models.DateTimeField(default=clock.now)
    counted_seconds = models.PositiveIntegerField(default=0)
    waiting_for = models.CharField(max_length=300, blank=True)
    busy_until = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    bytes_gone_at = models.DateTimeField(null=True)
    counts = models.JSONField(default=dict)
    held = models.JSONField(default=list)
    left = models.JSONField(default=list)
    references = models.BigIntegerField(default=0)
    shared = models.PositiveIntegerField(default=0)
    proof = models.JSONField(default=dict)

    class Meta:
        db_table = "erasure"
        indexes = [models.Index(fields=["account", "state", "-ordered_at"], name="erasure_newest")]

    @classmethod
    def sight(cls) -> Q | None:
        of_entity = entity_sight("entity")
        if of_entity is None:
            return None
        services = seen_services()
        seen = Q() if services is None else Q(service__in=services)
        gone = Q(entity=None) if sees_limited() else Q(entity=None, limited=False)
        return seen & (of_entity | gone)

    def __str__(self) -> str:
        return self.label

    @property
    def may_be_cancelled(self) -> bool:
        return self.state == ErasureState.WAITING

    @property
    def items_count(self) -> int:
        return sum(items for items, _ in self.counts.values())

    @property
    def versions_count(self) -> int:
        return sum(versions for _, versions in self.counts.values())


class ErasedItem(AccountModel):
    """One item of an order by `browse.node_key`: neither its id nor its name is kept.

    Until `erased_at` nothing shows the item; from then on nothing of it is kept, and no run stores it again.
    `place` is the folder in which the source still has it, None when it has it no more: for the ledger.
    `mailbox` is the key of the entity's own id: one that is listed anew, however late, takes the row over.
    Without an order it is known from a journal (a rebuild).
    """

    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, null=True, related_name="items")
    entity = models.ForeignKey(Entity, on_delete=models.SET_NULL, null=True, related_name="+")
    sub_service = models.CharField(max_length=20)
    remote_hash = models.BigIntegerField()
    key = models.CharField(max_length=32)
    erased_at = models.DateTimeField(null=True)
    place = models.TextField(null=True)
    mailbox = models.CharField(max_length=32)

    class Meta:
        db_table = "erased_item"
        constraints = [
            models.UniqueConstraint(fields=["erasure", "sub_service", "key"], name="erased_item_once")
        ]
        indexes = [
            models.Index(
                fields=["entity", "sub_service", "remote_hash"],
                name="erased_item_hidden",
                condition=Q(erased_at__isnull=True),
            ),
            models.Index(
                fields=["entity", "sub_service", "key"],
                name="erased_item_done",
                condition=Q(erased_at__isnull=False),
            ),
            models.Index(
                fields=["account", "mailbox"], name="erased_item_alone", condition=Q(entity__isnull=True)
            ),
        ]

    @classmethod
    def sight(cls) -> Q | None:
        return entity_sight("entity")

    def __str__(self) -> str:
        return self.key


class ErasedPlace(AccountModel):
    """A pack in which bytes of an erased item lay: the proof is that it is gone, or holds them no more."""

    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, related_name="places")
    blob_id = models.BinaryField(max_length=32)
    pack_row = models.BigIntegerField(null=True)

    class Meta:
        db_table = "erased_place"
        constraints = [
            models.UniqueConstraint(fields=["erasure", "blob_id", "pack_row"], name="erased_place_once")
        ]

    def __str__(self) -> str:
        return f"pack {self.pack_row}"
