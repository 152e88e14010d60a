"""What one mailbox held at a snapshot: its folders, pages of a folder, single items and their lives.

A node's state at snapshot S is the version with `first <= S and (gone is null or gone > S)`. Pages are keyset
pages of two steps: the ids come out of one index that also holds `first` and `gone`, then the rows by id. So
page 1 of an old day costs what page 1 of today costs (measured: docs/recovery.md).
"""

import base64
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum

from apps.core.errors import InvalidRequest, NotFound

from ..models import NodeVersion, Snapshot
from ..models.catalog import SortKey, hash_of, key_of
from .hidden import hidden_items, without

PAGE_SIZE = 50
FIND_WINDOW = 4_000
FIND_BUDGET = 20_000
_IN_LIMIT = 500


@dataclass(frozen=True, slots=True)
class AsOf:
    """One sub-service of one entity as it was at the snapshot `number`. `latest` is its newest snapshot.

    `hidden` are items that somebody ordered to be erased: nothing shows them any more (`selectors.hidden`).
    """

    account_id: int
    entity_id: int
    sub_service: str
    number: int
    latest: int
    hidden: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Node:
    """One version of a folder or an item. `key` names the node in addresses, the same on every day."""

    id: int
    remote_id: str
    parent_id: str | None
    is_folder: bool
    well_known: str
    name: str
    author: str
    recipients: str
    time: datetime | None
    size: int
    has_attachments: bool
    etag: str
    first: int
    gone: int | None

    @property
    def key(self) -> str:
        return node_key(self.remote_id)


class Sort(StrEnum):
    """Orders of a folder's items; the opposite of each is the same index read backwards."""

    NEWEST = "newest"
    OLDEST = "oldest"
    SENDER = "sender"
    SENDER_LAST = "sender_last"
    SUBJECT = "subject"
    SUBJECT_LAST = "subject_last"
    LARGEST = "largest"
    SMALLEST = "smallest"


@dataclass(frozen=True, slots=True)
class Page:
    """`next` continues the list, None at its end. `searched` is how many items a filter has looked at here."""

    nodes: list[Node]
    next: str | None
    searched: int = 0


@dataclass(frozen=True, slots=True)
class Life:
    """All versions of one node, oldest first. `gone_at`: the first snapshot without it, else None."""

    versions: list[Node]
    first: int
    gone_at: int | None


@dataclass(frozen=True, slots=True)
class _Order:
    column: str
    descending: bool


_ORDERS = {
    Sort.NEWEST: _Order("time", True),
    Sort.OLDEST: _Order("time", False),
    Sort.SENDER: _Order("author", False),
    Sort.SENDER_LAST: _Order("author", True),
    Sort.SUBJECT: _Order("name", False),
    Sort.SUBJECT_LAST: _Order("name", True),
    Sort.LARGEST: _Order("size", True),
    Sort.SMALLEST: _Order("size", False),
}
_KEYS: dict[str, Any] = {
    "time": F("time"),
    "size": F("size"),
    "author": SortKey("author"),
    "name": SortKey("name"),
}
_FIELDS = tuple(Node.__dataclass_fields__)


def as_of(snapshot: Snapshot) -> AsOf:
    """Return the state that this snapshot committed."""
    newest = (
        Snapshot.objects.filter(entity_id=snapshot.entity_id, sub_service=snapshot.sub_service)
        .order_by("-number")
        .values_list("number", flat=True)
    )
    latest = newest.first() or snapshot.number
    hidden = hidden_items(snapshot.entity_id, snapshot.sub_service)
    return AsOf(snapshot.account_id, snapshot.entity_id, snapshot.sub_service, snapshot.number, latest, hidden)


def node_key(remote_id: str) -> str:
    """Return the name of a node in addresses: 32 hex digits that tell nothing and start with its hash."""
    return key_of(remote_id)


def node_by_key(state: AsOf, key: str) -> Node:
    """Return the node of that key as it was. Raises NotFound when it was not there."""
    found = nodes_by_keys(state, [key])
    if not found:
        raise NotFound("This backup holds no such item.", do="Choose another day: it may be in that one.")
    return found[0]


def nodes_by_keys(state: AsOf, keys: Collection[str]) -> list[Node]:
    """Return the nodes of these keys that were there, in no order. Malformed keys are not there."""
    wanted = {key for key in keys if len(key) == 32 and not set(key) - set("0123456789abcdef")}
    hashes = [int.from_bytes(bytes.fromhex(key[:16]), "big", signed=True) for key in wanted]
    found: list[Node] = []
    for start in range(0, len(hashes), _IN_LIMIT):
        rows = _visible(_owned(state), state.number).filter(remote_hash__in=hashes[start : start + _IN_LIMIT])
        found += [node for node in read_nodes(rows) if node.key in wanted]
    return found


def newest_by_remote_ids(state: AsOf, remote_ids: Collection[str]) -> dict[str, Node]:
    """Return the newest committed version of each of these nodes, whether it is still there or not."""
    wanted = list(remote_ids)
    found: dict[str, Node] = {}
    for start in range(0, len(wanted), _IN_LIMIT):
        hashes = [hash_of(remote_id) for remote_id in wanted[start : start + _IN_LIMIT]]
        rows = _owned(state).filter(remote_hash__in=hashes, first__lte=state.latest)
        found |= {node.remote_id: node for node in read_nodes(rows.order_by("first", "id"))}
    return {remote_id: found[remote_id] for remote_id in wanted if remote_id in found}


def folders(state: AsOf) -> list[Node]:
    """Return all folders of that state, in no order."""
    return read_nodes(_visible(_owned(state), state.number).filter(is_folder=True))


def hidden_totals(state: AsOf) -> dict[str, tuple[int, int]]:
    """Return how many items a folder's totals count that nothing shows any more, and their size."""
    if not state.hidden:
        return {}
    rows = NodeVersion.objects.filter(
        account_id=state.account_id, entity_id=state.entity_id, sub_service=state.sub_service, is_folder=False
    )
    rows = _visible(rows.filter(remote_hash__in=state.hidden), state.number)
    sums = rows.order_by().values_list("parent_id").annotate(Count("id"), Sum("size"))
    return {parent_id or "": (count, size or 0) for parent_id, count, size in sums}


def folder_page(
    state: AsOf,
    folder_id: str | None,
    *,
    sort: Sort = Sort.NEWEST,
    after: str | None = None,
    limit: int = PAGE_SIZE,
    text: str = "",
) -> Page:
    """Return one page of a folder's items. `after` is the `next` of the page before.

    With `text` only items whose name or author contains it, whatever the case; one call looks at no more than
    FIND_BUDGET items, so a page may be short and still have a `next`. Raises InvalidRequest for a bad `after`.
    """
    order = _ORDERS[sort]
    start = _read_position(after, order)
    if text.strip():
        return _find(state, folder_id, order, start, limit=limit, text=text.strip().casefold())
    ids = _ids(state, folder_id, order, start, limit + 1)
    more = len(ids) > limit
    nodes = nodes_by_ids(state, [id_ for id_, _ in ids[:limit]], folder_id=folder_id)
    return Page(nodes, _position(ids[limit - 1]) if more else None)


def items_of_folder(state: AsOf, folder_id: str | None, *, batch: int = 1_000) -> Iterator[Node]:
    """Yield every item directly inside a folder, newest first, reading `batch` rows at a time."""
    order, start = _ORDERS[Sort.NEWEST], None
    while ids := _ids(state, folder_id, order, start, batch):
        yield from nodes_by_ids(state, [id_ for id_, _ in ids], folder_id=folder_id)
        start = ids[-1]


def nodes_by_ids(state: AsOf, ids: Collection[int], *, folder_id: str | None = None) -> list[Node]:
    """Return the versions with these ids in the order given, of this entity only."""
    wanted = list(ids)
    rows = []
    for start in range(0, len(wanted), _IN_LIMIT):
        rows += read_nodes(_owned(state).filter(pk__in=wanted[start : start + _IN_LIMIT]))
    by_id = {node.id: node for node in rows if folder_id is None or (node.parent_id or "") == folder_id}
    return [by_id[id_] for id_ in wanted if id_ in by_id]


@dataclass(frozen=True, slots=True)
class Stored:
    """What is kept of a version: the list of its blobs (`vault.api.decode_content`), the connector's props."""

    content: bytes
    props: bytes


def contents(state: AsOf, ids: Collection[int]) -> dict[int, Stored]:
    """Return what is kept of these versions by id."""
    found: dict[int, Stored] = {}
    wanted = list(ids)
    for start in range(0, len(wanted), _IN_LIMIT):
        rows = _owned(state).filter(pk__in=wanted[start : start + _IN_LIMIT])
        for pk, content, props in rows.values_list("pk", "content", "props"):
            found[pk] = Stored(bytes(content), bytes(props))
    return found


def no_longer_there(state: AsOf, nodes: Iterable[Node]) -> set[str]:
    """Return the remote ids of those nodes that the newest snapshot does not hold any more, anywhere."""
    ended = {n.remote_id for n in nodes if n.gone is not None and n.gone <= state.latest}
    if not ended:
        return set()
    rows = _visible(_owned(state), state.latest).filter(remote_hash__in=[hash_of(r) for r in ended])
    return ended - set(rows.values_list("remote_id", flat=True))


def life_of(state: AsOf, remote_id: str) -> Life:
    """Return the committed life of a node. Raises NotFound when it never was in a committed snapshot."""
    rows = _owned(state).filter(remote_hash=hash_of(remote_id), remote_id=remote_id, first__lte=state.latest)
    versions = read_nodes(rows.order_by("first", "id"))
    if not versions:
        raise NotFound("This item is in no backup.")
    gone = versions[-1].gone
    return Life(versions, versions[0].first, gone if gone is not None and gone <= state.latest else None)


def _owned(state: AsOf) -> "QuerySet[NodeVersion]":
    rows = NodeVersion.objects.filter(
        account_id=state.account_id, entity_id=state.entity_id, sub_service=state.sub_service
    )
    return without(rows, state.hidden)


def _visible(rows: "QuerySet[NodeVersion]", number: int) -> "QuerySet[NodeVersion]":
    # `first + 0` keeps planners from the index on `first`, which would read half of the mailbox.
    return rows.alias(began=F("first") + 0).filter(Q(gone__isnull=True) | Q(gone__gt=number), began__lte=number)


def read_nodes(rows: "QuerySet[NodeVersion]") -> list[Node]:
    """Return these rows as nodes."""
    return [Node(*row) for row in rows.values_list(*_FIELDS)]


_Position = tuple[int, Any]
"""Id and sort key of the last item of a page."""


def _ids(
    state: AsOf, folder_id: str | None, order: _Order, start: _Position | None, limit: int
) -> list[_Position]:
    """Return ids and sort keys, decided inside one index. Items without a time come after all others.

    The account is not asked for here, for it is not in the index: the rows are read with it in the next step.
    """
    rows = _members(state, folder_id)
    if order.column != "time":
        return _ordered(rows, order, start, limit)
    found: list[_Position] = []
    if start is None or start[1] is not None:
        found = _ordered(rows.filter(time__isnull=False), order, start, limit)
        start = None
    if len(found) < limit:
        undated = rows.filter(time__isnull=True)
        if start is not None:
            undated = undated.filter(**{"pk__lt" if order.descending else "pk__gt": start[0]})
        direction = "-pk" if order.descending else "pk"
        found += [
            (pk, None) for pk in undated.order_by(direction).values_list("pk", flat=True)[: limit - len(found)]
        ]
    return found


def _members(state: AsOf, folder_id: str | None) -> "QuerySet[NodeVersion]":
    # `is_folder=False` would become NOT is_folder, which SQLite does not look up in an index.
    parent = {"parent_hash": hash_of(folder_id)} if folder_id else {"parent_hash__isnull": True}
    rows = NodeVersion.objects.filter(
        entity_id=state.entity_id, sub_service=state.sub_service, is_folder__in=[False], **parent
    )
    return without(_visible(rows, state.number), state.hidden)


def _ordered(
    rows: "QuerySet[NodeVersion]", order: _Order, start: _Position | None, limit: int
) -> list[_Position]:
    rows = rows.alias(key=_KEYS[order.column])
    past = "lt" if order.descending else "gt"
    if start is not None:
        pk, key = start
        rows = rows.filter(Q(**{f"key__{past}": key}) | Q(**{f"pk__{past}": pk}), **{f"key__{past}e": key})
    direction = ("-key", "-pk") if order.descending else ("key", "pk")
    return list(rows.order_by(*direction).values_list("pk", _KEYS[order.column])[:limit])


def _find(
    state: AsOf, folder_id: str | None, order: _Order, start: _Position | None, *, limit: int, text: str
) -> Page:
    found: list[_Position] = []
    searched, at_end = 0, False
    while len(found) <= limit and searched < FIND_BUDGET and not at_end:
        window = _ids(state, folder_id, order, start, FIND_WINDOW)
        found += _matching(state, window, text)
        searched += len(window)
        at_end = len(window) < FIND_WINDOW
        start = window[-1] if window else start
    nodes = nodes_by_ids(state, [pk for pk, _ in found[:limit]], folder_id=folder_id)
    if len(found) > limit:
        return Page(nodes, _position(found[limit - 1]), searched)
    return Page(nodes, None if at_end or start is None else _position(start), searched)


def _matching(state: AsOf, window: list[_Position], text: str) -> list[_Position]:
    hits: set[int] = set()
    for at in range(0, len(window), _IN_LIMIT):
        rows = _owned(state).filter(pk__in=[pk for pk, _ in window[at : at + _IN_LIMIT]])
        for pk, name, author in rows.values_list("pk", "name", "author"):
            if text in name.casefold() or text in author.casefold():
                hits.add(pk)
    return [position for position in window if position[0] in hits]


def _position(position: _Position) -> str:
    pk, key = position
    value = key.isoformat() if isinstance(key, datetime) else key
    return base64.urlsafe_b64encode(json.dumps([pk, value]).encode()).decode().rstrip("=")


def _read_position(text: str | None, order: _Order) -> _Position | None:
    if not text:
        return None
    try:
        pk, value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if order.column == "time":
            return _number(pk), None if value is None else _moment(value)
        return _number(pk), _number(value) if order.column == "size" else str(value)
    except (ValueError, TypeError) as error:
        raise InvalidRequest("This place in the list is not known.", do="Open the folder again.") from error


def _number(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError("no number of a row or a size")
    return value


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment
