"""Which backups of an entity there are: by day for the calendar, before and after one another."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Self

from django.db.models import Max, Min
from django.utils import timezone

from apps.connectors.enums import SubService

from ..enums import Verdict
from ..models import Entity, Run, Snapshot

_KINDS = {kind: place for place, kind in enumerate(SubService.values)}
_WORST_FIRST = (Verdict.FAILED, Verdict.CANCELLED, Verdict.STOPPED, Verdict.PARTIAL, Verdict.SUCCESS)


@dataclass(frozen=True, slots=True)
class Backup:
    """One run of an entity as a person sees it. Without `snapshots` it kept nothing (it failed)."""

    run: Run
    at: datetime
    verdict: str
    snapshots: tuple[Snapshot, ...]

    @property
    def snapshot(self) -> Snapshot | None:
        return self.snapshots[0] if self.snapshots else None


@dataclass(frozen=True, slots=True)
class Day:
    """The backups of one day, newest first."""

    date: date
    backups: tuple[Backup, ...]

    @property
    def verdict(self) -> str:
        """Return the worst verdict among those that kept something, else the worst of all."""
        verdicts = {b.verdict for b in self.backups if b.snapshots} or {b.verdict for b in self.backups}
        return next((v for v in _WORST_FIRST if v in verdicts), "")


def backups_between(entity: Entity, start: datetime, end: datetime) -> list[Backup]:
    """Return the finished runs of the entity in [start, end), newest first, with what they committed."""
    snapshots: dict[int, list[Snapshot]] = defaultdict(list)
    runs: dict[int, Run] = {}
    rows = Snapshot.objects.filter(entity=entity, taken_at__gte=start, taken_at__lt=end).defer("cursor")
    for snapshot in sorted(
        rows.select_related("run"), key=lambda row: _KINDS.get(row.sub_service, len(_KINDS))
    ):
        snapshots[snapshot.run_id].append(snapshot)
        runs[snapshot.run_id] = snapshot.run
    empty = Run.objects.filter(
        entity=entity, started_at__gte=start, started_at__lt=end, verdict=Verdict.FAILED, snapshots=None
    )
    runs.update((run.pk, run) for run in empty)
    found = [_backup(run, tuple(snapshots[pk])) for pk, run in runs.items()]
    return sorted(found, key=lambda backup: (backup.at, backup.run.pk), reverse=True)


def days_of_month(entity: Entity, month: date) -> dict[date, Day]:
    """Return the days of that month that have backups, by local date."""
    first = month.replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    by_day: dict[date, list[Backup]] = defaultdict(list)
    for backup in backups_between(entity, _midnight(first), _midnight(after)):
        by_day[timezone.localtime(backup.at).date()].append(backup)
    return {day: Day(day, tuple(backups)) for day, backups in by_day.items()}


def span_of(entity: Entity) -> tuple[date, date] | None:
    """Return the local dates of the entity's first and last snapshots; None without any."""
    found = Snapshot.objects.filter(entity=entity).aggregate(first=Min("taken_at"), last=Max("taken_at"))
    if found["first"] is None:
        return None
    return timezone.localtime(found["first"]).date(), timezone.localtime(found["last"]).date()


def taken_at(snapshot: Snapshot, numbers: set[int]) -> dict[int, datetime]:
    """Return when the snapshots of these numbers beside this one were taken."""
    rows = Snapshot.objects.filter(
        entity_id=snapshot.entity_id, sub_service=snapshot.sub_service, number__in=numbers
    )
    return dict(rows.values_list("number", "taken_at"))


class Numbers:
    """The snapshots that are left of one kind of data, by number: between them retention let some go.

    What a version says of its beginning and its end are numbers as they were once; these name what is left.
    """

    def __init__(self, numbers: Iterable[int]) -> None:
        self._left = sorted(numbers)

    @classmethod
    def of(cls, entity_id: int, sub_service: str) -> Self:
        rows = Snapshot.objects.filter(entity_id=entity_id, sub_service=sub_service)
        return cls(rows.order_by().values_list("number", flat=True))

    def at_or_after(self, number: int) -> int | None:
        """Return the first one that is left from there on."""
        place = bisect_left(self._left, number)
        return self._left[place] if place < len(self._left) else None

    def before(self, number: int) -> int | None:
        """Return the last one that is left before it."""
        place = bisect_left(self._left, number)
        return self._left[place - 1] if place else None

    def shows(self, first: int, gone: int | None) -> bool:
        """Tell whether one is left that holds a version of this life."""
        found = self.at_or_after(first)
        return found is not None and (gone is None or found < gone)


def _backup(run: Run, snapshots: tuple[Snapshot, ...]) -> Backup:
    at = snapshots[0].taken_at if snapshots else run.started_at
    verdicts = {s.verdict for s in snapshots} or {run.verdict}
    if snapshots and run.verdict in (Verdict.PARTIAL, Verdict.FAILED):
        verdicts.add(Verdict.PARTIAL)  # a kind of data that could not be read has no snapshot to say so
    return Backup(run, at, next((v for v in _WORST_FIRST if v in verdicts), run.verdict), snapshots)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
