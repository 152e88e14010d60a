"""Write versions that a journal tells of, as they once were. The caller holds the entity's lease."""

from collections.abc import Iterable, Sequence

from django.db.models import Max

from apps.core.bulk import insert_rows

from ..models import NodeVersion
from ..models.catalog import hash_of
from .apply import COLUMNS, row_values
from .draft import Draft
from .reuse import in_batches
from .state import Version


def forget_from(draft: Draft) -> None:
    """Take away whatever carries the draft's number or a later one: left by runs or replays that died."""
    rows = draft.rows()
    last = rows.aggregate(first=Max("first"), gone=Max("gone"))
    if (last["first"] or 0) >= draft.number:
        rows.filter(first__gte=draft.number).delete()
    if (last["gone"] or 0) >= draft.number:
        rows.filter(gone__gte=draft.number).update(gone=None)


def end_nodes(draft: Draft, remote_ids: Iterable[str]) -> None:
    """End the open versions of these nodes with the draft's number. Unknown ones are left out."""
    wanted = set(remote_ids)
    for hashes in in_batches([hash_of(remote_id) for remote_id in wanted]):
        rows = draft.rows().filter(remote_hash__in=hashes)
        known = rows.values_list("id", "remote_id", "first", "gone")
        ids = [
            pk for pk, name, first, gone in known if name in wanted and gone is None and first < draft.number
        ]
        draft.by_id(ids).update(gone=draft.number)


def insert_versions(draft: Draft, versions: Sequence[Version]) -> None:
    """Insert versions as they are, with their own `first` and `gone`."""
    insert_rows(NodeVersion, COLUMNS, row_values(draft, versions))
