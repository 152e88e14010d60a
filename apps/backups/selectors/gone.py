"""Items that earlier snapshots hold and a later state does not: deleted, and not moved elsewhere."""

from collections.abc import Collection, Iterator

from django.db.models import Exists, F, OuterRef

from ..models import NodeVersion
from .browse import AsOf, Node, nodes_by_ids

_BATCH = 1_000


def gone_items(state: AsOf, folder_ids: Collection[str] | None = None) -> Iterator[Node]:
    """Yield the last version of each item that is kept and was gone at `state`, in bounded memory.

    `folder_ids`: only what was in one of these folders when it went.
    """
    rows = NodeVersion.objects.filter(
        account_id=state.account_id,
        entity_id=state.entity_id,
        sub_service=state.sub_service,
        is_folder=False,
        gone__lte=state.number,
    )
    later = NodeVersion.objects.filter(
        account_id=state.account_id,
        entity_id=state.entity_id,
        sub_service=state.sub_service,
        remote_hash=OuterRef("remote_hash"),
        remote_id=OuterRef("remote_id"),
        first__gte=OuterRef("gone"),
        first__lte=state.number,
    )
    ended = rows.alias(began=F("first") + 0).filter(~Exists(later), began__lte=state.number).order_by("pk")
    last = 0
    while ids := list(ended.filter(pk__gt=last).values_list("pk", flat=True)[:_BATCH]):
        for node in nodes_by_ids(state, ids):
            if folder_ids is None or node.parent_id in folder_ids:
                yield node
        last = ids[-1]
