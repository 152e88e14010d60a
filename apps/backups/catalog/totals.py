"""What a draft comes to: the last snapshot's totals plus what it adds, less what it ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Count, QuerySet, Sum

from ..models import NodeVersion, Snapshot
from .draft import Draft


@dataclass(slots=True)
class Totals:
    """Sums of a state. `per_folder` maps remote ids of folders that hold items to [items, bytes].

    `added`, `changed` and `removed` count items against the snapshot before.
    """

    items: int = 0
    folders: int = 0
    size: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    per_folder: dict[str, list[int]] = field(default_factory=dict)


def add_up(draft: Draft, before: Snapshot | None) -> Totals:
    """Return the totals of the draft as it stands: O(changes + folders), never O(mailbox)."""
    totals = _copy(before)
    new, ended = draft.rows().filter(first=draft.number), draft.rows().filter(gone=draft.number)
    for rows, sign in ((new, 1), (ended, -1)):
        sums = rows.order_by().values_list("parent_id", "is_folder").annotate(Count("id"), Sum("size"))
        for parent_id, is_folder, count, size in sums:
            _add(totals, parent_id, is_folder, sign * count, sign * (size or 0))
    totals.per_folder = {key: value for key, value in totals.per_folder.items() if value[0]}
    _compare(totals, new.filter(is_folder=False), ended.filter(is_folder=False))
    return totals


def _compare(totals: Totals, new: "QuerySet[NodeVersion]", ended: "QuerySet[NodeVersion]") -> None:
    """Tell changed items from new and gone ones: a look at each change, where SQL would compare all pairs."""
    ends = set(ended.values_list("remote_hash", flat=True).iterator())
    starts = new.values_list("remote_hash", flat=True).iterator() if ends else ()
    totals.changed = sum(remote_hash in ends for remote_hash in starts)
    totals.added, totals.removed = new.count() - totals.changed, len(ends) - totals.changed


def _copy(before: Snapshot | None) -> Totals:
    if before is None:
        return Totals()
    per_folder: Mapping[str, list[int]] = before.folder_totals
    return Totals(
        items=before.items,
        folders=before.folders,
        size=before.size,
        per_folder={key: list(value) for key, value in per_folder.items()},
    )


def _add(totals: Totals, parent_id: str | None, is_folder: bool, count: int, size: int) -> None:
    if is_folder:
        totals.folders += count
        return
    totals.items += count
    totals.size += size
    folder = totals.per_folder.setdefault(parent_id or "", [0, 0])
    folder[0] += count
    folder[1] += size
