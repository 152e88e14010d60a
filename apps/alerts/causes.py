"""Innocent causes that the data knows: looked up when an alert is raised, and named in it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from apps.backups.models import Entity
from apps.backups.selectors.indexing import Chain
from apps.backups.selectors.measuring import ItemState, turns_of

from .learning.findings import Finding, Kind
from .learning.readings import Metric, Reading
from .measuring import RESTORE, RULE
from .models import Measure

LOOKED_AT: Final = 2_000
MAILBOXES: Final = 5
MOST_OF: Final = 0.8
OLD: Final = timedelta(days=180)
AROUND: Final = timedelta(hours=36)


@dataclass(frozen=True, slots=True)
class Cause:
    """A sentence. `explains`: it accounts for the numbers, so that the alert weighs less."""

    words: str
    explains: bool = False


def causes_of(entity: Entity, row: Measure, reading: Reading, finding: Finding) -> list[Cause]:
    """Return what is known that may be behind a finding without any harm."""
    if finding.kind == Kind.SILENCE:
        return []
    return [*_of_ours(row, reading), *_of_items(entity, row, finding)]


def _of_ours(row: Measure, reading: Reading) -> Iterator[Cause]:
    if row.left_out == RESTORE:
        yield Cause("A restore wrote into this mailbox at that time.", explains=True)
    if row.left_out == RULE:
        yield Cause("What is left out of the backup by rule was changed just before.", explains=True)
    if reading.span > timedelta(hours=36):
        yield Cause(f"Backups did not come through for {reading.span.days} days, so that they came at once.")


def _of_items(entity: Entity, row: Measure, finding: Finding) -> Iterator[Cause]:
    if finding.metric == Metric.CHANGED and row.refiled >= row.changed * MOST_OF:
        yield Cause("Nearly all of them were only moved to another folder.", explains=True)
    elif finding.metric == Metric.CHANGED and row.rewritten <= row.changed * (1 - MOST_OF):
        yield Cause("Nearly all of them only changed their state, such as read or flagged.", explains=True)
    if finding.kind not in (Kind.MASS_DELETION, Kind.EROSION):
        return
    turns = turns_of(Chain(row.account_id, row.entity_id, row.sub_service), row.snapshot_number, LOOKED_AT)
    removed = [turn.before for turn in turns.rows if turn.before and not turn.after]
    if not removed:
        return
    if _share_of(removed, [turn.after for turn in turns.rows if turn.after and not turn.before]) >= MOST_OF:
        yield Cause("Nearly all of them came back in the same backup: they were moved.", explains=True)
    elif _moved_elsewhere(entity, row, removed):
        yield Cause("Nearly all of them came anew in another mailbox at that time.", explains=True)
    times = [each.time for each in removed if each.time]
    if times and sum(row.taken_at - each > OLD for each in times) >= len(removed) * MOST_OF:
        yield Cause("Nearly all of them were older than 180 days: a retention rule at the source does that.")


def _moved_elsewhere(entity: Entity, row: Measure, removed: list[ItemState]) -> bool:
    """Tell whether one of the few mailboxes that got so many at that time got these.

    It is not named: who sees the alert may not see that mailbox.
    """
    near = Measure.objects.filter(
        sub_service=row.sub_service,
        added__gte=round(row.removed * MOST_OF),
        taken_at__range=(row.taken_at - AROUND, row.taken_at + AROUND),
    ).exclude(entity=entity)
    for other in near.order_by("-added")[:MAILBOXES]:
        chain = Chain(other.account_id, other.entity_id, other.sub_service)
        came = turns_of(chain, other.snapshot_number).rows
        if _share_of(removed, [turn.after for turn in came if turn.after and not turn.before]) >= MOST_OF:
            return True
    return False


def _share_of(removed: list[ItemState], came: list[ItemState]) -> float:
    """Return how many of these came, by name and size: ids are others in another place."""
    there = Counter((each.name, each.size) for each in came)
    gone = Counter((each.name, each.size) for each in removed)
    return (gone & there).total() / len(removed)
