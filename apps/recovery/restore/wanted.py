"""The items that a plan restores: those of its choice, or what an earlier restore did not get done."""

import hashlib
import hmac
from collections.abc import Iterator
from itertools import islice
from typing import Any

from apps.backups.selectors.browse import AsOf, Node, as_of, nodes_by_ids
from apps.backups.selectors.tree import Folder, Tree, folder_tree
from apps.connectors.enums import SubService
from apps.jobs.base import NewItem
from apps.jobs.models import JobItem
from apps.jobs.selectors import items_not_done

from ..choosing import chosen, expand
from ..models import Plan, PlanPart
from .lanes import parts_of

_BATCH = 200


def wanted_nodes(part: PlanPart, state: AsOf, tree: Tree) -> Iterator[tuple[Folder | None, Node]]:
    """Yield what a plan restores of one kind of data, folder by folder, in bounded memory."""
    if not part.plan.failed_only:
        yield from expand(chosen(part, state, tree), state, tree)
        return
    rows = items_not_done(part.plan.repeats).filter(details__kind=part.snapshot.sub_service)
    waiting = rows.values_list("node_version_id", "details").iterator()
    while batch := list(islice(waiting, _BATCH)):
        places = {pk: str(details.get("folder", "")) for pk, details in batch if pk}
        for node in nodes_by_ids(state, list(places)):
            yield tree.by_id.get(places[node.id]), node


def ledger_of(plan: Plan) -> Iterator[NewItem]:
    """One row an item: kind after kind, folder by folder, the newest first, because providers cap bytes."""
    if plan.failed_only:
        yield from (_again(plan, item) for item in items_not_done(plan.repeats).iterator())
        return
    for part in parts_of(plan):
        kind, state = SubService(part.snapshot.sub_service), as_of(part.snapshot)
        tree = folder_tree(part.snapshot, state)
        for folder, node in wanted_nodes(part, state, tree):
            yield NewItem(
                key=restore_key(plan, node.id),
                label=node.name or "(no subject)",
                folder_label=" / ".join((kind.label, *(folder.path if folder else ()))),
                size=node.size,
                node_version_id=node.id,
                details={"kind": kind, "folder": folder.node.remote_id if folder else ""},
            )


def _again(plan: Plan, item: JobItem) -> NewItem:
    """What is no longer kept gets its row too, so that the retry says so."""
    details: dict[str, Any] = {name: item.details.get(name, "") for name in ("kind", "folder")}
    if item.written_id:
        details["earlier"] = item.written_id
    return NewItem(
        key=restore_key(plan, item.node_version_id or f"row {item.pk}"),
        label=item.label,
        folder_label=item.folder_label,
        size=item.size,
        node_version_id=item.node_version_id,
        details=details,
    )


def restore_key(plan: Plan, named: int | str) -> str:
    """Name one item of one restore: the same after every restart, never the same in another restore."""
    return hmac.new(plan.public_id.bytes, f"restore:{named}".encode(), hashlib.sha256).hexdigest()[:48]
