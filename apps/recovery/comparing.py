"""Two days of one mailbox side by side: what was added, changed or deleted between them, kind by kind."""

from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from django.urls import reverse

from apps.backups.models import Entity, Run
from apps.backups.selectors.browse import as_of, newest_by_remote_ids
from apps.backups.selectors.compare import (
    Change,
    Counts,
    Difference,
    Pair,
    compare_page,
    count_differences,
)
from apps.backups.selectors.hidden import hidden_items
from apps.backups.selectors.points import Point, last_run, neighbour_runs, point_of, point_of_day
from apps.connectors.enums import SubService
from apps.core.typed import typed

from .kinds import Kind, kind_of
from .lives import difference_words
from .pages import Bar, bar_of

CHANGES = ((Change.ADDED, "Added"), (Change.CHANGED, "Changed"), (Change.DELETED, "Deleted"))
OLDER, NEWER = "older", "newer"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two days, and what is selected of it."""

    name: str
    point: Point
    bar: Bar


@dataclass(frozen=True, slots=True)
class KindCounts:
    kind: Kind
    counts: Counts
    url: str
    current: bool

    @property
    def words(self) -> str:
        """Say "2 added, 1 deleted", with "or more" where counting stopped."""
        numbers = zip((self.counts.added, self.counts.changed, self.counts.deleted), CHANGES, strict=True)
        said = ", ".join(f"{number:,} {word.lower()}" for number, (_, word) in numbers if number)
        return f"{said} or more" if self.counts.more else said or "Nothing differs"


@dataclass(frozen=True, slots=True)
class Row:
    """One difference. `value` names in a form what comes back: what was there on the older day, else what came.

    `locked`: it is selected with its whole folder, so that it cannot be taken out alone.
    """

    difference: Difference
    kind: Kind
    name: str
    change: str
    what: str
    folder: str
    before_url: str
    after_url: str
    value: str
    ticked: bool
    locked: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the page shows."""

    entity: Entity
    older: Side
    newer: Side
    kinds: list[KindCounts]
    rows: list[Row]
    kind: str
    change: str
    text: str
    searched: int
    next_url: str
    whole_url: str
    changes: tuple[tuple[Change, str], ...] = CHANGES

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.older, self.newer

    @property
    def is_narrowed(self) -> bool:
        return bool(self.change or self.text)


def sides_of(entity: Entity, query: dict[str, str]) -> tuple[Side, Side] | None:
    """Return the two days that are asked for, the older one first; None when there are no two.

    A day is named by a run or by a date, which means its last backup or the last before it. The default are
    the last backup and the one before.
    """
    newer = _point(entity, query.get("to", ""))
    if newer is None:
        run = last_run(entity)
        newer = point_of(run) if run else None
    if newer is None:
        return None
    older = _point(entity, query.get("from", ""))
    if older is None:
        before = neighbour_runs(newer)[0]
        older = point_of(before) if before else None
    if older is None or older.run == newer.run:
        return None
    if older.at > newer.at:
        older, newer = newer, older
    return Side(OLDER, older, bar_of(older)), Side(NEWER, newer, bar_of(newer))


def comparison(entity: Entity, sides: tuple[Side, Side], query: dict[str, str]) -> Comparison:
    """Read one page of what differs between the two days."""
    older, newer = sides
    pairs = _pairs(older.point, newer.point)
    kind = query.get("kind", "") if query.get("kind", "") in {pair.sub_service for pair in pairs} else ""
    change = query.get("change", "") if query.get("change", "") in set(Change) else ""
    text = typed(query, most=200)
    page = compare_page(
        [pair for pair in pairs if kind in ("", pair.sub_service)],
        changes=[change] if change else list(Change),
        text=text,
        after=query.get("after") or None,
    )
    given = {"from": str(older.point.run.public_id), "to": str(newer.point.run.public_id)}
    narrowed = {"change": change, "q": text}
    counted = [
        KindCounts(
            kind_of(pair.sub_service),
            count_differences(pair),
            compare_url(entity, **given, **narrowed, kind=pair.sub_service),
            current=kind == pair.sub_service,
        )
        for pair in pairs
    ]
    more = compare_url(entity, **given, **narrowed, kind=kind, after=page.next) if page.next else ""
    whole = compare_url(entity, **given)
    rows = _Rows(older, newer).rows(page.rows)
    return Comparison(entity, older, newer, counted, rows, kind, change, text, page.searched, more, whole)


def compare_url(entity: Entity, **query: str) -> str:
    """Return the address of the comparison."""
    given = {name: value for name, value in query.items() if value}
    return f"{reverse('recovery_compare', args=[entity.public_id])}?{urlencode(given)}"


def _pairs(older: Point, newer: Point) -> list[Pair]:
    pairs = []
    for kind in SubService:
        before, after = older.snapshot(kind), newer.snapshot(kind)
        if after is None:
            continue
        first = before.number if before else 0
        hidden = hidden_items(after.entity_id, kind)
        pairs.append(Pair(after.account_id, after.entity_id, kind, first, after.number, hidden))
    return pairs


class _Rows:
    """Makes rows out of differences: names of folders and addresses, looked up once for a page."""

    def __init__(self, older: Side, newer: Side) -> None:
        self._sides = (older, newer)

    def rows(self, found: list[Difference]) -> list[Row]:
        folders: dict[str, dict[str, str]] = {}
        for sub_service in {row.sub_service for row in found}:
            of_kind = [row for row in found if row.sub_service == sub_service]
            folders[sub_service] = self._folders(sub_service, of_kind)
        return [self._row(each, folders[each.sub_service]) for each in found]

    def _folders(self, sub_service: str, found: list[Difference]) -> dict[str, str]:
        snapshot = self._sides[1].point.snapshot(sub_service)
        nodes = [node for row in found for node in (row.before, row.after) if node]
        wanted = {node.parent_id for node in nodes if node.parent_id}
        state = as_of(snapshot) if snapshot else None
        return {key: node.name for key, node in newest_by_remote_ids(state, wanted).items()} if state else {}

    def _row(self, each: Difference, folders: dict[str, str]) -> Row:
        kind = kind_of(each.sub_service)
        side = self._sides[each.before is None]
        pick = next((p for p in side.bar.picks if p.kind == kind), None)
        locked = pick is not None and (each.node.parent_id or "") in pick.found.closure
        there = folders.get((each.before or each.node).parent_id or "", "")
        came = folders.get((each.after or each.node).parent_id or "", "")
        what = difference_words(each.before, each.after) if each.before and each.after else ""
        return Row(
            difference=each,
            kind=kind,
            name=each.node.name or kind.unnamed,
            change=dict(CHANGES)[each.change],
            what=what,
            folder=there if there == came else f"{there or 'elsewhere'} → {came or 'elsewhere'}",
            before_url=self._url(self._sides[0], each.sub_service, each.before.key) if each.before else "",
            after_url=self._url(self._sides[1], each.sub_service, each.after.key) if each.after else "",
            value=f"{side.name}:{each.sub_service}:{each.node.key}",
            ticked=locked or (pick is not None and each.node.key in pick.choice.items),
            locked=locked,
        )

    @staticmethod
    def _url(side: Side, sub_service: str, key: str) -> str:
        snapshot = side.point.snapshot(sub_service)
        return reverse("recovery_item", args=[snapshot.public_id, key]) if snapshot else ""


def _point(entity: Entity, asked: str) -> Point | None:
    try:
        run = Run.objects.filter(entity=entity, public_id=UUID(asked)).select_related("entity__task").first()
    except ValueError:
        return point_of_day(entity, asked)
    point = point_of(run) if run else None
    return point if point and point.snapshots else None
