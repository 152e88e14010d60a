"""Mailboxes whose backups fail, do not come, or hold less than they did.

Of a connection that is lost nothing is told here: that alert says it for all its mailboxes.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum

from apps.backups.enums import EntityState, GapCause, Verdict
from apps.backups.models import CoverageGap, Entity, Run
from apps.connectors.enums import ConnectionState, SubService
from apps.core import clock

from ..enums import AlertKind, Severity
from ..registry import Found
from ..wishes import wishes
from .grouping import told

ENDED: Final = (Verdict.SUCCESS, Verdict.PARTIAL, Verdict.FAILED)
# A kind or folder that was not read once is read by the next run mostly: told when it outlives a day.
SETTLES_WITHIN: Final = timedelta(days=1)
# So long after a lost connection is back nobody is told anew of what went wrong while it was lost.
BACK_SINCE: Final = timedelta(days=1)
STATE_SINCE: Final = "task__connection__state_since"
LEAST_ITEMS, LEAST_SHARE = 10, 50  # so many items, and more than a fiftieth of the mailbox


def failing() -> Iterator[Found]:
    """Whose last n runs all failed. Runs that somebody cancelled say nothing either way.

    Nor, at first, do those that failed with a connection which is back.
    """
    n = wishes().failures_in_a_row
    ended = Run.objects.filter(entity=OuterRef("pk"), verdict__in=ENDED)
    rows = _active().filter(last_verdict=Verdict.FAILED)
    rows = rows.annotate(
        nth=Subquery(ended.order_by("-started_at", "-pk").values("started_at")[n - 1 : n]),
    ).filter(nth__isnull=False)
    rows = rows.exclude(Exists(ended.exclude(verdict=Verdict.FAILED).filter(started_at__gte=OuterRef("nth"))))
    rows = rows.exclude(_just_back(), nth__lt=F(STATE_SINCE))

    def facts(entity: Entity) -> dict[str, Any]:
        return {"runs": n, "since": _moment(entity.last_snapshot_at), "why": entity.last_message[:500]}

    yield from told(
        rows,
        prefix="failures",
        kind=AlertKind.FAILURES,
        severity=Severity.WARNING,
        all_severity=Severity.CRITICAL,
        facts=facts,
    )


def overdue() -> Iterator[Found]:
    """Whose last good backup is too old though none failed: when it is a whole task, nothing runs at all.

    Of a connection that is back the next start is waited for at first.
    """
    now = clock.now()
    rows = _active().filter(overdue_at__lt=now).exclude(last_verdict=Verdict.FAILED)
    rows = rows.exclude(_just_back(), overdue_at__lt=F(STATE_SINCE), next_run_at__gt=now)

    def facts(entity: Entity) -> dict[str, Any]:
        return {"last": _moment(entity.last_snapshot_at), "due": _moment(entity.overdue_at)}

    yield from told(
        rows,
        prefix="overdue",
        kind=AlertKind.OVERDUE,
        severity=Severity.WARNING,
        all_severity=Severity.CRITICAL,
        facts=facts,
    )


def uncovered() -> Iterator[Found]:
    """Whose backups hold less than they did: a gap that weighs, opened after the first backup."""
    yield from told(
        _active().filter(pk__in=_weighty_gaps().values("entity_id")),
        prefix="coverage",
        kind=AlertKind.COVERAGE,
        severity=Severity.WARNING,
        facts=_gap_facts,
    )


def _active() -> "QuerySet[Entity]":
    rows = Entity.objects.filter(state=EntityState.ACTIVE)
    return rows.exclude(task__connection__state=ConnectionState.DISCONNECTED)


def _just_back() -> Q:
    return Q(**{f"{STATE_SINCE}__gt": clock.now() - BACK_SINCE})


def _weighty_gaps() -> "QuerySet[CoverageGap]":
    rows = CoverageGap.objects.filter(
        acknowledged_at=None, found_at__gt=F("entity__first_snapshot_at"), entity__state=EntityState.ACTIVE
    )
    settled = Q(cause__in=(GapCause.KIND, GapCause.FOLDER), found_at__lt=clock.now() - SETTLES_WITHIN)
    many = Q(count__gte=LEAST_ITEMS, count__gt=F("entity__items") / LEAST_SHARE)
    many &= ~Q(cause__in=(GapCause.KIND, GapCause.FOLDER, GapCause.REFUSED))
    return rows.filter(Q(cause=GapCause.REFUSED) | settled | many)


def _gap_facts(entity: Entity) -> dict[str, Any]:
    """Kinds and causes, no names of folders: those are for who may see contents."""
    counted = _weighty_gaps().filter(entity=entity).values("sub_service", "cause").order_by()
    gaps = [
        f"{SubService(row['sub_service']).label}: {_cause_words(row['cause'], row['items'])}"
        for row in counted.annotate(n=Count("pk"), items=Sum("count"))
    ]
    return {"gaps": sorted(gaps)}


def _cause_words(cause: str, items: int) -> str:
    label = GapCause(cause).label
    told_by_count = cause not in (GapCause.KIND, GapCause.FOLDER, GapCause.REFUSED)
    return f"{label} ({items:,})" if told_by_count else label


def _moment(moment: Any) -> str:
    return moment.isoformat() if moment else ""
