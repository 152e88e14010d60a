"""What is found. Truth is the catalog: what has no row there any more is not shown, whatever the index says.

`scope` says what the person may see (`rights.py`); it is a part of every question that the index is asked.
"""

from collections.abc import Iterable
from typing import Final

from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from apps.backups.models import Snapshot
from apps.backups.selectors.hidden import hidden_versions
from apps.backups.selectors.indexing import items_by_ids

from .index.engine import Cursor, Hit, IndexReader, Order, Total
from .language.tree import All, Column, Ids, Not, Query
from .models import Indexed, Removal, SearchIndex
from .opening import open_index
from .results import FacetCounts, Lag, Results, Row

PAGE_SIZE: Final = 50
_ROUNDS: Final = 5  # of asking on when hits are not there any more


def search(
    account_id: int,
    query: Query,
    *,
    scope: Query,
    sort: Order = Order.RELEVANCE,
    after: str | None = None,
    limit: int = PAGE_SIZE,
) -> Results:
    """Return one page of items. `after` is the `next` of the page before.

    Raises InvalidRequest for a bad `after` and for what the index cannot be asked, IndexTrouble, VaultError.
    """
    index = open_index(account_id)
    cursor = Cursor.decode(after) if after else None
    rows: list[Row] = []
    if index is None:
        return Results(rows)
    scope = _open_to(account_id, scope)
    for _ in range(_ROUNDS):
        found = index.find(query, scope=scope, sort=sort, after=cursor, limit=limit - len(rows))
        rows += _rows(account_id, found.hits)
        cursor = found.next
        if cursor is None or len(rows) >= limit:
            break
    return Results(rows, cursor.encode() if cursor else None)


def count(account_id: int, query: Query, *, scope: Query) -> Total:
    """Return how many items match."""
    index = open_index(account_id)
    return index.count(query, _open_to(account_id, scope)) if index else Total(0)


def facets(account_id: int, query: Query, *, scope: Query) -> FacetCounts:
    """Return what the matches can be narrowed to, counted."""
    index = open_index(account_id)
    if index is None:
        return FacetCounts()
    said = index.facets(query, _open_to(account_id, scope))
    return FacetCounts(
        total=said.total.number,
        is_exact=said.is_exact,
        kinds=said.kind,
        entities=said.entity,
        years=said.year,
        months=said.month,
        attached=said.attached,
        deleted=said.deleted,
    )


def reader_of(account_id: int) -> IndexReader | None:
    """Return the index itself, None while there is none: for what asks it more than one thing."""
    return open_index(account_id)


def lag(account_id: int) -> Lag:
    """Return what is backed up but cannot be found yet, of all that the actor in force sees."""
    rows = waiting().filter(account_id=account_id)
    found = rows.aggregate(many=Count("pk"), since=Min("committed_at"), newest=Max("committed_at"))
    changed = Snapshot.objects.filter(
        account_id=account_id,
        entity__indexed__in=rows,
        sub_service=F("entity__indexed__sub_service"),
        number__gt=F("entity__indexed__up_to"),
    )
    sums = Coalesce(Sum(F("added") + F("changed") + F("removed")), 0)
    index = SearchIndex.objects.filter(account_id=account_id).first()
    return Lag(
        waiting=found["many"],
        items=changed.aggregate(items=sums)["items"] if found["many"] else 0,
        since=found["since"],
        newest=found["newest"],
        trouble=index.trouble.get("counts", {}) if index else {},
    )


def waiting() -> "QuerySet[Indexed]":
    """Return what is not indexed as far as it is backed up."""
    return Indexed.objects.filter(Q(committed__gt=F("up_to")), off=False)


def _open_to(account_id: int, scope: Query) -> Query:
    """Narrow a scope to what has not left: also what is only counted must be there still."""
    gone = list(Removal.objects.filter(account_id=account_id).values_list("entity_id", "version_id"))
    parts = [scope]
    leaving = frozenset(version for _, version in gone if version is not None)
    if versions := leaving | hidden_versions(account_id):
        parts.append(Not(Ids(Column.VERSION, versions)))
    if entities := frozenset(entity for entity, version in gone if version is None):
        parts.append(Not(Ids(Column.ENTITY, entities)))
    return All(tuple(parts)) if len(parts) > 1 else scope


def _rows(account_id: int, hits: Iterable[Hit]) -> list[Row]:
    """Join hits with the catalog, in their order. What is not in a backup that the actor sees is left out."""
    by_id = {hit.version_id: hit for hit in hits}
    nodes = items_by_ids(account_id, by_id)
    entities = {hit.entity_id for hit in by_id.values()}
    committed = Snapshot.objects.filter(account_id=account_id, entity__in=entities).order_by()
    newest = {
        (entity_id, kind): number
        for entity_id, kind, number in committed.values_list("entity_id", "sub_service").annotate(
            newest=Max("number")
        )
    }
    return [
        Row(hit.entity_id, hit.sub_service, node, hit.score)
        for hit in by_id.values()
        if (node := nodes.get(hit.version_id)) and node.first <= newest.get((hit.entity_id, hit.sub_service), 0)
    ]
