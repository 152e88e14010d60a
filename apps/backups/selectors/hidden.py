"""What nothing shows any more: items that somebody ordered to be erased (backups/erasure), during the grace.

Every read of versions for a person or for their work goes through `browse.AsOf`, `compare.Pair` or search. What
was erased has no rows.
"""

from collections.abc import Collection

from django.db.models import QuerySet

from apps.core.sight import whole_sight

from ..catalog import in_batches
from ..models import ErasedItem, NodeVersion


@whole_sight("an order hides an item from everybody")
def hidden_items(entity_id: int, sub_service: str) -> frozenset[int]:
    """Return the hashes of remote ids (`hash_of`) of what is hidden of one kind of data."""
    rows = ErasedItem.objects.filter(entity_id=entity_id, sub_service=sub_service, erased_at=None)
    return frozenset(rows.values_list("remote_hash", flat=True))


def without(rows: "QuerySet[NodeVersion]", hidden: Collection[int]) -> "QuerySet[NodeVersion]":
    """Leave hidden items out. With none of them the statement stays what it was, and so does its plan."""
    return rows.exclude(remote_hash__in=sorted(hidden)) if hidden else rows


@whole_sight("an order hides an item from everybody")
def hidden_versions(account_id: int) -> frozenset[int]:
    """Return all versions of the account that nothing may show, for lists over many mailboxes."""
    hiding = ErasedItem.objects.filter(account_id=account_id, erased_at=None).values_list(
        "entity_id", "sub_service", "remote_hash"
    )
    wanted: dict[tuple[int, str], list[int]] = {}
    for entity_id, sub_service, remote_hash in hiding:
        if entity_id is not None:
            wanted.setdefault((entity_id, sub_service), []).append(remote_hash)
    found = set[int]()
    for (entity, kind), hashes in wanted.items():
        rows = NodeVersion.objects.filter(account_id=account_id, entity_id=entity, sub_service=kind)
        for some in in_batches(hashes):
            found |= set(rows.filter(remote_hash__in=some, is_folder=False).values_list("pk", flat=True))
    return frozenset(found)
