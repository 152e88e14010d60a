"""What rules a mailbox, in words for its page. Apps above add theirs in `AppConfig.ready()`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils.text import capfirst

from apps.core.permissions import Permission, allowed

from .exclusions import Exclusions
from .holds import on_hold
from .models import Entity
from .planning import schedule_of, task_schedule_words
from .retention.inforce import of_ruling
from .ruling import rules_of
from .schedules.words import schedule_words


@dataclass(frozen=True, slots=True)
class Fact:
    """One line: what it is about, what holds, and where that comes from. `url` leads there."""

    label: str
    words: str
    why: str = ""
    url: str = ""


_more: list[Callable[[Entity], list[Fact]]] = []


def register_entity_facts(facts: Callable[[Entity], list[Fact]]) -> None:
    """Add lines to the page of every mailbox."""
    _more.append(facts)


def facts_of(entity: Entity) -> list[Fact]:
    """Everything that rules this mailbox."""
    return [*_own(entity), *(fact for facts in _more for fact in facts(entity))]


def _own(entity: Entity) -> Iterator[Fact]:
    rules = rules_of(entity)
    by_tag = bool(rules["schedule"].tag)
    words = schedule_words(schedule_of(entity)) if by_tag else task_schedule_words(entity.task)
    yield Fact("Schedule", words, rules["schedule"].why or "The task's own")
    kept = of_ruling(rules["retention"])
    yield Fact("Retention", kept.rule.words(), kept.why)
    left_out = rules["exclusions"]
    if rule := Exclusions.from_json(left_out.value):
        yield Fact("Left out", capfirst(rule.words()), left_out.why or "The task's own")
    if holds := on_hold([entity.pk]).get(entity.pk):
        # The name of a case may tell more than who only looks at backups should know.
        names = ", ".join(map(str, holds)) if allowed(Permission.ACCOUNT_SETTINGS) else ""
        yield Fact("On legal hold", "Nothing of it is deleted, whatever a rule or a person says", names)
