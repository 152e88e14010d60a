"""What an order would erase, as the catalog says it now: read anew for each page and step, kept nowhere."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from apps.connectors.enums import SubService
from apps.core.errors import InvalidRequest

from ..catalog import Draft, in_batches
from ..holds import Item, held_items
from ..models import Entity, Erasure, NodeVersion, Snapshot
from ..models.catalog import key_of
from .remembered import hash_in

MOST_ITEMS: Final = 1_000
Keys = Mapping[str, Collection[str]]
_FIELDS: Final = ("remote_id", "name", "author", "time", "size", "first", "gone")


@dataclass(slots=True)
class One:
    """One item with all that is kept of it. `since` and `until`: the first and the last day that hold it."""

    sub_service: str
    key: str
    remote_id: str
    name: str = ""
    author: str = ""
    time: datetime | None = None
    versions: int = 0
    size: int = 0
    since: datetime | None = None
    until: datetime | None = None
    holds: list[str] = field(default_factory=list)


@dataclass(slots=True)
class What:
    """What an order would erase: `goes`; and `held`, which stays since it is on legal hold."""

    entity: Entity
    goes: list[One]
    held: list[One]

    @property
    def words(self) -> str:
        return count_words({kind: (len(rows), 0) for kind, rows in self.by_kind.items()})

    @property
    def by_kind(self) -> dict[str, list[One]]:
        found: dict[str, list[One]] = {}
        for one in self.goes:
            found.setdefault(one.sub_service, []).append(one)
        return found

    @property
    def versions(self) -> int:
        return sum(one.versions for one in self.goes)

    @property
    def typed(self) -> str:
        """What a person types to say that they mean it."""
        return f"erase {self.words}"


def count_words(counts: Mapping[str, Sequence[int]]) -> str:
    """Say how many items: "2 items of Mail and 1 item of Calendars"."""
    said = [
        f"{row[0]:,} {'item' if row[0] == 1 else 'items'} of {SubService(kind).label}"
        for kind, row in sorted(counts.items())
    ]
    return " and ".join(said) or "nothing"


def look_at(entity: Entity, keys: Keys) -> What:
    """Look up what is kept of these items in any backup. Raises InvalidRequest for too many, or none."""
    if sum(len(some) for some in keys.values()) > MOST_ITEMS:
        raise InvalidRequest(f"These are more than {MOST_ITEMS:,} items.", do="Erase them in several orders.")
    found: dict[tuple[str, str], One] = {}
    for kind in sorted(keys):
        if kind not in SubService.values:
            raise InvalidRequest("There is no such kind of data.", do="Choose the items again.")
        _look(entity, kind, keys[kind], found)
    holds = holds_of(found.values(), entity)
    for one in found.values():
        one.holds = holds.get((one.sub_service, one.key), [])
    ones = list(found.values())
    return What(entity, [one for one in ones if not one.holds], [one for one in ones if one.holds])


def holds_of(ones: Collection[One], entity: Entity) -> dict[tuple[str, str], list[str]]:
    """Name the holds by kind and key, of those items that are on hold."""
    items = {Item(entity.pk, one.sub_service, one.remote_id): (one.sub_service, one.key) for one in ones}
    return {items[item]: [str(hold) for hold in holds] for item, holds in held_items(items).items()}


def holds_on(erasure: Erasure, entity: Entity) -> list[str]:
    """Name the holds on what an order is still to erase."""
    keys: dict[str, list[str]] = {}
    for kind, key in erasure.items.filter(erased_at=None).values_list("sub_service", "key"):
        keys.setdefault(kind, []).append(key)
    held = look_at(entity, keys).held
    return sorted({name for one in held for name in one.holds})


def versions_of(entity: Entity, kind: str, keys: Collection[str]) -> list[int]:
    """Return the rows of all versions of these items, those that no snapshot shows yet included."""
    rows, wanted, found = _rows(entity, kind), set(keys), []
    for hashes in in_batches(sorted(map(hash_in, wanted))):
        some = rows.filter(remote_hash__in=hashes, is_folder=False)
        found += [pk for pk, remote_id in some.values_list("pk", "remote_id") if key_of(remote_id) in wanted]
    return found


def _look(entity: Entity, kind: str, keys: Collection[str], found: dict[tuple[str, str], One]) -> None:
    wanted = {key for key in keys if len(key) == 32 and not set(key) - set("0123456789abcdef")}
    taken = dict(
        Snapshot.objects.filter(entity=entity, sub_service=kind)
        .order_by("number")
        .values_list("number", "taken_at")
    )
    for hashes in in_batches(sorted(map(hash_in, wanted))):
        rows = _rows(entity, kind).filter(remote_hash__in=hashes, is_folder=False).order_by("first", "pk")
        for row in rows.values_list(*_FIELDS):
            remote_id, name, author, time, size, first, gone = row
            days = [at for number, at in taken.items() if first <= number and (gone is None or number < gone)]
            if (key := key_of(remote_id)) not in wanted or not days:
                continue
            one = found.setdefault((kind, key), One(kind, key, remote_id))
            one.name, one.author, one.time = name, author, time
            one.versions, one.size = one.versions + 1, one.size + size
            one.since = min(days[0], one.since or days[0])
            one.until = max(days[-1], one.until or days[-1])


def _rows(entity: Entity, kind: str) -> "QuerySet[NodeVersion]":
    return Draft(entity.account_id, entity.pk, kind, 0, 0).rows()
