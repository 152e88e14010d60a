"""What the last 90 days of one mailbox would have raised, at each sensitivity."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from apps.backups.models import Entity
from apps.connectors.enums import SubService
from apps.core import clock

from .enums import AlertKind, Sensitivity, Severity
from .raising import SCALES
from .replaying import replay_entity
from .words import noun_of, number_words

DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class ReplayRow:
    """One finding. `look` is a word of the status vocabulary."""

    at: datetime
    kind: str
    sub_service: str
    look: str
    words: str


def replayed(entity: Entity, sensitivity: str) -> list[ReplayRow]:
    """Judge anew what was measured, newest first; nothing is written, nobody is told."""
    since = clock.now() - timedelta(days=DAYS)
    rows = []
    for one in replay_entity(entity, since=since, scale=SCALES[Sensitivity(sensitivity)]):
        for finding in one.findings:
            metric = finding.metric.value
            said = f"{number_words(metric, finding.value)} {noun_of(metric, finding.more, 'changes')}"
            rows.append(
                ReplayRow(
                    one.reading.at,
                    str(AlertKind(finding.kind.value).label),
                    str(SubService(one.sub_service).label),
                    Severity(finding.weight.value).value,
                    said,
                )
            )
    return sorted(rows, key=lambda row: row.at, reverse=True)
