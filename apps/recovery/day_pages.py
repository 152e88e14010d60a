"""The calendar of one mailbox: its days, the backups of one of them, and what each holds."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from apps.backups.models import Entity, Run
from apps.backups.selectors import days
from apps.backups.selectors.points import Point, last_run, point_of
from apps.core.calendar import DayMark, Month, month_of

from .kinds import kind_of
from .pages import Held

FULL = "full"


@dataclass(frozen=True, slots=True)
class DayPage:
    """The calendar and the card of the chosen day. `full`: the whole mailbox is wanted, not single items."""

    entity: Entity
    month: Month
    previous_url: str
    next_url: str
    span: tuple[date, date]
    day: date
    full: bool
    backups: list[days.Backup] = field(default_factory=list)
    chosen: days.Backup | None = None
    point: Point | None = None
    last: Run | None = None

    @property
    def held(self) -> list[Held]:
        """Return what the chosen backup holds, older kinds too."""
        point = self.point
        if point is None:
            return []
        return [Held(kind_of(s.sub_service), s, point.is_older(s)) for s in point.snapshots]

    @property
    def mode(self) -> str:
        return FULL if self.full else ""


def day_page(entity: Entity, query: dict[str, str]) -> DayPage | None:
    """Read the calendar; None when there is no backup yet. The default is the last backup (BRW-04)."""
    span = days.span_of(entity)
    if span is None:
        return None
    full = query.get("mode") == FULL
    day = _date(query.get("day", "")) or (_date(query.get("month", "") + "-01") or span[1])
    month = (_date(query.get("month", "") + "-01") or day).replace(day=1)
    marked = days.days_of_month(entity, month)
    if not query.get("day") and query.get("month") and marked:
        day = max(marked)
    backups = list(marked[day].backups) if day in marked else []
    chosen = next((b for b in backups if str(b.run.public_id) == query.get("run")), None)
    chosen = chosen or next((b for b in backups if b.snapshots), backups[0] if backups else None)
    marks = {
        d: DayMark(found.verdict, days_url(entity, full=full, day=d.isoformat()), len(found.backups) > 1)
        for d, found in marked.items()
    }
    before, after = month - timedelta(days=1), (month + timedelta(days=32)).replace(day=1)
    return DayPage(
        entity=entity,
        month=month_of(
            month.year, month.month, marks, today=timezone.localdate(), selected=day if backups else None
        ),
        previous_url=days_url(entity, full=full, month=f"{before:%Y-%m}") if month > span[0] else "",
        next_url=days_url(entity, full=full, month=f"{after:%Y-%m}") if after <= span[1] else "",
        span=span,
        day=day,
        full=full,
        backups=backups,
        chosen=chosen,
        point=point_of(chosen.run) if chosen and chosen.snapshots else None,
        last=last_run(entity),
    )


def days_url(entity: Entity, *, full: bool = False, **query: str) -> str:
    """Return the address of the calendar."""
    given = query | ({"mode": FULL} if full else {})
    address = reverse("recovery_entity", args=[entity.public_id])
    return f"{address}?{urlencode(given)}" if given else address


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1970 < found.year < 9000 else None
