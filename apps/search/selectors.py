"""What is found. Truth is the catalog: what has no row there any more is not shown, whatever the index says.

`scope` says what the person may see (`rights.py`); it is a part of every question that the index is asked.
"""

from django.db.models import Count, F, Max, Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from apps.backups.models import Snapshot

from .enums import Order
from .language.tree import Query
from .models import Indexed, SearchIndex
from .results import FacetCounts, Lag, Results

PAGE_SIZE = 50


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

    Raises InvalidRequest for a bad `after`, QueryProblem for what the index cannot carry out, VaultError.
    """
    return Results([])


def count(account_id: int, query: Query, *, scope: Query) -> int:
    """Return how many items match."""
    return 0


def facets(account_id: int, query: Query, *, scope: Query) -> FacetCounts:
    """Return what the matches can be narrowed to, counted."""
    return FacetCounts()


def months(account_id: int, query: Query, *, scope: Query) -> dict[str, int]:
    """Return how many items match by the month of their own time ("2026-11")."""
    return {}


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
        trouble=index.trouble if index else {},
    )


def waiting() -> "QuerySet[Indexed]":
    """Return what is not indexed as far as it is backed up."""
    return Indexed.objects.filter(Q(committed__gt=F("up_to")), off=False)
