"""Items whose bytes were found damaged in the vault."""

from collections.abc import Collection

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from ..enums import DamagedState
from .entities import Entity, entity_sight

BLOB_ID_BYTES = 32


class DamagedItem(AccountModel):
    """One item of which some version, in whatever snapshot, names a blob that the vault cannot read.

    While REFETCH, each run of its entity downloads it anew, although the provider's changes do not name it.
    `blobs` are the bad ones, 32 bytes each; `versions` counts the versions that name one. `good_until` is the
    day of the last snapshot in which it can be opened, None when there is none.
    """

    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="damaged_items")
    sub_service = models.CharField(max_length=20)
    remote_hash = models.BigIntegerField()
    remote_id = models.TextField()
    label = models.CharField(max_length=500, blank=True)
    folder_label = models.CharField(max_length=500, blank=True)
    blobs = models.BinaryField()
    versions = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=10, choices=DamagedState, default=DamagedState.REFETCH)
    found_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    good_until = models.DateTimeField(null=True)
    what = models.CharField(max_length=300, blank=True)

    class Meta:
        db_table = "damaged_item"
        constraints = [
            models.UniqueConstraint(fields=["entity", "sub_service", "remote_hash"], name="damaged_item_once")
        ]
        indexes = [models.Index(fields=["account", "state", "-found_at"], name="damaged_item_state")]

    @classmethod
    def sight(cls) -> models.Q | None:
        return entity_sight("entity")

    def __str__(self) -> str:
        return self.label

    def blob_ids(self) -> set[bytes]:
        """Return the bad blobs."""
        data = bytes(self.blobs)
        return {data[start : start + BLOB_ID_BYTES] for start in range(0, len(data), BLOB_ID_BYTES)}

    @staticmethod
    def joined(blob_ids: Collection[bytes]) -> bytes:
        """Return what `blobs` holds for these."""
        return b"".join(sorted(blob_ids))
