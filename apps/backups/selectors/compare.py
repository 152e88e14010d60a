"""What differs between two states of one kind of data, found by what began and ended between them.

Costs O(changes between them), page by page: versions that began after the older state come out of the index on
`first`, versions that ended out of the one on `gone`. What did not change is never looked at.
"""

import base64
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import F, Q, QuerySet

from apps.core.errors import InvalidRequest

from ..models import NodeVersion
from ..models.catalog import hash_of
from .browse import Node, read_nodes
from .hidden import without

WINDOW = 400
BUDGET = 10_000
COUNTED = 5_000
_IN_LIMIT = 500


class Change(StrEnum):
    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two states of one kind of data of an entity by their snapshots' numbers; 0 means before the first.

    `hidden` is what nothing shows any more (`selectors.hidden`).
    """

    account_id: int
    entity_id: int
    sub_service: str
    older: int
    newer: int
    hidden: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Difference:
    """One item that is not the same in both states: `before` in the older one, `after` in the newer one."""

    sub_service: str
    before: Node | None
    after: Node | None

    @property
    def change(self) -> Change:
        if self.before is None:
            return Change.ADDED
        return Change.DELETED if self.after is None else Change.CHANGED

    @property
    def node(self) -> Node:
        """Return what to show and to bring back: what was there, else what came."""
        node = self.before or self.after
        assert node is not None, "one of them is always there"
        return node


@dataclass(frozen=True, slots=True)
class ComparePage:
    """`next` continues the list, None at its end; `searched` is how many changes were looked at for it."""

    rows: list[Difference]
    next: str | None
    searched: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items differ; with `more` these are only the first ones that were counted."""

    added: int
    changed: int
    deleted: int
    more: bool


_BEGAN, _ENDED = 0, 1


@dataclass(frozen=True, slots=True)
class _Place:
    """The last version looked at: which pair, which phase, the number that it began or ended at, its id."""

    pair: int = 0
    phase: int = _BEGAN
    number: int = 0
    pk: int = 0


def count_differences(pair: Pair) -> Counts:
    """Count what differs, up to COUNTED versions of each sort."""
    began = list(_began(pair).values_list("remote_hash", flat=True)[: COUNTED + 1])
    ended = list(_ended(pair).values_list("remote_hash", flat=True)[: COUNTED + 1])
    more = max(len(began), len(ended)) > COUNTED
    gone = set(ended[:COUNTED])
    changed = sum(remote_hash in gone for remote_hash in began[:COUNTED])
    return Counts(min(len(began), COUNTED) - changed, changed, len(gone) - changed, more)


def compare_page(
    pairs: list[Pair],
    *,
    changes: Collection[str] = tuple(Change),
    text: str = "",
    after: str | None = None,
    limit: int = 50,
) -> ComparePage:
    """Return one page of what differs, kind by kind; added and changed items first, then deleted ones.

    One call looks at no more than BUDGET changes, so a page may be short and still have a `next`. Raises
    InvalidRequest for a bad `after`.
    """
    at, searched = _read_place(after, len(pairs)), 0
    wanted = text.strip().casefold()
    found: list[tuple[Difference, _Place]] = []
    while at is not None and len(found) <= limit and searched < BUDGET:
        window = _window(pairs[at.pair], at) if _is_wanted(at.phase, changes) else []
        for row, place in _differences(pairs[at.pair], window, at):
            if row.change in changes and (not wanted or _has(row, wanted)):
                found.append((row, place))
        searched += len(window)
        at = _next_place(at, window, len(pairs))
    if len(found) > limit:
        return ComparePage([row for row, _ in found[:limit]], _write_place(found[limit - 1][1]), searched)
    return ComparePage([row for row, _ in found], _write_place(at) if at else None, searched)


def _is_wanted(phase: int, changes: Collection[str]) -> bool:
    return Change.DELETED in changes if phase == _ENDED else bool({Change.ADDED, Change.CHANGED} & set(changes))


def _window(pair: Pair, at: _Place) -> list[tuple[int, Node]]:
    """Return the next versions after a place, each with the number that it began or ended at."""
    rows, column = (_began(pair), "first") if at.phase == _BEGAN else (_ended(pair), "gone")
    if at.pk:
        rows = rows.filter(Q(**{f"{column}__gt": at.number}) | Q(pk__gt=at.pk), **{f"{column}__gte": at.number})
    nodes = read_nodes(rows.order_by(column, "pk")[:WINDOW])
    return [(node.first if at.phase == _BEGAN else node.gone or 0, node) for node in nodes]


def _differences(pair: Pair, window: list[tuple[int, Node]], at: _Place) -> Iterable[tuple[Difference, _Place]]:
    if not window:
        return
    other = pair.older if at.phase == _BEGAN else pair.newer
    there = _there(pair, other, [node.remote_id for _, node in window])
    for number, node in window:
        place = _Place(at.pair, at.phase, number, node.id)
        if at.phase == _BEGAN:
            yield Difference(pair.sub_service, there.get(node.remote_id), node), place
        elif node.remote_id not in there:
            yield Difference(pair.sub_service, node, None), place


def _next_place(at: _Place, window: list[tuple[int, Node]], pairs: int) -> _Place | None:
    if len(window) == WINDOW:
        number, node = window[-1]
        return _Place(at.pair, at.phase, number, node.id)
    if at.phase == _BEGAN:
        return _Place(at.pair, _ENDED)
    return _Place(at.pair + 1) if at.pair + 1 < pairs else None


def _there(pair: Pair, number: int, remote_ids: list[str]) -> dict[str, Node]:
    """Return those items that a state holds, by remote id."""
    found: dict[str, Node] = {}
    for start in range(0, len(remote_ids), _IN_LIMIT):
        some = remote_ids[start : start + _IN_LIMIT]
        rows = _rows(pair).alias(began=F("first") + 0).filter(_alive(number), began__lte=number)
        for node in read_nodes(rows.filter(remote_hash__in=[hash_of(each) for each in some])):
            found[node.remote_id] = node
    return found


def _rows(pair: Pair) -> "QuerySet[NodeVersion]":
    rows = NodeVersion.objects.filter(
        account_id=pair.account_id, entity_id=pair.entity_id, sub_service=pair.sub_service
    )
    return without(rows, pair.hidden)


def _alive(number: int) -> Q:
    return Q(gone__isnull=True) | Q(gone__gt=number)


def _began(pair: Pair) -> "QuerySet[NodeVersion]":
    """Return the items' versions of the newer state that the older one does not have."""
    rows = _rows(pair).filter(first__gt=pair.older, first__lte=pair.newer, is_folder=False)
    return rows.filter(_alive(pair.newer))


def _ended(pair: Pair) -> "QuerySet[NodeVersion]":
    """Return the items' versions of the older state that the newer one does not have."""
    rows = _rows(pair).filter(gone__gt=pair.older, gone__lte=pair.newer, is_folder=False)
    # `first + 0` keeps planners from the index on `first`, which would read half of the mailbox.
    return rows.alias(began=F("first") + 0).filter(began__lte=pair.older)


def _has(row: Difference, text: str) -> bool:
    nodes = [node for node in (row.before, row.after) if node]
    return any(text in node.name.casefold() or text in node.author.casefold() for node in nodes)


def _write_place(place: _Place) -> str:
    data = json.dumps([place.pair, place.phase, place.number, place.pk]).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _read_place(after: str | None, pairs: int) -> _Place | None:
    if not pairs:
        return None
    if not after:
        return _Place()
    try:
        pair, phase, number, pk = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)))
        place = _Place(int(pair), int(phase), int(number), int(pk))
    except (ValueError, TypeError) as error:
        raise InvalidRequest("This place in the list is not valid.", do="Start the list anew.") from error
    small = max(abs(place.number), abs(place.pk)) < 2**62
    if not (0 <= place.pair < pairs and place.phase in (_BEGAN, _ENDED) and small):
        raise InvalidRequest("This place in the list is not valid.", do="Start the list anew.")
    return place
