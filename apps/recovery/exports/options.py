"""What a person decides about an export beside what is in it."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings

GIGABYTE = 1_000_000_000
PART_SIZES = (1, 2, 5, 20)


@dataclass(frozen=True, slots=True)
class Options:
    """`deleted`: also what earlier backups hold and this one does not. `part_bytes` 0: the usual size."""

    deleted: bool = False
    part_bytes: int = 0

    @classmethod
    def of(cls, params: dict[str, Any]) -> "Options":
        """Read them from a job."""
        said = params.get("options", {})
        return cls(bool(said.get("deleted")), int(said.get("part_bytes", 0)))

    def as_json(self) -> dict[str, Any]:
        return {"deleted": self.deleted, "part_bytes": self.part_bytes}

    @property
    def part_limit(self) -> int:
        return self.part_bytes or int(settings.EXPORT_PART_BYTES)
