"""The tables of reports, line by line: memory does not grow with the account."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.connectors.enums import Service
from apps.core import clock
from apps.core.keyset import page_of

from ..enums import EntityState, ReportFormat, Verdict
from ..models import BackupTask, CoverageGap, Entity
from ..schedules import TOLERANCE
from ..selectors import Word
from ..usage.rows import BATCH, WHY_NOT, GapWords, cause_words, gaps_of, moment_cell, settled_word
from .content import TaskLine

Enter = Callable[[], AbstractContextManager[None]]
Row = Sequence[object]
WORDS = tuple(Word)
OVERVIEW_HEADER = (
    "Task", "Service", "Connection", "Status", "Why", "All", "Active", *(word.label for word in WORDS),
    "With open gaps", "Size in bytes", "Last backup (UTC)", "Next backup (UTC)", "Page",
)  # fmt: skip
FAILURE_HEADER = (
    "Task", "Service", "Name", "E-mail", "Status", "Why", "Last good backup (UTC)", "Open gaps", "Page",
)  # fmt: skip


def header_of(form: str) -> Sequence[str]:
    """The first line of the table of a format."""
    return OVERVIEW_HEADER if form == ReportFormat.OVERVIEW else FAILURE_HEADER


@dataclass(frozen=True, slots=True)
class BoxLine:
    """One mailbox in a report. `word` is how it stands as if nothing were running."""

    task: BackupTask
    entity: Entity
    word: Word
    why: str
    gaps: GapWords

    @property
    def is_trouble(self) -> bool:
        return bool(self.why)


def overview_row(line: TaskLine) -> Row:
    """A task as a line of the table."""
    total = line.total
    return (
        line.name,
        line.service,
        line.task.connection.get_state_display(),
        line.tone.label,
        " ".join(line.said),
        total.total,
        total.active,
        *(total.of(word) for word in WORDS),
        line.open_gaps,
        total.size,
        moment_cell(total.last_snapshot_at),
        moment_cell(total.next_run_at),
        settings.PORTAL_URL + reverse("task", args=[line.task.public_id]),
    )


def failure_row(line: BoxLine) -> Row:
    """A mailbox as a line of the table."""
    return (
        line.task.name,
        Service(line.task.service).label,
        line.entity.name,
        line.entity.address,
        line.word.label,
        line.why,
        moment_cell(line.entity.last_snapshot_at),
        cause_words(line.gaps.open),
        settings.PORTAL_URL + reverse("entity", args=[line.entity.public_id]),
    )


def troubled(task: BackupTask) -> "QuerySet[Entity]":
    """The active mailboxes of a task whose backups are not what they should be."""
    now = clock.now()
    open_gaps = CoverageGap.objects.filter(acknowledged_at=None, by_default=False, entity__task=task)
    late = Q(overdue_at__lt=now) | Q(next_run_at__lt=now - TOLERANCE)
    bad = Q(last_verdict__in=[Verdict.FAILED, Verdict.PARTIAL, Verdict.CANCELLED])
    return Entity.objects.filter(
        bad | late | Q(pk__in=open_gaps.values("entity_id")), task=task, state=EntityState.ACTIVE
    )


def failure_lines(tasks: Sequence[BackupTask], enter: Enter) -> Iterator[BoxLine]:
    """Every mailbox in trouble that the actor sees, read in batches; `enter` enters account and actor."""
    for task in tasks:
        after: UUID | None = None
        while True:
            with enter():
                page = page_of(troubled(task), keys=("name", "id"), size=BATCH, after=after)
                lines = box_lines(task, page.items)
            yield from lines
            after = page.following
            if after is None:
                break


def box_lines(task: BackupTask, entities: Sequence[Entity]) -> list[BoxLine]:
    """These mailboxes of a task as lines."""
    gaps, now = gaps_of([entity.pk for entity in entities]), clock.now()
    lines = []
    for entity in entities:
        found, word = gaps.get(entity.pk, GapWords()), settled_word(entity, now)
        lines.append(BoxLine(task, entity, word, _why(entity, word, found, now), found))
    return lines


def _why(entity: Entity, word: Word, gaps: GapWords, now: datetime) -> str:
    """Why a mailbox is not as it should be; "" when it is."""
    if entity.state != EntityState.ACTIVE:
        return WHY_NOT[EntityState(entity.state)]
    late = word is Word.OVERDUE or (entity.overdue_at is not None and entity.overdue_at < now)
    late = late or (entity.next_run_at is not None and entity.next_run_at < now - TOLERANCE)
    said = []
    if late:
        said.append(
            _("The last good backup is too old.") if entity.last_snapshot_at else _("There is no backup.")
        )
    if entity.last_message and (late or word in (Word.FAILED, Word.PARTIAL, Word.CANCELLED)):
        said.append(entity.last_message)
    if gaps.open and word is not Word.PARTIAL:
        said.append(_("Open gaps: %(causes)s.") % {"causes": cause_words(gaps.open)})
    if not said and word is Word.SCHEDULED:
        said.append(_("There is no backup yet."))
    elif not said and word is not Word.SUCCESS:
        said.append(_("How the last run ended: %(word)s.") % {"word": word.label.lower()})
    return " ".join(said)
