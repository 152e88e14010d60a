"""Asking an index. Everything asked stands under a scope: what its asker may see."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import tantivy
from tantivy import DocAddress, Query

from ..language import tree
from .errors import CursorUnreadable, QueryRefused
from .queries import Translator, among, between, both, flagged, is_scored, without
from .results import Cursor, Facets, Found, Hit, Order, Total
from .schema import KINDS, moment_of
from .writer import damaged, is_trouble, open_index

_COLUMNS: Final = ("version", "entity", "kind", "item", "first", "order", "month", "attached")
_SPARE, _MOST_BUCKETS = 20, 65_000
_AT_ONCE, _LARGEST_PAGE = 10_000, 10_000
_MOST_OLDER: Final = 5_000
"""So many versions that others followed are looked at to count items: more cost too much for a number."""


class _Row(NamedTuple):
    """A version that fits the query, from the columns of the index."""

    address: DocAddress
    score: float
    version: int
    entity: int
    kind: int
    item: int
    first: int
    order: int
    month: int | None
    attached: bool

    @property
    def whose(self) -> tuple[int, int, int]:
        return self.entity, self.kind, self.item

    @property
    def age(self) -> tuple[int, int]:
        return self.first, self.version


_Batch = list[tuple[_Row, int]]  # versions, each with its place for a cursor


class IndexReader:
    """The index of a folder as it was when this was opened. May be used by several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with _guarded(folder):
            self._searcher = open_index(folder).searcher()
        self._translator = Translator(self._searcher)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages whose word forms are known."""
        with _guarded(self._folder):
            return self._translator.languages

    def find(
        self,
        query: tree.Query,
        *,
        scope: tree.Query,
        sort: Order = Order.RELEVANCE,
        after: Cursor | None = None,
        limit: int = 25,
    ) -> Found:
        """Return a page of items, each once, by its newest version that fits, at the place of that version."""
        if not 0 < limit <= _LARGEST_PAGE:
            raise QueryRefused(f"A page holds 1 to {_LARGEST_PAGE} results, not {limit}.")
        with _guarded(self._folder):
            asked = self._translator.query(query, scope)
            order = sort if sort != Order.RELEVANCE or is_scored(query) else Order.NEWEST
            if after is not None and after.order != order:
                raise CursorUnreadable("This page of results belongs to another search.", do="Search again.")
            walk = self._ranked if order == Order.RELEVANCE else self._timed
            found: list[tuple[_Row, int]] = []
            for batch in walk(asked, order, after, limit + _SPARE):
                found += self._shown(asked, batch)
                if len(found) > limit:
                    break
            return self._page(found, order, limit)

    def count(self, query: tree.Query, scope: tree.Query) -> Total:
        """Return how many items `find` gives in all."""
        with _guarded(self._folder):
            asked = self._translator.query(query, scope)
            if tree.is_of_one_day(query):
                return Total(_number(self._searcher.search(asked, 1)))
            newest = _number(self._searcher.search(without(asked, flagged("older")), 1))
            older = self._older(asked)
            return Total(max(newest, 1), is_exact=False) if older is None else Total(newest + len(older))

    def facets(self, query: tree.Query, scope: tree.Query) -> Facets:
        """Return how the items that `find` gives divide up."""
        with _guarded(self._folder):
            asked = self._translator.query(query, scope)
            one_day = tree.is_of_one_day(query)
            older = [] if one_day else self._older(asked)
            kind, entity, month, attached, deleted = self._tally(
                asked if one_day else without(asked, flagged("older"))
            )
        for row in older or ():
            kind[row.kind] += 1
            entity[row.entity] += 1
            attached[int(row.attached)] += 1
            if row.month is not None:
                month[row.month] += 1
        return Facets(
            {KINDS[number]: count for number, count in kind.most_common()},
            dict(entity.most_common()),
            {f"{number // 12:04d}-{number % 12 + 1:02d}": month[number] for number in sorted(month)},
            attached[1],
            deleted[1],
            is_exact=older is not None,
        )

    def _ranked(self, asked: Query, _: Order, after: Cursor | None, size: int) -> Iterator[_Batch]:
        """Give versions as they rank. Counting makes the engine score them all, always in the same order."""
        rank = after.place if after else 0
        while True:
            rows = self._rows(self._searcher.search(asked, size, count=True, offset=rank).hits)
            yield [(row, rank + at) for at, row in enumerate(rows, 1)]
            if len(rows) < size:
                return
            rank, size = rank + size, min(2 * size, _AT_ONCE)

    def _timed(self, asked: Query, order: Order, after: Cursor | None, size: int) -> Iterator[_Batch]:
        """Give versions in the order of time, those of one place by their ids."""
        newest = order == Order.NEWEST
        way = tantivy.Order.Desc if newest else tantivy.Order.Asc
        place = after.place if after else None
        while True:
            rest = asked
            if place is not None:
                rest = both(
                    asked, between("order", None, place + 1) if newest else between("order", place, None)
                )
            hits = self._searcher.search(rest, size, count=False, order_by_field="order", order=way).hits
            rows, full = self._rows(hits), len(hits) == size
            last = rows[-1].order if rows else 0
            if full and rows[0].order == last:
                rows, place = (
                    self._all(both(rest, between("order", last, last + 1))),
                    last + (-1 if newest else 1),
                )
            elif full:  # of the last place there may be more
                rows, place = [row for row in rows if row.order != last], last
            rows.sort(key=lambda row: (row.order, row.version), reverse=newest)
            yield [(row, row.order) for row in rows if after is None or _beyond(row, after, newest=newest)]
            if not full:
                return
            size = min(2 * size, _AT_ONCE)

    def _shown(self, asked: Query, batch: _Batch) -> _Batch:
        """Return those versions of which no newer one of the item fits: every item is shown once."""
        if not batch:
            return []
        best: dict[tuple[int, int, int], tuple[int, int]] = {}
        for row in self._all(both(asked, among("item", {row.item for row, _ in batch}))):
            best[row.whose] = max(row.age, best.get(row.whose, row.age))
        return [(row, place) for row, place in batch if row.age == best[row.whose]]

    def _page(self, found: _Batch, order: Order, limit: int) -> Found:
        shown = found[:limit]
        times = self._searcher.fast_field_values("time", [row.address for row, _ in shown]) if shown else []
        hits = [
            Hit(row.version, row.entity, KINDS[row.kind], row.item, _moment(time), row.score)
            for (row, _), time in zip(shown, times, strict=True)
        ]
        if len(found) <= limit:
            return Found(tuple(hits), None)
        row, place = shown[-1]
        return Found(tuple(hits), Cursor(order, place, row.version))

    def _older(self, asked: Query) -> list[_Row] | None:
        """Return the items that only versions fit which others have followed, each by the newest that fits.

        None where too many such versions fit to look at each.
        """
        older: dict[tuple[int, int, int], _Row] = {}
        fitting = both(asked, flagged("older"))
        found = self._searcher.search(fitting, _MOST_OLDER)
        if _number(found) > _MOST_OLDER:
            return None
        for row in self._rows(found.hits):
            known = older.get(row.whose)
            if known is None or known.age < row.age:
                older[row.whose] = row
        items, newest = {row.item for row in older.values()}, without(asked, flagged("older"))
        for row in self._all(both(newest, among("item", items))) if items else ():
            older.pop(row.whose, None)
        return list(older.values())

    def _tally(self, asked: Query) -> Iterator[Counter[int]]:
        """Give the numbers of versions per kind, entity, month, and whether attached and deleted."""
        names = ("kind", "entity", "month", "attached", "deleted")
        wanted = {name: {"terms": {"field": name, "size": _MOST_BUCKETS}} for name in names}
        answer: dict[str, Any] = self._searcher.aggregate(asked, wanted)
        for name in names:
            yield Counter({int(each["key"]): each["doc_count"] for each in answer[name]["buckets"]})

    def _all(self, asked: Query) -> list[_Row]:
        """Return every version that the query finds."""
        found = self._searcher.search(asked, _SPARE * 10)
        if _number(found) > len(found.hits):
            found = self._searcher.search(asked, _number(found))
        return self._rows(found.hits)

    def _rows(self, hits: list[tuple[Any, DocAddress]]) -> list[_Row]:
        if not hits:
            return []
        addresses = [address for _, address in hits]
        columns = [self._searcher.fast_field_values(name, addresses) for name in _COLUMNS]
        scores = [score for score, _ in hits]
        return list(map(_Row._make, zip(addresses, scores, *columns, strict=True)))


def _number(found: Any) -> int:
    return int(found.count)  # the library's stubs forget it


def _moment(time: Any) -> datetime | None:
    return None if time is None else moment_of(time)


def _beyond(row: _Row, after: Cursor, *, newest: bool) -> bool:
    here, there = (row.order, row.version), (after.place, after.version_id)
    return here < there if newest else here > there


@contextmanager
def _guarded(folder: Path) -> Iterator[None]:
    """Say of what the engine cannot read that the index is damaged."""
    try:
        yield
    except BaseException as error:
        if is_trouble(error):
            raise damaged(folder) from error
        raise
