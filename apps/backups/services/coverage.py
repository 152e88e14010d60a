"""Acknowledge gaps of backups, and take an acknowledgement back: who said so, when, and why."""

from django.db import transaction
from django.db.models import F, QuerySet

from apps.activity import services as activity
from apps.activity.services import CONTENT
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.permissions import Permission, require

from ..enums import GapCause, Verdict
from ..models import BackupTask, CoverageGap, Entity
from ..service_list import nouns_of


@transaction.atomic
def acknowledge(*, task: BackupTask, gaps: QuerySet[CoverageGap], reason: str = "") -> int:
    """Say of these gaps that they are known, as large as they are now; returns how many were open."""
    return _change(
        task,
        gaps.filter(acknowledged_at=None),
        "coverage.acknowledged",
        acknowledged_at=clock.now(),
        acknowledged_by=current_actor().label,
        acknowledged_count=F("count"),
        acknowledged_items=F("items"),
        reason=reason[:300],
    )


@transaction.atomic
def reopen(*, task: BackupTask, gaps: QuerySet[CoverageGap]) -> int:
    """Take acknowledgements back; returns how many. What the provider cannot do needs none."""
    return _change(
        task,
        gaps.exclude(acknowledged_at=None).filter(by_default=False),
        "coverage.reopened",
        acknowledged_at=None,
        acknowledged_by="",
        acknowledged_count=0,
        acknowledged_items=b"",
        reason="",
    )


def _change(task: BackupTask, gaps: QuerySet[CoverageGap], code: str, **values: object) -> int:
    """A run locks the mailbox before its gaps; so do we."""
    require(Permission.MODIFY)
    wanted = list(gaps.values_list("pk", "entity_id"))
    entities = Entity.objects.filter(task=task, pk__in={entity for _, entity in wanted})
    held = {entity.pk: entity for entity in entities.select_for_update().order_by("pk")}
    rows = gaps.filter(pk__in=[pk for pk, entity in wanted if entity in held])
    inside = sorted({row.label for row in rows[:500] if row.place and row.label})
    said = sorted({f"{_shown(row)}: {GapCause(row.cause).label.lower()}" for row in rows[:500]})
    count = rows.update(**values)
    if not count:
        return 0
    _judge(list(held))
    only = next(iter(held.values())) if len(held) == 1 else None
    label = only.name if only else nouns_of(task.service).count(len(held))
    activity.record(
        code,
        service=task.service,
        task_label=task.name,
        item_label=label,
        subject_id=only.public_id if only else task.public_id,
        entity_id=only.public_id if only else None,
        count=count,
        audited=f"{label}: {'; '.join(said[:5])}{' and others' if len(said) > 5 else ''}",
        **({CONTENT: ", ".join(inside[:5])} if inside else {}),
    )
    return count


def _shown(gap: CoverageGap) -> str:
    """Name a kind of data, never a folder: the audit is read by who may not see what lies in a mailbox."""
    return "A folder" if gap.place else gap.label or "A kind of data"


def _judge(entity_ids: list[int]) -> None:
    """A mailbox is green when its last run was good and no gap of it is open."""
    rows = Entity.objects.filter(pk__in=entity_ids)
    still_open = CoverageGap.objects.filter(entity_id__in=entity_ids, acknowledged_at=None).values("entity_id")
    rows.filter(last_verdict=Verdict.PARTIAL).exclude(pk__in=still_open).update(last_verdict=Verdict.SUCCESS)
    rows.filter(last_verdict=Verdict.SUCCESS, pk__in=still_open).update(last_verdict=Verdict.PARTIAL)
