"""Reads of the system activity and of the security audit: two logs of one shape."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.core import clock
from apps.core.keyset import KeysetPage, page_of
from apps.core.streams import as_now

from .models import Activity, AuditEpoch, ChainHead, DailyHead, HeadReader, SecurityEvent
from .registry import codes_in

Row = TypeVar("Row", Activity, SecurityEvent)

PAGE_SIZE = 50
EXPORT_BATCH = 1000
CHECK_TAKES = timedelta(minutes=10)


@dataclass(frozen=True)
class Log(Generic[Row]):
    """One of the two logs: its rows, what makes their order, and the columns that a search looks into."""

    model: type[Row]
    order: tuple[str, ...]
    searched: tuple[str, ...]


SYSTEM_ACTIVITY = Log(Activity, ("at", "id"), ("task_label", "item_label", "actor_label"))
SECURITY_AUDIT = Log(SecurityEvent, ("sequence",), ("task_label", "description", "actor_label", "address"))


@dataclass(frozen=True)
class ActivityFilter:
    """What of a log is asked for; an empty field asks for all. `who`: "people" or "system"."""

    text: str = ""
    category: str = ""
    service: str = ""
    status: str = ""
    who: str = ""
    first_day: date | None = None
    last_day: date | None = None
    subject: UUID | None = None


def log_rows(log: Log[Row], wanted: ActivityFilter) -> QuerySet[Row]:
    """The account's rows that fit and that the actor in force may see, in no order."""
    rows: QuerySet[Row] = log.model._default_manager.all()
    if log.model is SecurityEvent:
        rows = rows.filter(SecurityEvent.shown())
    if wanted.subject:
        rows = rows.filter(subject_id=wanted.subject)
    if wanted.category:
        rows = rows.filter(code__in=codes_in(wanted.category))
    if wanted.service:
        rows = rows.filter(service=wanted.service)
    if wanted.status:
        rows = rows.filter(status=wanted.status)
    if wanted.who:
        by_system = Q(actor_label="")
        rows = rows.filter(by_system if wanted.who == "system" else ~by_system)
    if wanted.first_day:
        rows = rows.filter(at__gte=_midnight(wanted.first_day))
    if wanted.last_day:
        rows = rows.filter(at__lt=_midnight(wanted.last_day) + timedelta(days=1))
    if wanted.text:
        found = Q()
        for column in log.searched:
            found |= Q((f"{column}__icontains", wanted.text))
        rows = rows.filter(found)
    return rows


def log_page(
    log: Log[Row], wanted: ActivityFilter, *, before: UUID | None = None, after: UUID | None = None
) -> KeysetPage[Row]:
    """One page, newest first."""
    rows = log_rows(log, wanted)
    return page_of(rows, keys=log.order, descending=True, size=PAGE_SIZE, before=before, after=after)


def log_export(log: Log[Row], wanted: ActivityFilter) -> Iterator[Row]:
    """Every row that fits, newest first, in bounded memory.

    To be called while the request is at hand (`core.streams`).
    """
    return _export(log, wanted, as_now())


def _export(
    log: Log[Row], wanted: ActivityFilter, again: Callable[[], AbstractContextManager[None]]
) -> Iterator[Row]:
    after: UUID | None = None
    while True:
        with again():
            rows = log_rows(log, wanted)
            page = page_of(rows, keys=log.order, descending=True, size=EXPORT_BATCH, after=after)
        yield from page.items
        after = page.following
        if after is None:
            return


@dataclass(frozen=True, slots=True)
class ChainState:
    """What is known of the account's chain without reading it, and whether a person gets its seal by mail."""

    head: ChainHead | None
    daily: DailyHead | None
    is_checking: bool
    is_reader: bool
    epoch: AuditEpoch | None = None

    @property
    def seal_words(self) -> str:
        """The first half of the newest seal, in groups that can be read out."""
        seal = self.head.seal[:32] if self.head else ""
        return " ".join(seal[start : start + 4] for start in range(0, len(seal), 4))


def chain_state(user_id: int | None) -> ChainState:
    """How it stands with the chain of the account in force."""
    head = ChainHead.objects.filter(sequence__gt=0).first()
    asked = head.check_asked_at if head else None
    return ChainState(
        head=head,
        daily=DailyHead.objects.order_by("-day").first(),
        is_checking=bool(asked and asked > clock.now() - CHECK_TAKES),
        is_reader=HeadReader.objects.filter(user_id=user_id or 0).exists(),
        epoch=AuditEpoch.objects.order_by("-sequence").first(),
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
