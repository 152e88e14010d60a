"""What a rule would let go, and why the rest stays, before anybody saves it; and what is marked already."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import Count, Min, QuerySet

from apps.connectors.enums import SubService
from apps.core import clock

from ..holds import on_hold
from ..models import BackupTask, Entity, Expiry, Snapshot
from ..selectors.policies import groups_of
from .deciding import Fate, Why
from .marking import chains
from .rules import Rule

LOOKED_AT: Final = 100  # mailboxes that a preview reads; it says so when there are more
LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of data of one entity: how many backups there are, which go, and why others stay."""

    entity: Entity
    kind: str
    total: int
    going: int
    oldest: datetime | None
    newest: datetime | None
    stays: str


@dataclass(frozen=True, slots=True)
class Preview:
    """`entities` of `of` were looked at; `rows` are the first kinds of data of which something goes."""

    entities: int
    of: int
    backups: int
    going: int
    rows: list[Row]
    more: int

    @property
    def is_part(self) -> bool:
        return self.entities < self.of


@dataclass(frozen=True, slots=True)
class Marked:
    """What waits for its day now."""

    backups: int
    entities: int
    first: datetime | None


def preview(rule: Rule, tasks: Sequence[BackupTask], *, own: bool) -> Preview:
    """Say what the rule would let go of what it holds for. `own`: the tasks' own rule, else the account's."""
    groups = [group for task in tasks for group in _ruled(task, own=own)]
    count = sum(group.count() for group in groups)
    looked = [entity for group in groups for entity in group.select_related("task")[:LOOKED_AT]][:LOOKED_AT]
    holds, now = on_hold([entity.pk for entity in looked]), clock.now()
    backups = going = 0
    rows: list[Row] = []
    for entity in looked:
        for chain in chains(entity, rule, now=now, held=entity.pk in holds):
            backups += len(chain.fates)
            going += len(chain.going)
            if chain.going:
                rows.append(_row(entity, chain.sub_service, chain.fates))
    return Preview(len(looked), count, backups, going, rows[:LISTED], max(len(rows) - LISTED, 0))


def _ruled(task: BackupTask, *, own: bool) -> list["QuerySet[Entity]"]:
    """Entities of the task that no policy rules and, for the account's rule, no rule of the task."""
    return [
        entities.exclude(last_snapshot_at=None).order_by("name", "pk")
        for ruling, entities in groups_of(task, "retention")
        if ruling.policy is None and (own or ruling.value is None)
    ]


def _row(entity: Entity, sub_service: str, fates: Sequence[Fate]) -> Row:
    moments = [fate.past.taken_at for fate in fates if not fate.stays]
    whys = Counter(fate.why for fate in fates if fate.stays)
    stays = " ".join(f"{count:,}: {why.words}" for why, count in sorted(whys.items(), key=_weight))
    try:
        kind = str(SubService(sub_service).label)
    except ValueError:
        kind = sub_service
    return Row(entity, kind, len(fates), len(moments), min(moments), max(moments), stays)


def _weight(pair: tuple[Why, int]) -> int:
    return -pair[1]


def marked(task: BackupTask | None = None) -> Marked:
    """Count what has a day on which it goes, of a task or of the account."""
    rows = Snapshot.objects.filter(goes_at__isnull=False)
    if task is not None:
        rows = rows.filter(entity__task=task)
    found = rows.aggregate(n=Count("pk"), entities=Count("entity_id", distinct=True), first=Min("goes_at"))
    return Marked(found["n"], found["entities"], found["first"])


def gone_lately(task: BackupTask | None = None) -> list[Expiry]:
    """Return what was let go last, newest first."""
    rows = Expiry.objects.select_related("entity").order_by("-started_at", "-pk")
    return list((rows.filter(entity__task=task) if task else rows)[:LISTED])
