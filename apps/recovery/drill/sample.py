"""Which items a drill restores: a few of every kind, of every age, of as many mailboxes as it can look at."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from apps.backups.models import BackupTask, Entity, Snapshot
from apps.backups.selectors.browse import AsOf, Node, as_of
from apps.backups.selectors.sampling import items_from

ENTITIES: Final = 20  # mailboxes of a drill
CANDIDATES: Final = 60  # items looked at for each mailbox and day
PER_STRATUM: Final = 2  # taken of each kind among them
MOST_ITEMS: Final = 400
MOST_BYTES: Final = 200_000_000
SMALL, LARGE = 20_000, 1_000_000  # bytes; what lies between is middling

Stratum = tuple[str, str, str, str]  # sub-service, age of the backup, size class, attachments


@dataclass(frozen=True, slots=True)
class Picked:
    """One item of the sample and the state it is restored from."""

    snapshot: Snapshot
    state: AsOf
    node: Node
    stratum: Stratum


def sample(task: BackupTask, rng: random.Random) -> list[Picked]:
    """Choose the items of a drill; the same `rng` state gives the same choice."""
    picked: list[Picked] = []
    weight = 0
    for snapshot, age in _days(task, rng):
        for each in _few_of_each(snapshot, age, rng):
            if len(picked) >= MOST_ITEMS or weight + each.node.size > MOST_BYTES:
                continue
            picked.append(each)
            weight += each.node.size
    return picked


def _days(task: BackupTask, rng: random.Random) -> Iterator[tuple[Snapshot, str]]:
    """Yield of each chosen mailbox and sub-service its newest, its oldest and one backup between."""
    ids = list(Entity.objects.filter(task=task).exclude(last_snapshot_at=None).values_list("pk", flat=True))
    for entity_id in rng.sample(ids, min(ENTITIES, len(ids))):
        rows = Snapshot.objects.filter(entity_id=entity_id).defer("cursor", "coverage")
        newest = {row.sub_service: row for row in rows.order_by("number").select_related("entity")}
        for sub_service, last in newest.items():
            yield last, "newest"
            own = rows.filter(sub_service=sub_service)
            numbers = own.exclude(pk=last.pk).order_by("number").values_list("number", flat=True)
            for number, age in _older(list(numbers), rng):
                older = own.filter(number=number).select_related("entity").first()
                if older is not None:
                    yield older, age


def _older(numbers: Sequence[int], rng: random.Random) -> Sequence[tuple[int, str]]:
    """Choose among the numbers of those before the newest; retention lets gaps be there."""
    if not numbers:
        return ()
    between = [(rng.choice(numbers[1:]), "between")] if len(numbers) > 1 else []
    return [*between, (numbers[0], "oldest")]


def _few_of_each(snapshot: Snapshot, age: str, rng: random.Random) -> Iterator[Picked]:
    state = as_of(snapshot)
    kinds: dict[Stratum, int] = defaultdict(int)
    for node in items_from(state, rng.randint(-(1 << 63), (1 << 63) - 1), CANDIDATES):
        attached = "with attachments" if node.has_attachments else "without attachments"
        stratum = (snapshot.sub_service, age, _size_class(node.size), attached)
        if kinds[stratum] < PER_STRATUM:
            kinds[stratum] += 1
            yield Picked(snapshot, state, node, stratum)


def _size_class(size: int) -> str:
    return "small" if size < SMALL else "large" if size > LARGE else "middling"
