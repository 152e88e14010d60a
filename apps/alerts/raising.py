"""Findings become alerts: one per incident, with what is known of innocent causes."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from apps.backups.models import Entity

from .causes import causes_of
from .enums import AlertKind, AlertState, Sensitivity, Severity
from .growth import incident, latest
from .learning.course import Judged
from .learning.findings import Finding, Kind, Weight
from .models import Alert, Measure
from .services import alert_close, alert_raise
from .wishes import wishes

SCALES: Final = {Sensitivity.LOW: 2.0, Sensitivity.NORMAL: 1.0, Sensitivity.HIGH: 0.7}
SAME_INCIDENT: Final = 7  # days
LASTING: Final = frozenset({Kind.SILENCE, Kind.EROSION})
_NOT_OVER: Final = (AlertState.OPEN, AlertState.ACKNOWLEDGED)
_MILDER: Final = {Weight.CRITICAL: Severity.WARNING, Weight.WARNING: Severity.NOTICE}


def scale_in_force() -> float:
    """Return by how much the account wants alarms to begin later than they would."""
    return SCALES[Sensitivity(wishes().sensitivity)]


def raise_all(entity: Entity, row: Measure, judged: Judged, before: Measure | None) -> int:
    """Raise what was found in a measure that has just been saved; returns how many alerts are open for it.

    That a mailbox is heard of again ends the alert of its silence.
    """
    if judged.reading.acts:
        for alert in _alive(entity, row.sub_service, AlertKind.SILENCE, _NOT_OVER):
            alert_close(alert.key)
    quiet = set(wishes().quiet_kinds)
    told = _without_echoes([each for each in judged.findings if each.kind.value not in quiet])
    for finding in told:
        _raise(entity, row, judged, finding, before)
    return len(told)


def _without_echoes(findings: list[Finding]) -> list[Finding]:
    """Leave out that much was changed where it is said already that it looks like encryption."""
    if not any(each.kind == Kind.ENCRYPTION for each in findings):
        return findings
    return [each for each in findings if each.kind != Kind.MASS_CHANGE]


def _raise(entity: Entity, row: Measure, judged: Judged, finding: Finding, before: Measure | None) -> None:
    causes = causes_of(entity, row, judged.reading, finding)
    severity = Severity(finding.weight.value)
    if any(each.explains for each in causes):
        severity = _MILDER.get(finding.weight, severity)
    since = int(finding.more.get("from", before.snapshot_number if before else 0))
    alert_raise(
        finding.kind.value,
        _key(entity, row, finding),
        severity=severity,
        facts=finding.facts()
        | {
            "causes": [each.words for each in causes],
            "from": since,
            "number": row.snapshot_number,
            "taken_at": row.taken_at.isoformat(),
        },
        entity=entity,
        sub_service=row.sub_service,
        metric=finding.metric.value,
        snapshot_number=row.snapshot_number,
        growth=latest if finding.kind in LASTING else incident,
    )


def _key(entity: Entity, row: Measure, finding: Finding) -> str:
    """Return the key of the open alert that this goes on with, or a new one.

    What somebody has acknowledged is behind them: what comes after it is told anew. Only what lasts by its
    nature stays acknowledged while it lasts.
    """
    states = _NOT_OVER if finding.kind in LASTING else (AlertState.OPEN,)
    for alert in _alive(entity, row.sub_service, finding.kind.value, states):
        if (row.taken_at - datetime.fromisoformat(alert.facts["taken_at"])).days <= SAME_INCIDENT:
            return alert.key
    return f"{finding.kind.value}:{entity.public_id}:{row.sub_service}:{row.snapshot_number}"


def _alive(entity: Entity, sub_service: str, kind: str, states: Iterable[AlertState]) -> list[Alert]:
    own = Alert.objects.filter(entity=entity, sub_service=sub_service, kind=kind, state__in=states)
    return list(own.order_by("-opened_at", "-pk"))
