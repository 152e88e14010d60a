"""Write beside each snapshot when it goes: a week ahead, where people see it and may still change the rule.

Whatever made a rule shorter (a setting, a policy, a tag), nothing goes before its mark is a week old: by its
date, and by the time that was seen to pass since (`core.grace`), so that no clock that jumps ahead shortens the
week. A mark is taken off by the next look that finds that the snapshot stays.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.selectors import account_zone, stopped_accounts, zones_left
from apps.core.grace import count_on
from apps.core.scope import every_account

from ..catalog import in_batches
from ..holds import on_hold
from ..models import Entity, MarkClock, Snapshot
from .deciding import Fate, Past, decide
from .rules import Rule

GRACE: Final = timedelta(days=7)
_WEEK: Final = int(GRACE.total_seconds())
_FIELDS: Final = ("number", "taken_at", "verdict", "items", "size")


@dataclass(frozen=True, slots=True)
class Chain:
    """The snapshots of one kind of data of one entity, and what becomes of each."""

    sub_service: str
    fates: list[Fate]

    @property
    def going(self) -> list[int]:
        return [fate.past.number for fate in self.fates if not fate.stays]


def chains(
    entity: Entity,
    rule: Rule,
    *,
    now: datetime,
    held: bool | None = None,
    ripe: Collection[int] | None = None,
) -> Iterator[Chain]:
    """Decide over every kind of data of the entity. Reads only. Days end by the account's clock."""
    held = bool(on_hold([entity.pk])) if held is None else held
    histories: dict[str, list[Past]] = {}
    rows = Snapshot.objects.filter(entity=entity).order_by("sub_service", "number")
    for sub_service, *values in rows.values_list("sub_service", *_FIELDS).iterator(chunk_size=2_000):
        histories.setdefault(sub_service, []).append(Past(*values))
    zone, left = ZoneInfo(account_zone(entity.account_id)), zones_left(entity.account_id)
    for sub_service, history in histories.items():
        fates = decide(history, rule.keep, now=now, held=held, ripe=ripe, zone=zone, left=left)
        yield Chain(sub_service, fates)


def mark(entity: Entity, rule: Rule, *, now: datetime) -> int:
    """Bring the marks of the entity's snapshots in line with the rule; returns how many were newly marked."""
    marked = 0
    for chain in chains(entity, rule, now=now):
        rows, going = Snapshot.objects.filter(entity=entity, sub_service=chain.sub_service), chain.going
        known = set(rows.exclude(goes_at=None).values_list("number", flat=True))
        with transaction.atomic():
            for numbers in in_batches(sorted(known - set(going))):
                rows.filter(number__in=numbers).update(goes_at=None, goes_seen=None)
            if new := sorted(set(going) - known):
                week = {"goes_at": now + GRACE, "goes_seen": _seen(entity.account_id) + _WEEK}
                for numbers in in_batches(new):
                    marked += rows.filter(number__in=numbers, goes_at=None).update(**week)
    return marked


def _seen(account_id: int) -> int:
    row, _ = MarkClock.objects.get_or_create(account_id=account_id)
    return int(count_on(row).total_seconds())


def due(entity: Entity, *, now: datetime) -> "QuerySet[Snapshot]":
    """Return the entity's snapshots whose mark had its week."""
    row = MarkClock.objects.filter(account_id=entity.account_id).first()
    seen = row.counted_seconds if row else 0
    return Snapshot.objects.filter(entity=entity, goes_at__lte=now, goes_seen__lte=seen)


def count_marks_on() -> None:
    """See time pass over the marks of all accounts that are not stopped; once an hour."""
    with every_account("the weeks of marks are counted in all accounts"):
        for row in MarkClock.objects.exclude(account__in=stopped_accounts()):
            count_on(row)
