"""Versions out of many mailboxes with the lives of their items: what a search has found, beside its backups.

Costs a few queries whatever was found. What the actor in force does not see, what is gone from the catalog
and what no backup holds any more is left out.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from ..models import Entity, NodeVersion, Snapshot
from ..models.catalog import hash_of
from .browse import AsOf, Node
from .days import Numbers

FOLDERS_DEEP = 60
_IN_LIMIT = 500
_FIELDS = tuple(Node.__dataclass_fields__)
_Part = tuple[int, str]
"""A sub-service of an entity."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A version among the backups that are left: the first and the last one that hold it."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Lived:
    """A version, its item's life, and the newest backup that holds it: there it is looked at and restored from.

    `gone` are the last backup with the item and the first without it, None while it is there. `begins` and
    `ends` are the first and the newest backup of this kind of data. `folder` is "" for what lies in none.
    """

    node: Node
    entity: Entity
    sub_service: str
    snapshot: Snapshot
    stretch: Stretch
    versions: tuple[Stretch, ...]
    gone: tuple[datetime, datetime] | None
    begins: datetime
    ends: datetime
    folder: str

    @property
    def state(self) -> AsOf:
        """Return the day on which it is looked at; its vault is read there."""
        account_id, number = self.snapshot.account_id, self.snapshot.number
        return AsOf(account_id, self.entity.pk, self.sub_service, number, number)


class _Backups:
    """The snapshots that are left of one sub-service of one entity."""

    def __init__(self, taken: dict[int, datetime]) -> None:
        self.taken = taken
        self.numbers = Numbers(taken)
        self.first, self.latest = min(taken), max(taken)

    def stretch(self, node: Node) -> Stretch | None:
        first, last = self.numbers.at_or_after(node.first), self.last_of(node)
        if first is None or last is None or last < first:
            return None
        return Stretch(self.taken[first], self.taken[last])

    def last_of(self, node: Node) -> int | None:
        ended = node.gone is not None and node.gone <= self.latest
        return self.numbers.before(node.gone) if ended and node.gone is not None else self.latest


def lives_of(account_id: int, found: Collection[tuple[int, str, int]]) -> dict[int, Lived]:
    """Return the versions by id, out of (entity id, sub-service, version id), as far as they can be seen."""
    entities = Entity.objects.select_related("task").in_bulk({entity_id for entity_id, _, _ in found})
    rows = _rows(Q(pk__in=[pk for entity_id, _, pk in found if entity_id in entities]), account_id)
    wanted = [(part, node) for part, node in rows if part[0] in entities and not node.is_folder]
    backups = _backups({part for part, _ in wanted})
    items = _rows(_named((part, node.remote_id) for part, node in wanted), account_id) if wanted else []
    lives: dict[tuple[_Part, str], list[Node]] = defaultdict(list)
    for part, node in items:
        lives[part, node.remote_id].append(node)
    folders = _folders(account_id, wanted)
    held = {node.id: backups[part].last_of(node) for part, node in wanted if part in backups}
    snapshots = _snapshots((part, held[node.id]) for part, node in wanted if node.id in held)
    lived = {}
    for part, node in wanted:
        kept = backups.get(part)
        stretch = kept.stretch(node) if kept else None
        snapshot = snapshots.get((part, held.get(node.id) or 0))
        if kept is None or stretch is None or snapshot is None:
            continue
        committed = [each for each in lives[part, node.remote_id] if each.first <= kept.latest]
        life = sorted(committed, key=lambda version: (version.first, version.id))
        stretches = [kept.stretch(version) for version in life]
        lived[node.id] = Lived(
            node=node,
            entity=entities[part[0]],
            sub_service=part[1],
            snapshot=snapshot,
            stretch=stretch,
            versions=tuple(each for each in stretches if each is not None),
            gone=_gone(kept, life[-1]) if life else None,
            begins=kept.taken[kept.first],
            ends=kept.taken[kept.latest],
            folder=_folder(folders.get((part, node.parent_id or ""), []), snapshot.number),
        )
    return lived


def _gone(kept: _Backups, last: Node) -> tuple[datetime, datetime] | None:
    if last.gone is None or last.gone > kept.latest:
        return None
    before, without = kept.numbers.before(last.gone), kept.numbers.at_or_after(last.gone)
    if before is None or without is None:
        return None
    return kept.taken[before], kept.taken[without]


def _rows(condition: Q, account_id: int) -> list[tuple[_Part, Node]]:
    rows = NodeVersion.objects.filter(condition, account_id=account_id)
    found = rows.values_list("entity_id", "sub_service", *_FIELDS)
    return [((entity_id, kind), Node(*values)) for entity_id, kind, *values in found]


def _named(items: Iterable[tuple[_Part, str]]) -> Q:
    """All versions of these items; `remote_id` is compared by who asks."""
    hashes: dict[_Part, set[int]] = defaultdict(set)
    for part, remote_id in items:
        hashes[part].add(hash_of(remote_id))
    condition = Q(pk__in=())
    for (entity_id, kind), wanted in hashes.items():
        condition |= Q(entity_id=entity_id, sub_service=kind, remote_hash__in=wanted)
    return condition


def _folders(account_id: int, wanted: list[tuple[_Part, Node]]) -> dict[tuple[_Part, str], list[Node]]:
    named = [(part, node.parent_id) for part, node in wanted if node.parent_id]
    found: dict[tuple[_Part, str], list[Node]] = defaultdict(list)
    for part, node in _rows(_named(named), account_id) if named else []:
        if node.is_folder:
            found[part, node.remote_id].append(node)
    return found


def _folder(versions: list[Node], number: int) -> str:
    """Return the folder's name at that snapshot."""
    for version in versions:
        if version.first <= number and (version.gone is None or version.gone > number):
            return version.name
    return max(versions, key=lambda version: version.first).name if versions else ""


def _backups(parts: Collection[_Part]) -> dict[_Part, _Backups]:
    condition = Q(pk__in=())
    for entity_id, kind in parts:
        condition |= Q(entity_id=entity_id, sub_service=kind)
    taken: dict[_Part, dict[int, datetime]] = defaultdict(dict)
    rows = Snapshot.objects.filter(condition).values_list("entity_id", "sub_service", "number", "taken_at")
    for entity_id, kind, number, at in rows:
        taken[entity_id, kind][number] = at
    return {part: _Backups(numbers) for part, numbers in taken.items()}


def _snapshots(places: Iterable[tuple[_Part, int | None]]) -> dict[tuple[_Part, int], Snapshot]:
    numbers: dict[_Part, set[int]] = defaultdict(set)
    for part, number in places:
        if number is not None:
            numbers[part].add(number)
    condition = Q(pk__in=())
    for (entity_id, kind), wanted in numbers.items():
        condition |= Q(entity_id=entity_id, sub_service=kind, number__in=wanted)
    rows = Snapshot.objects.filter(condition).select_related("run").defer("cursor", "coverage", "folder_totals")
    return {((row.entity_id, row.sub_service), row.number): row for row in rows}


def folders_named(account_id: int, name: str) -> set[int]:
    """Return the hashes of the folders that are or once were called so, and of all that lay below them.

    "inbox" is the inbox in whatever language. Only of entities that the actor in force sees. Reads the folders
    of the account, never items.
    """
    seen = Entity.objects.values("pk")
    rows = NodeVersion.objects.filter(account_id=account_id, entity_id__in=seen, is_folder=True)
    name = name.strip()
    known = Q(name__iexact=name) | Q(well_known__iexact=name.replace(" ", ""))
    found = set(rows.filter(known).exclude(name="", well_known="").values_list("remote_hash", flat=True))
    level = list(found)
    for _ in range(FOLDERS_DEEP):
        below: set[int] = set()
        for start in range(0, len(level), _IN_LIMIT):
            inside = rows.filter(parent_hash__in=level[start : start + _IN_LIMIT])
            below.update(inside.values_list("remote_hash", flat=True))
        level = list(below - found)
        found |= below
        if not level:
            break
    return found
