"""What a report says: the counts of the tasks' own pages, and a judgement that is good only for what was done.

`judge` is the one place that decides. Nothing is good that did not run, has no connection, misses something, or
of which nothing was backed up in the report's time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from apps.connectors.enums import ConnectionState, Service
from apps.core import clock

from ..enums import EntityState, Verdict
from ..models import BackupTask, CoverageGap, Entity
from ..selectors import LIVE, Counters, Word, nouns_of
from ..selectors.status import word_expression
from ..selectors.tallies import groups_of


class Tone(StrEnum):
    """Worst first."""

    BAD = "bad"
    PART = "part"
    WAITS = "waits"
    QUIET = "quiet"
    GOOD = "good"

    @property
    def label(self) -> str:
        return {
            Tone.BAD: _("Failed"),
            Tone.PART: _("Not complete"),
            Tone.WAITS: _("Under way"),
            Tone.QUIET: _("Nothing was due"),
            Tone.GOOD: _("Good"),
        }[self]


TROUBLE = (Tone.BAD, Tone.PART)
CHIPS = {
    Tone.BAD: "failed",
    Tone.PART: "partial",
    Tone.WAITS: "in_progress",
    Tone.QUIET: "scheduled",
    Tone.GOOD: "success",
}


@dataclass(frozen=True, slots=True)
class Hidden:
    """Trouble of what runs again right now: the page's word for it is that it runs."""

    failed: int = 0
    partial: int = 0
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One backup task in a report. `total` is what its page counts."""

    task: BackupTask
    total: Counters
    hidden: Hidden = field(default_factory=Hidden)
    open_gaps: int = 0
    tone: Tone = Tone.BAD
    said: Sequence[str] = ()

    @property
    def name(self) -> str:
        return self.task.name

    @property
    def service(self) -> str:
        return str(Service(self.task.service).label)

    @property
    def chip(self) -> str:
        return CHIPS[self.tone]

    @property
    def counts(self) -> str:
        """ "40 mailboxes, 38 active: 36 success, 2 failed"."""
        counted = ((self.total.of(word), word.label.lower()) for word in Word)
        words = ", ".join(f"{number:,} {label}" for number, label in counted if number)
        return f"{nouns_of(self.task.service).count(self.total.total)}" + (f": {words}" if words else "")


def task_lines(tasks: Sequence[BackupTask], since: datetime) -> list[TaskLine]:
    """The tasks as they stand, as the actor in force sees them; a few queries, however many there are."""
    totals: dict[int, Counters] = {}
    for group in groups_of(tasks):
        total = totals.setdefault(group.task_id, Counters())
        total.add(group.word, group.number, group.size, group.last, group.following)
    moving = [pk for pk, total in totals.items() if total.of(*LIVE)]
    hidden, gaps = _hidden(moving), _open_gaps(tasks)
    lines = []
    for task in tasks:
        total = totals.get(task.pk, Counters())
        tone, said = judge(task, total, hidden.get(task.pk, Hidden()), gaps.get(task.pk, 0), since)
        lines.append(TaskLine(task, total, hidden.get(task.pk, Hidden()), gaps.get(task.pk, 0), tone, said))
    return lines


def judge(
    task: BackupTask, total: Counters, hidden: Hidden, open_gaps: int, since: datetime
) -> tuple[Tone, list[str]]:
    """The task's tone, and every reason for it, worst first."""
    found = [
        *_outside(task, total),
        *_numbers(task, total, hidden, open_gaps),
        *_since(task, total, since),
    ]
    found.sort(key=lambda each: list(Tone).index(each[0]))
    if not found:
        return Tone.GOOD, [_("All that is active was backed up, and nothing is missing.")]
    return found[0][0], [words for _tone, words in found]


def _outside(task: BackupTask, total: Counters) -> Iterable[tuple[Tone, str]]:
    """What keeps every mailbox of the task from being backed up."""
    connection, many = task.connection, nouns_of(task.service).many
    if connection.state != ConnectionState.CONNECTED:
        words = _("The connection to %(name)s is lost since %(since)s: nothing is backed up. Connect it again.")
        yield Tone.BAD, words % {"name": connection, "since": f"{connection.state_since:%d %b %Y, %H:%M} UTC"}
    if task.discovery_error:
        words = _("The list of %(many)s could not be read, so new ones may be missing: %(why)s")
        yield Tone.PART, words % {"many": many, "why": task.discovery_error}
    if total.total and total.of(Word.DELETING) == total.total:
        yield Tone.QUIET, _("It is being deleted.")
    elif not total.active:
        words = _("None of its %(many)s is active: nothing is backed up.")
        yield Tone.PART, words % {"many": many}


def _numbers(task: BackupTask, total: Counters, hidden: Hidden, gaps: int) -> Iterable[tuple[Tone, str]]:
    nouns = nouns_of(task.service)
    failed, overdue = total.of(Word.FAILED) + hidden.failed, total.of(Word.OVERDUE) + hidden.overdue
    partial, moving = total.of(Word.PARTIAL) + hidden.partial, total.of(*LIVE)
    if failed:
        yield Tone.BAD, _("%(n)s failed.") % {"n": nouns.count(failed)}
    if overdue:
        yield Tone.BAD, _("The last good backup is too old: %(n)s.") % {"n": nouns.count(overdue)}
    if partial:
        yield Tone.PART, _("Not everything was stored: %(n)s.") % {"n": nouns.count(partial)}
    if gaps:
        words = _("Something that nobody has acknowledged is missing: %(n)s.")
        yield Tone.PART, words % {"n": nouns.count(gaps)}
    if cancelled := total.of(Word.CANCELLED):
        yield Tone.PART, _("The last backup of %(n)s was cancelled.") % {"n": nouns.count(cancelled)}
    if moving:
        yield Tone.WAITS, _("%(n)s: being backed up right now, or next.") % {"n": nouns.count(moving)}
    if waiting := total.of(Word.SCHEDULED):
        yield Tone.WAITS, _("%(n)s: waiting for the first backup.") % {"n": nouns.count(waiting)}


def _since(task: BackupTask, total: Counters, since: datetime) -> Iterable[tuple[Tone, str]]:
    """What was not backed up in the report's time is not good, even where nothing was due."""
    last, following = total.last_snapshot_at, total.next_run_at
    if not total.active or (last is not None and last >= since):
        return
    if last is None:
        yield Tone.WAITS, _("Nothing was ever backed up.")
    elif following is None:
        yield Tone.QUIET, _("Nothing was backed up in this time: it runs only when somebody asks for it.")
    elif following > clock.now():
        words = _("Nothing was backed up in this time; the next backup is on %(next)s.")
        yield Tone.QUIET, words % {"next": f"{following:%d %b %Y, %H:%M} UTC"}
    else:
        yield Tone.PART, _("Nothing was backed up in this time, though a backup was due.")


def _hidden(tasks: Sequence[int]) -> dict[int, Hidden]:
    """What went wrong with those that run again right now, by task."""
    if not tasks:
        return {}
    now = clock.now()
    late = Q(overdue_at__lt=now)
    failed, partial = Q(last_verdict=Verdict.FAILED), Q(last_verdict=Verdict.PARTIAL)
    rows = (
        Entity.objects.filter(failed | partial | late, task__in=tasks, state=EntityState.ACTIVE)
        .annotate(word=word_expression(now))
        .filter(word__in=[str(word) for word in LIVE])
        .order_by()
        .values_list("task_id")
        .annotate(
            failed=Count("id", filter=failed),
            partial=Count("id", filter=partial & ~late),
            overdue=Count("id", filter=late & ~failed),
        )
    )
    return {task_id: Hidden(*numbers) for task_id, *numbers in rows}


def _open_gaps(tasks: Sequence[BackupTask]) -> dict[int, int]:
    """How many active mailboxes of each task miss something that nobody has acknowledged."""
    rows = CoverageGap.objects.filter(
        acknowledged_at=None, by_default=False, entity__task__in=tasks, entity__state=EntityState.ACTIVE
    )
    counted = rows.order_by().values_list("entity__task_id").annotate(number=Count("entity", distinct=True))
    return dict(counted)
