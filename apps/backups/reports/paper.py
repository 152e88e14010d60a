"""One report as its reader sees it: the actor in force, so that nobody is told of what they may not see."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.selectors import stopped_accounts
from apps.core.scope import current_account_id
from apps.core.spreadsheet import csv_lines
from apps.core.streams import as_now

from ..enums import ReportFormat
from ..models import BackupTask, Entity, Report
from ..registry import Warned, warned_of
from .content import CHIPS, TROUBLE, TaskLine, Tone, task_lines
from .rows import BoxLine, Row, box_lines, failure_lines, failure_row, header_of, overview_row, troubled

NAMED = 25
"""So many mailboxes stand in a mail by name; the table has all of them."""
PREVIEWED = 5


@dataclass(frozen=True, slots=True)
class Paper:
    """What a report says. `boxes` are the first of those in trouble, `more` the number of the others.

    `tone` and `standing` are of the backups; what else needs somebody, `warned`, is trouble beside them.
    """

    report: Report
    tone: Tone
    standing: str
    lines: Sequence[TaskLine] = ()
    boxes: Sequence[BoxLine] = ()
    more: int = 0
    warned: Sequence[Warned] = ()

    @property
    def is_trouble(self) -> bool:
        return self.tone in TROUBLE or bool(self.warned)

    @property
    def headline(self) -> str:
        """What needs somebody; how backups stand when nothing does."""
        said = [self.standing] if self.tone in TROUBLE or not self.warned else []
        return ", ".join([*said, *(each.words for each in self.warned)])

    @property
    def about(self) -> str:
        """The one task or mailbox that it is about, "" for the whole account."""
        return str(self.report.entity or self.report.task or "")

    @property
    def chip(self) -> str:
        return CHIPS[self.tone]

    @property
    def is_details(self) -> bool:
        return self.report.format == ReportFormat.FAILURES

    @property
    def page(self) -> str:
        """Where the same is seen in the portal."""
        if self.report.entity:
            return reverse("entity", args=[self.report.entity.public_id])
        return reverse("task", args=[self.report.task.public_id]) if self.report.task else reverse("home")


def paper_of(report: Report) -> Paper | None:
    """What a report says to the actor in force; None when they do not see what it is about."""
    paper = _of_backups(report)
    if paper is None:
        return None
    return replace(paper, warned=[*_stopped(), *warned_of(report.task, report.entity)])


def _stopped() -> list[Warned]:
    """That nothing is backed up, whatever stood well when it stopped. The portal says why."""
    if not stopped_accounts().filter(pk=current_account_id()).exists():
        return []
    return [Warned(1, _("backups of this account are stopped"), reverse("home"))]


def _of_backups(report: Report) -> Paper | None:
    if report.entity_id is not None:
        entity = Entity.objects.select_related("task__connection").filter(pk=report.entity_id).first()
        return _of_entity(report, entity) if entity else None
    tasks = tasks_of(report)
    if report.task_id is not None and not tasks:
        return None
    lines = task_lines(tasks, report.since)
    boxes, more = _boxes(tasks) if report.format == ReportFormat.FAILURES else ([], 0)
    lines = sorted(lines, key=lambda line: list(Tone).index(line.tone))
    tone = lines[0].tone if lines else Tone.PART
    return Paper(report, tone, _headline(lines, single=report.task_id is not None), lines, boxes, more)


def tasks_of(report: Report) -> list[BackupTask]:
    """The tasks that a report is about, as far as the actor in force sees them."""
    rows = BackupTask.objects.select_related("connection", "policy", "after_task").order_by("name", "id")
    return list(rows if report.task_id is None else rows.filter(pk=report.task_id))


def table_of(report: Report) -> Iterator[str]:
    """The report's table as CSV, made while it is read: in the sight of who asks for it, now."""
    if report.entity_id is not None:
        rows: Iterator[Row] = (failure_row(line) for line in _own_line(report))
        return csv_lines(header_of(ReportFormat.FAILURES), rows)
    tasks = tasks_of(report)
    if report.format == ReportFormat.OVERVIEW:
        rows = (overview_row(line) for line in task_lines(tasks, report.since))
    else:
        rows = (failure_row(line) for line in failure_lines(tasks, as_now()))
    return csv_lines(header_of(report.format), rows)


def preview_rows(report: Report) -> list[list[str]]:
    """The first lines of the table, as a page shows them."""
    return list(csv.reader(line.removeprefix("\ufeff") for line in islice(table_of(report), 1 + PREVIEWED)))


def table_name(until: datetime, form: str) -> str:
    """The file's name."""
    return f"backup-{'overview' if form == ReportFormat.OVERVIEW else 'failures'}-{until:%Y-%m-%d}.csv"


def _own_line(report: Report) -> list[BoxLine]:
    found = Entity.objects.select_related("task__connection").filter(pk=report.entity_id or 0).first()
    return box_lines(found.task, [found]) if found else []


def _of_entity(report: Report, entity: Entity) -> Paper:
    """A mailbox is good when it is covered and was backed up in the report's time."""
    (line,) = box_lines(entity.task, [entity])
    last = entity.last_snapshot_at
    if line.is_trouble:
        tone, words = (Tone.BAD if line.word in ("failed", "overdue") else Tone.PART), _("needs attention")
    elif last is None or last < report.since:
        tone, words = Tone.QUIET, _("nothing was backed up in this time")
    else:
        tone, words = Tone.GOOD, _("good")
    return Paper(report, tone, words, boxes=[line])


def _boxes(tasks: Sequence[BackupTask]) -> tuple[list[BoxLine], int]:
    first = list(islice(failure_lines(tasks, nullcontext), NAMED))
    if len(first) < NAMED:
        return first, 0
    return first, sum(troubled(task).count() for task in tasks) - NAMED


def _headline(lines: Sequence[TaskLine], *, single: bool) -> str:
    bad = sum(line.tone in TROUBLE for line in lines)
    if not lines:
        return _("there is no backup task, so nothing is backed up")
    if bad and single:
        return _("needs attention")
    if bad:
        words = ngettext(
            "%(bad)s of %(all)s backup tasks needs attention",
            "%(bad)s of %(all)s backup tasks need attention",
            bad,
        )
        return words % {"bad": f"{bad:,}", "all": f"{len(lines):,}"}
    return _calm({line.tone for line in lines})


def _calm(tones: set[Tone]) -> str:
    if Tone.WAITS in tones:
        return _("nothing failed, some backups are under way")
    if tones == {Tone.QUIET}:
        return _("nothing was backed up, since nothing was due")
    return _("nothing failed, not everything was due") if Tone.QUIET in tones else _("all good")
