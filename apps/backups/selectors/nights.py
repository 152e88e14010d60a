"""The last fourteen nights of every task, one word each: for the strip on the home page (TSK-02)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.db.models import Count, Q
from django.db.models.functions import TruncDate

from ..enums import EntityState, Verdict
from ..models import BackupTask, Entity, Run
from ..planning import schedule_of_task

NIGHTS = 14
KEPT = (Verdict.SUCCESS, Verdict.PARTIAL)


@dataclass(frozen=True, slots=True)
class Night:
    """How many entities were backed up that day (UTC): tried, stored in full, stored at least in part."""

    tried: int = 0
    good: int = 0
    kept: int = 0


@dataclass(slots=True)
class TaskNights:
    """What is known about one task; `began` counts its active entities by the day of their first snapshot."""

    is_daily: bool
    nights: dict[date, Night] = field(default_factory=dict)
    began: dict[date, int] = field(default_factory=dict)

    def words(self, today: date) -> list[str]:
        """Oldest first: success, partial, failed, missed, or none where nothing was due."""
        days = [today - timedelta(days=back) for back in range(NIGHTS - 1, -1, -1)]
        return [self._word(day, today) for day in days]

    def _word(self, day: date, today: date) -> str:
        night = self.nights.get(day, Night())
        due = self._due(day) if day < today else 0
        if not night.tried:
            return "missed" if due else "none"
        if not night.kept:
            return "failed"
        # Green only if all that should have run did, and stored everything.
        return "success" if night.good == night.tried and night.good >= due else "partial"

    def _due(self, day: date) -> int:
        if not self.is_daily:
            return 0
        return sum(number for first, number in self.began.items() if first <= day)


def nights_of_tasks(now: datetime) -> Mapping[UUID, list[str]]:
    """The words of each task of the account in force, by public id, in three queries however many there are."""
    today = now.astimezone(UTC).date()
    tasks = BackupTask.objects.select_related("policy")
    found = {task.public_id: TaskNights(schedule_of_task(task).is_daily) for task in tasks}
    for task, day, tried, good, kept in _nights(now):
        found[task].nights[day] = Night(tried, good, kept)
    for task, day, number in _beginnings():
        found[task].began[day] = number
    return {task: nights.words(today) for task, nights in found.items()}


def _nights(now: datetime) -> list[tuple[UUID, date, int, int, int]]:
    since = (now.astimezone(UTC) - timedelta(days=NIGHTS - 1)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    rows = (
        Run.objects.filter(started_at__gte=since, verdict__in=(*KEPT, Verdict.FAILED))
        .annotate(day=TruncDate("started_at", tzinfo=UTC))
        .values_list("entity__task__public_id", "day")
        .annotate(
            tried=Count("entity", distinct=True),
            good=Count("entity", distinct=True, filter=Q(verdict=Verdict.SUCCESS)),
            kept=Count("entity", distinct=True, filter=Q(verdict__in=KEPT)),
        )
    )
    return list(rows)


def _beginnings() -> list[tuple[UUID, date, int]]:
    rows = (
        Entity.objects.filter(state=EntityState.ACTIVE, first_snapshot_at__isnull=False)
        .annotate(day=TruncDate("first_snapshot_at", tzinfo=UTC))
        .values_list("task__public_id", "day")
        .annotate(number=Count("id"))
    )
    return list(rows)
