"""What a reading is told of: a kind of alert with the numbers that explain it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .readings import Metric


class Kind(StrEnum):
    """The values are those of `enums.AlertKind`."""

    MASS_DELETION = "mass_deletion"
    MASS_CHANGE = "mass_change"
    ENCRYPTION = "encryption"
    EROSION = "erosion"
    FLOOD = "flood"
    GROWTH = "growth"
    SILENCE = "silence"


class Weight(StrEnum):
    """How bad it is. The values are those of `enums.Severity`."""

    NOTICE = "notice"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Finding:
    """`value` is not within `low` to `high`; `learnt` is from how many backups that is known, 0: not at all.

    `days` is the time that the value is summed over, where that is more than one backup.
    """

    kind: Kind
    metric: Metric
    weight: Weight
    value: float
    low: int = 0
    high: int = 0
    learnt: int = 0
    days: int = 0
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def mark(self) -> str:
        """What stands in the reading's `odd`."""
        return Metric.ERODED if self.kind == Kind.EROSION else self.metric

    def facts(self) -> dict[str, Any]:
        """Return it as the JSON of an alert."""
        found = {"value": round(self.value), "low": self.low, "high": self.high, "learnt": self.learnt}
        return found | ({"days": self.days} if self.days else {}) | self.more
