"""What the backup of an entity does not cover, and who said that this is known."""

from collections.abc import Iterable

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from ..enums import GapCause
from .catalog import hash_of
from .entities import Entity, entity_sight


class CoverageGap(AccountModel):
    """One gap as the last run saw it: a folder, or a whole kind of data (`place` is empty), and one cause.

    Rows follow the runs: a gap that closes loses its row. While `acknowledged_at` is empty the gap is open, and
    its entity is not green. An acknowledgement holds for the items that it was given for (`pack`)
    where a run can name them, else for `acknowledged_count`: a gap that goes beyond is open again. `by_default`
    marks limits of the provider, which need nobody's word.
    """

    entity = models.ForeignKey(Entity, on_delete=models.CASCADE, related_name="gaps")
    sub_service = models.CharField(max_length=20)
    place = models.TextField(blank=True)
    place_hash = models.BigIntegerField()
    cause = models.CharField(max_length=20, choices=GapCause)
    count = models.PositiveIntegerField(default=1)
    items = models.BinaryField(default=b"")
    label = models.CharField(max_length=500, blank=True)
    what = models.TextField(blank=True)
    do = models.TextField(blank=True)
    found_at = models.DateTimeField(default=clock.now)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.CharField(max_length=320, blank=True)
    acknowledged_count = models.PositiveIntegerField(default=0)
    acknowledged_items = models.BinaryField(default=b"")
    reason = models.CharField(max_length=300, blank=True)
    by_default = models.BooleanField(default=False)

    class Meta:
        db_table = "coverage_gap"
        constraints = [
            models.UniqueConstraint(
                fields=["entity", "sub_service", "place_hash", "cause"], name="coverage_gap_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["account", "entity"],
                name="coverage_gap_open",
                condition=models.Q(acknowledged_at__isnull=True),
            )
        ]

    @classmethod
    def sight(cls) -> models.Q | None:
        return entity_sight("entity")

    def __str__(self) -> str:
        return f"{self.label}: {self.cause}"

    @property
    def key(self) -> tuple[str, int, str]:
        return self.sub_service, self.place_hash, self.cause

    @staticmethod
    def pack(remote_ids: Iterable[str]) -> bytes:
        """Return what `items` keeps of these ids."""
        return b"".join(sorted(hash_of(each).to_bytes(8, "big", signed=True) for each in remote_ids))

    @staticmethod
    def unpack(packed: bytes | memoryview) -> set[bytes]:
        whole = bytes(packed)
        return {whole[at : at + 8] for at in range(0, len(whole), 8)}

    @staticmethod
    def hash_of_place(place: str) -> int:
        return hash_of(place)
