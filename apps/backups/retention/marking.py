"""Write beside each snapshot when it goes: a week ahead, where people see it and may still change the rule.

Whatever made a rule shorter (a setting, a policy, a tag), nothing goes before its mark is a week old. A mark is
taken off by the next look that finds that the snapshot stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from ..catalog import in_batches
from ..holds import on_hold
from ..models import Entity, Snapshot
from .deciding import Fate, Past, decide
from .rules import Rule

GRACE: Final = timedelta(days=7)
_FIELDS: Final = ("number", "taken_at", "verdict", "items", "size")


@dataclass(frozen=True, slots=True)
class Chain:
    """The snapshots of one kind of data of one entity, and what becomes of each."""

    sub_service: str
    fates: list[Fate]

    @property
    def going(self) -> list[int]:
        return [fate.past.number for fate in self.fates if not fate.stays]


def chains(entity: Entity, rule: Rule, *, now: datetime, held: bool | None = None) -> Iterator[Chain]:
    """Decide over every kind of data of the entity. Reads only. Days end by the account's clock."""
    held = bool(on_hold([entity.pk])) if held is None else held
    histories: dict[str, list[Past]] = {}
    rows = Snapshot.objects.filter(entity=entity).order_by("sub_service", "number")
    for sub_service, *values in rows.values_list("sub_service", *_FIELDS).iterator(chunk_size=2_000):
        histories.setdefault(sub_service, []).append(Past(*values))
    zone = timezone.get_current_timezone()
    for sub_service, history in histories.items():
        yield Chain(sub_service, decide(history, rule.keep, now=now, zone=zone, held=held))


def mark(entity: Entity, rule: Rule, *, now: datetime) -> int:
    """Bring the marks of the entity's snapshots in line with the rule; returns how many were newly marked."""
    marked = 0
    for chain in chains(entity, rule, now=now):
        rows, going = Snapshot.objects.filter(entity=entity, sub_service=chain.sub_service), chain.going
        known = set(rows.exclude(goes_at=None).values_list("number", flat=True))
        with transaction.atomic():
            for numbers in in_batches(sorted(known - set(going))):
                rows.filter(number__in=numbers).update(goes_at=None)
            for numbers in in_batches(sorted(set(going) - known)):
                marked += rows.filter(number__in=numbers, goes_at=None).update(goes_at=now + GRACE)
    return marked
