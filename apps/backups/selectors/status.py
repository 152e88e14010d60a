"""One word for an entity: state, last verdict, age and running, in the vocabulary of docs/design-system.md.

The word is said twice, for a row in Python and for filters and counters in SQL; a test holds them together.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Case, CharField, Q, QuerySet, Value, When

from ..engine.lease import DISPATCHED
from ..enums import EntityState, Verdict
from ..models import Entity
from ..schedules import TOLERANCE


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
    DELETING = "deleting"

    @property
    def label(self) -> str:
        return "Being deleted" if self is Word.DELETING else self.value.replace("_", " ").capitalize()


LIVE = frozenset({Word.IN_PROGRESS, Word.PENDING})
SETTLED = {
    EntityState.PAUSED: Word.PAUSED,
    EntityState.ARCHIVED: Word.ARCHIVED,
    EntityState.NOT_ACTIVE: Word.NOT_ACTIVE,
    EntityState.DELETING: Word.DELETING,
}
ACTIVE_WORDS = frozenset(Word) - frozenset(SETTLED.values())


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the word depends on."""

    state: str
    last_verdict: str
    next_run_at: datetime | None
    lease_owner: str
    lease_until: datetime | None
    overdue_at: datetime | None

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
    if facts.overdue_at is not None and facts.overdue_at < now:
        return True
    return facts.next_run_at is not None and facts.next_run_at + TOLERANCE < now


def word_of(entity: Entity, now: datetime) -> Word:
    """Say how this row is."""
    facts = Facts(
        state=entity.state,
        last_verdict=entity.last_verdict,
        next_run_at=entity.next_run_at,
        lease_owner=entity.lease_owner,
        lease_until=entity.lease_until,
        overdue_at=entity.overdue_at,
    )
    return status_word(facts, now)


def word_expression(now: datetime) -> Case:
    """The same as `status_word` in SQL."""
    leased = Q(lease_until__gt=now) & ~Q(lease_owner="")
    rules: list[tuple[Q, Word]] = [
        (leased & Q(lease_owner__startswith=DISPATCHED), Word.PENDING),
        (leased, Word.IN_PROGRESS),
    ]
    rules += [(Q(state=state), word) for state, word in SETTLED.items()]
    rules += [
        (Q(next_run_at__range=(now - TOLERANCE, now)), Word.PENDING),
        (Q(last_verdict=Verdict.FAILED), Word.FAILED),
        (Q(overdue_at__lt=now) | Q(next_run_at__lt=now - TOLERANCE), Word.OVERDUE),
    ]
    rules += [(Q(last_verdict=verdict), word) for verdict, word in VERDICT_WORDS.items()]
    whens = [When(condition, then=Value(word.value)) for condition, word in rules]
    return Case(*whens, default=Value(Word.SCHEDULED.value), output_field=CharField())


def narrowed_to(word: Word, entities: QuerySet[Entity], now: datetime) -> QuerySet[Entity]:
    """Those of them that have this word. What the word implies is said beside it: indexes know that."""
    narrowed = entities.filter(_implied(word, now))
    return narrowed.alias(word=word_expression(now)).filter(word=word.value)


def _implied(word: Word, now: datetime) -> Q:
    verdicts = {of: verdict for verdict, of in VERDICT_WORDS.items()} | {Word.FAILED: str(Verdict.FAILED)}
    states = {of: state for state, of in SETTLED.items()}
    if word in states:
        return Q(state=states[word])
    if word in verdicts:
        return Q(last_verdict=verdicts[word])
    return ~Q(lease_owner="") & Q(lease_until__gt=now) if word is Word.IN_PROGRESS else Q()
