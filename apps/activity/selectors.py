"""Reads of the system activity."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from apps.core.keyset import KeysetPage, page_of
from apps.core.scope import account_scope, current_account_id

from .models import Activity
from .registry import codes_in

PAGE_SIZE = 50
EXPORT_BATCH = 1000
NEWEST_FIRST = ("at", "id")


@dataclass(frozen=True)
class ActivityFilter:
    """What of the activity is asked for; an empty field asks for all."""

    text: str = ""
    category: str = ""
    service: str = ""
    status: str = ""
    first_day: date | None = None
    last_day: date | None = None
    subject: UUID | None = None


def activity_rows(wanted: ActivityFilter) -> QuerySet[Activity]:
    """The account's rows that fit, in no order."""
    rows = Activity.objects.all()
    if wanted.subject:
        rows = rows.filter(subject_id=wanted.subject)
    if wanted.category:
        rows = rows.filter(code__in=codes_in(wanted.category))
    if wanted.service:
        rows = rows.filter(service=wanted.service)
    if wanted.status:
        rows = rows.filter(status=wanted.status)
    if wanted.first_day:
        rows = rows.filter(at__gte=_midnight(wanted.first_day))
    if wanted.last_day:
        rows = rows.filter(at__lt=_midnight(wanted.last_day) + timedelta(days=1))
    if wanted.text:
        text = wanted.text
        rows = rows.filter(
            Q(task_label__icontains=text) | Q(item_label__icontains=text) | Q(actor_label__icontains=text)
        )
    return rows


def activity_page(
    wanted: ActivityFilter, *, before: UUID | None = None, after: UUID | None = None
) -> KeysetPage[Activity]:
    """One page, newest first."""
    return page_of(
        activity_rows(wanted), keys=NEWEST_FIRST, descending=True, size=PAGE_SIZE, before=before, after=after
    )


def activity_export(wanted: ActivityFilter) -> Iterator[Activity]:
    """Every row that fits, newest first, in bounded memory.

    A response is streamed after the middleware has left the account's scope. Each batch enters it again and
    leaves it before anything is yielded, so that the scope never stays behind on the server's thread.
    """
    account_id = current_account_id()
    return _export(wanted, account_id)


def _export(wanted: ActivityFilter, account_id: int) -> Iterator[Activity]:
    after: UUID | None = None
    while True:
        with account_scope(account_id):
            page = page_of(
                activity_rows(wanted), keys=NEWEST_FIRST, descending=True, size=EXPORT_BATCH, after=after
            )
        yield from page.items
        after = page.following
        if after is None:
            return


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
