"""One point in time of an entity, as people choose it: every kind of data as it was when a run ended."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q
from django.utils import timezone

from apps.connectors.enums import SubService

from ..models import Entity, Run, Snapshot


@dataclass(frozen=True, slots=True)
class Point:
    """For each kind of data the newest snapshot up to the end of `run`, in the order of SubService.

    A kind that the run itself could not read stands here with an older snapshot: `is_older` tells.
    """

    run: Run
    snapshots: tuple[Snapshot, ...]

    @property
    def at(self) -> datetime:
        """Return when it was made."""
        return self.run.finished_at or self.run.started_at

    def snapshot(self, sub_service: str) -> Snapshot | None:
        return next((each for each in self.snapshots if each.sub_service == sub_service), None)

    def is_older(self, snapshot: Snapshot) -> bool:
        return snapshot.run_id != self.run.pk


def point_of(run: Run) -> Point:
    """Return the point that this run made. Costs one query for each kind of data."""
    moment = run.finished_at or run.started_at
    rows = Snapshot.objects.filter(Q(run_id=run.pk) | Q(taken_at__lte=moment), entity_id=run.entity_id)
    rows = rows.select_related("entity__task__connection", "run").defer("cursor", "coverage")
    newest = (rows.filter(sub_service=kind).order_by("-number").first() for kind in SubService)
    return Point(run, tuple(each for each in newest if each is not None))


def last_run(entity: Entity) -> Run | None:
    """Return the run that made the newest backup; None without any."""
    newest = Snapshot.objects.filter(entity=entity).select_related("run").order_by("-taken_at", "-id").first()
    return newest.run if newest else None


def point_at(entity: Entity, moment: datetime) -> Point | None:
    """Return the newest point that was there at that moment; None when there was none yet."""
    rows = Snapshot.objects.filter(entity=entity, taken_at__lte=moment).select_related("run__entity__task")
    newest = rows.order_by("-taken_at", "-id").first()
    return point_of(newest.run) if newest else None


def point_of_day(entity: Entity, day: str) -> Point | None:
    """Return the last point of that day (YYYY-MM-DD), or the last before it; None when there was none yet.

    What is no day finds none, nor does one at the end of all time.
    """
    try:
        end = timezone.make_aware(datetime.combine(date.fromisoformat(day), time())) + timedelta(days=1)
    except (ValueError, OverflowError):
        return None
    return point_at(entity, end - timedelta(microseconds=1))


def neighbour_runs(point: Point) -> tuple[Run | None, Run | None]:
    """Return the runs that made the backups before and after this one."""
    rows = Snapshot.objects.filter(entity_id=point.run.entity_id).exclude(run_id=point.run.pk)
    rows = rows.select_related("run").only("run")
    before = rows.filter(taken_at__lte=point.at).order_by("-taken_at", "-id").first()
    after = rows.filter(taken_at__gt=point.at).order_by("taken_at", "id").first()
    return before.run if before else None, after.run if after else None
