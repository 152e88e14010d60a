"""The last fourteen nights of every task, one word each: for the strip on the home page (TSK-02)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.db.models import Count, Q
from django.db.models.functions import TruncDate

from ..enums import EntityState, Verdict
from ..models import BackupTask, Entity
from ..planning import schedule_of_task
from .tallies import kept_beginnings, kept_nights, tallies_of

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

    def add(self, day: date, more: Night) -> None:
        """Count entities with and without limited access together."""
        have = self.nights.get(day, Night())
        self.nights[day] = Night(have.tried + more.tried, have.good + more.good, have.kept + more.kept)

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


def nights_of_tasks(now: datetime, public_ids: Collection[UUID] | None = None) -> Mapping[UUID, list[str]]:
    """The words of each task of the account in force, or of some, in four queries however many there are."""
    today = now.astimezone(UTC).date()
    rows = BackupTask.objects.select_related("policy")
    tasks = list(rows if public_ids is None else rows.filter(public_id__in=public_ids))
    found = {task.pk: TaskNights(schedule_of_task(task).is_daily) for task in tasks}
    kept = tallies_of(tasks)
    for pk, tally in kept.items():
        found[pk].nights = {day: Night(*numbers) for day, *numbers in kept_nights(tally)}
        found[pk].began = dict(kept_beginnings(tally))
    rest = [task.pk for task in tasks if task.pk not in kept]
    for pk, day, _, *numbers in nights_since(first_night(now), rest):
        found[pk].add(day, Night(*numbers))
    for pk, day, _, number in beginnings(rest):
        found[pk].began[day] = found[pk].began.get(day, 0) + number
    return {task.public_id: found[task.pk].words(today) for task in tasks}


def first_night(now: datetime) -> datetime:
    """The beginning of the first day that the strip shows."""
    since = now.astimezone(UTC) - timedelta(days=NIGHTS - 1)
    return since.replace(hour=0, minute=0, second=0, microsecond=0)


def nights_since(since: datetime, tasks: Sequence[int]) -> list[tuple[int, date, bool, int, int, int]]:
    """(task, day, limited access, tried, good, kept) of the runs of these tasks."""
    ended = Q(runs__started_at__gte=since, runs__verdict__in=(*KEPT, Verdict.FAILED))
    # From the entities: each has its runs by time in an index. The runs of an account have only their years.
    rows = (
        Entity.objects.filter(ended, task__in=tasks)
        .annotate(day=TruncDate("runs__started_at", tzinfo=UTC))
        .values_list("task_id", "day", "limited")
        .annotate(
            tried=Count("id", distinct=True),
            good=Count("id", distinct=True, filter=Q(runs__verdict=Verdict.SUCCESS)),
            kept=Count("id", distinct=True, filter=Q(runs__verdict__in=KEPT)),
        )
    )
    return list(rows)


def beginnings(tasks: Sequence[int]) -> list[tuple[int, date, bool, int]]:
    """(task, day, limited access, active entities whose backups began that day)."""
    rows = (
        Entity.objects.filter(task__in=tasks, state=EntityState.ACTIVE, first_snapshot_at__isnull=False)
        .annotate(day=TruncDate("first_snapshot_at", tzinfo=UTC))
        .values_list("task_id", "day", "limited")
        .annotate(number=Count("id"))
    )
    return list(rows)
