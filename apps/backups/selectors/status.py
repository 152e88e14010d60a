"""One word for an entity: state, last verdict, age and running, in the vocabulary of docs/design-system.md.

The word is said twice, for a row in Python and for filters and counters in SQL; a test holds them together.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db.models import Case, CharField, Q, Value, When

from ..engine.lease import DISPATCHED
from ..enums import EntityState, Verdict
from ..models import BackupTask, Entity
from ..schedule import INTERVALS, TOLERANCE, good_until


class Word(StrEnum):
    """The words of an entity's status, worst first where a task shows the worst of its active entities."""

    FAILED = "failed"
    OVERDUE = "overdue"
    PARTIAL = "partial"
    IN_PROGRESS = "in_progress"
    PENDING = "pending"
    CANCELLED = "cancelled"
    SCHEDULED = "scheduled"
    SUCCESS = "success"
    PAUSED = "paused"
    ARCHIVED = "archived"
    NOT_ACTIVE = "not_active"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


LIVE = frozenset({Word.IN_PROGRESS, Word.PENDING})
SETTLED = {
    EntityState.PAUSED: Word.PAUSED,
    EntityState.ARCHIVED: Word.ARCHIVED,
    EntityState.NOT_ACTIVE: Word.NOT_ACTIVE,
}
ACTIVE_WORDS = frozenset(Word) - frozenset(SETTLED.values())


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the word depends on."""

    state: str
    last_verdict: str
    last_good: datetime | None
    next_run_at: datetime | None
    lease_owner: str
    lease_until: datetime | None
    frequency: str

    def is_leased(self, now: datetime) -> bool:
        """Held by a worker, or by the message that is on its way to one."""
        return self.lease_owner != "" and self.lease_until is not None and self.lease_until > now


def status_word(facts: Facts, now: datetime) -> Word:
    """Say how an entity is. A backup that is too old is never green, whatever its verdict was."""
    if facts.is_leased(now):
        return Word.PENDING if facts.lease_owner.startswith(DISPATCHED) else Word.IN_PROGRESS
    if facts.state != EntityState.ACTIVE:
        return SETTLED[EntityState(facts.state)]
    if _waits_for_a_worker(facts, now):
        return Word.PENDING
    if facts.last_verdict == Verdict.FAILED:
        return Word.FAILED
    if _is_overdue(facts, now):
        return Word.OVERDUE
    return VERDICT_WORDS.get(facts.last_verdict, Word.SCHEDULED)


VERDICT_WORDS = {
    str(Verdict.SUCCESS): Word.SUCCESS,
    str(Verdict.PARTIAL): Word.PARTIAL,
    str(Verdict.CANCELLED): Word.CANCELLED,
}


def _waits_for_a_worker(facts: Facts, now: datetime) -> bool:
    """Due, and not for so long that waiting has become the news."""
    return facts.next_run_at is not None and now - TOLERANCE <= facts.next_run_at <= now


def _is_overdue(facts: Facts, now: datetime) -> bool:
    if facts.last_good is not None:
        return good_until(facts.frequency, facts.last_good) < now
    return facts.next_run_at is not None and facts.next_run_at + TOLERANCE < now


def word_of(entity: Entity, frequency: str, now: datetime) -> Word:
    """Say how this row is."""
    facts = Facts(
        state=entity.state,
        last_verdict=entity.last_verdict,
        last_good=entity.last_snapshot_at,
        next_run_at=entity.next_run_at,
        lease_owner=entity.lease_owner,
        lease_until=entity.lease_until,
        frequency=frequency,
    )
    return status_word(facts, now)


def word_expression(now: datetime, tasks: Iterable[BackupTask]) -> Case:
    """The same as `status_word` in SQL, over entities of these tasks and no others."""
    leased = Q(lease_until__gt=now) & ~Q(lease_owner="")
    rules: list[tuple[Q, Word]] = [
        (leased & Q(lease_owner__startswith=DISPATCHED), Word.PENDING),
        (leased, Word.IN_PROGRESS),
    ]
    rules += [(Q(state=state), word) for state, word in SETTLED.items()]
    rules += [
        (Q(next_run_at__range=(now - TOLERANCE, now)), Word.PENDING),
        (Q(last_verdict=Verdict.FAILED), Word.FAILED),
        (_overdue(now, tasks), Word.OVERDUE),
    ]
    rules += [(Q(last_verdict=verdict), word) for verdict, word in VERDICT_WORDS.items()]
    whens = [When(condition, then=Value(word.value)) for condition, word in rules]
    return Case(*whens, default=Value(Word.SCHEDULED.value), output_field=CharField())


def _overdue(now: datetime, tasks: Iterable[BackupTask]) -> Q:
    """Too old for the rhythm of its task. Written without a join: that halves the time of counting."""
    by_frequency: dict[str, list[int]] = {}
    for task in tasks:
        by_frequency.setdefault(task.frequency, []).append(task.pk)
    late = Q(last_snapshot_at__isnull=True, next_run_at__lt=now - TOLERANCE)
    for frequency, ids in by_frequency.items():
        limit: timedelta = INTERVALS[frequency] + TOLERANCE
        of_these = Q(task_id__in=ids) if len(by_frequency) > 1 else Q()
        late |= of_these & Q(last_snapshot_at__lt=now - limit)
    return late
