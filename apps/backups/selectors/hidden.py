"""What nothing shows any more: items that somebody ordered to be erased (backups/erasure), during the grace.

Every read of versions for a person or for their work goes through `browse.AsOf` or `shown`. What was erased has
no rows.
"""

from collections.abc import Collection, Iterable

from django.db.models import Exists, OuterRef, QuerySet

from apps.core.sight import whole_sight

from ..models import ErasedItem, NodeVersion


@whole_sight("an order hides an item from everybody")
def hidden_items(entity_id: int, sub_service: str) -> frozenset[int]:
    """Return the hashes of remote ids (`hash_of`) of what is hidden of one kind of data."""
    rows = ErasedItem.objects.filter(entity_id=entity_id, sub_service=sub_service, erased_at=None)
    return frozenset(rows.values_list("remote_hash", flat=True))


def without(rows: "QuerySet[NodeVersion]", hidden: Collection[int]) -> "QuerySet[NodeVersion]":
    """Leave hidden items out. With none of them the statement stays what it was, and so does its plan."""
    return rows.exclude(remote_hash__in=sorted(hidden)) if hidden else rows


def shown(rows: "QuerySet[NodeVersion]", entity_id: int, sub_service: str) -> "QuerySet[NodeVersion]":
    """Leave hidden items of one kind of data out."""
    return without(rows, hidden_items(entity_id, sub_service))


@whole_sight("an order hides an item from everybody")
def hidden_versions(version_ids: Iterable[int]) -> set[int]:
    """Return those of these versions, of whatever mailbox, that nothing may show: for lists over many."""
    hiding = ErasedItem.objects.filter(
        entity_id=OuterRef("entity_id"),
        sub_service=OuterRef("sub_service"),
        remote_hash=OuterRef("remote_hash"),
        erased_at=None,
    )
    wanted, found = list(version_ids), set[int]()
    if not ErasedItem.objects.filter(erased_at=None).exists():
        return found
    for start in range(0, len(wanted), 500):
        rows = NodeVersion.objects.filter(Exists(hiding), pk__in=wanted[start : start + 500])
        found |= set(rows.values_list("pk", flat=True))
    return found
