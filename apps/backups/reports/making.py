"""Each period's reports, exactly once: who moves the period on writes the rows, who takes a row its letters.

Both are one conditional UPDATE in the transaction of what follows from it. A worker that dies leaves nothing or
all of it; of two workers one finds nothing to do; what an outage missed is one report over all of it.
"""

import logging
import time
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from apps.core import clock
from apps.notifications.services import notify, notify_addresses

from ..enums import ReportState
from ..models import Report, ReportCopy, ReportSettings
from .letters import KIND, letters_of
from .paper import paper_of
from .timing import next_after

logger = logging.getLogger("everkeep.reports")
KEPT: Final = timedelta(days=400)
GIVEN_UP: Final = timedelta(days=1)
"""A report that could not be made for so long after its row was written is left, and says so on its page.

After an outage the row is younger than the end of its period.
"""
SECONDS: Final = 20.0
"""One account keeps a worker no longer than this (and its last report): the next minute goes on with it."""


def accounts_with_work() -> set[int]:
    """Accounts whose period is over, or of which a report is not made yet; in the operator's scope."""
    now = clock.now()
    over = ReportSettings.objects.filter(next_at__lte=now).values_list("account_id", flat=True)
    left = Report.objects.filter(state=ReportState.DUE)
    return {*over, *left.order_by().values_list("account_id", flat=True).distinct()}


def work() -> int:
    """Begin the period that is due in the account in force, make what is not made; returns how many were."""
    settings = ReportSettings.objects.filter(next_at__lte=clock.now()).first()
    if settings is not None:
        begin(settings)
    made, ends = 0, time.monotonic() + SECONDS
    due = Report.objects.filter(state=ReportState.DUE)
    due.filter(written_at__lte=clock.now() - GIVEN_UP).update(state=ReportState.GIVEN_UP)
    # In any order, so that those that cannot be made do not take all the time of those behind them.
    for pk in list(due.order_by("?").values_list("pk", flat=True)):
        try:
            made += make(pk)
        except Exception:
            logger.exception("report %s could not be made: it is tried again", pk)
        if time.monotonic() >= ends:
            break
    return made


@transaction.atomic
def begin(settings: ReportSettings) -> bool:
    """Close the period under way and write the rows of its reports; False when somebody else has."""
    now, until = clock.now(), _last_end(settings)
    mine = ReportSettings.objects.filter(pk=settings.pk, next_at=settings.next_at)
    if not mine.update(next_at=next_after(settings, now), since=until):
        return False
    rows = [_row(settings, until)] if settings.is_on else []
    rows += [_row(settings, until, copy) for copy in ReportCopy.objects.order_by("pk").iterator()]
    Report.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
    Report.objects.filter(until__lt=now - KEPT).delete()
    return True


def _last_end(settings: ReportSettings) -> datetime:
    """The end of the last whole period: several that were missed are one."""
    end = settings.next_at
    while (following := next_after(settings, end)) <= clock.now():
        end = following
    return end


def _row(settings: ReportSettings, until: datetime, copy: ReportCopy | None = None) -> Report:
    subject = "" if copy is None else f"entity:{copy.entity_id}" if copy.entity_id else f"task:{copy.task_id}"
    return Report(
        account_id=settings.account_id,
        subject=subject,
        task_id=copy.task_id if copy else None,
        entity_id=copy.entity_id if copy else None,
        since=settings.since,
        until=until,
        format=settings.format,
        way=settings.way,
        only_failures=settings.only_failures,
        zone=settings.zone,
    )


@transaction.atomic
def make(pk: int) -> bool:
    """Write the letters of one report; False when somebody else has."""
    if not Report.objects.filter(pk=pk, state=ReportState.DUE).update(
        state=ReportState.SENT, made_at=clock.now()
    ):
        return False
    report = Report.objects.select_related("task", "entity__task").get(pk=pk)
    if not _write(report):
        paper = paper_of(report)
        calm = report.only_failures and paper is not None and not paper.is_trouble
        state = ReportState.NOT_NEEDED if calm else ReportState.NOBODY
        Report.objects.filter(pk=pk).update(state=state)
    return True


def _write(report: Report) -> int:
    if report.task_id is None:
        return notify(KIND, letters_of(report))
    copy = ReportCopy.objects.filter(task=report.task, entity=report.entity).first()
    if copy is None:
        return 0
    return notify_addresses(copy.addresses, letters_of(report), kind=KIND, readers=copy.readers)
