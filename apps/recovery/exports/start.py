"""Starting an export of what is selected at a point in time, over all kinds of data."""

from collections.abc import Iterator

from django.db import transaction

from apps.backups.selectors.browse import Node
from apps.backups.selectors.gone import gone_items
from apps.backups.selectors.points import Point
from apps.core.errors import InvalidRequest
from apps.jobs.base import NewItem
from apps.jobs.enums import JobKind
from apps.jobs.models import Job
from apps.jobs.services import job_create

from ..choosing import Pick, Picks, expand, picks_of
from ..models import Destination
from ..services import selections_of
from .options import Options

DELETED = "Deleted earlier"


@transaction.atomic
def export_start(
    *, point: Point, options: Options | None = None, destination: Destination | None = None
) -> Job:
    """Make the job with one ledger row an item. Raises InvalidRequest when nothing is selected."""
    options = options or Options()
    picks = picks_of(selections_of(point))
    if picks.is_empty:
        raise InvalidRequest("Nothing is selected.", do="Tick items or folders first.")
    entity = point.run.entity
    return job_create(
        kind=JobKind.EXPORT,
        items=_ledger(picks, options),
        params={
            "snapshots": [str(pick.snapshot.public_id) for pick in picks],
            "account": entity.address or entity.name,
            "folders": {pick.snapshot.sub_service: sorted(pick.found.closure) for pick in picks},
            "options": options.as_json(),
            "destination": str(destination.public_id) if destination else "",
        },
        service=entity.task.service,
        task_label=entity.task.name,
        entity_label=entity.name,
        destination_label=f"{destination.name}, {destination.bucket}" if destination else "Download",
        entity_id=entity.public_id,
        backup_date=point.at,
    )


def _ledger(picks: Picks, options: Options) -> Iterator[NewItem]:
    for pick in picks:
        for folder, node in expand(pick.found, pick.state, pick.tree):
            yield _row(pick, node, folder.path if folder else (), gone=False)
        if options.deleted and (pick.choice.everything or pick.found.closure):
            within = None if pick.choice.everything else pick.found.closure
            for node in gone_items(pick.state, within):
                folder = pick.tree.by_id.get(node.parent_id or "")
                yield _row(pick, node, (DELETED, *(folder.path if folder else ())), gone=True)


def _row(pick: Pick, node: Node, path: tuple[str, ...], *, gone: bool) -> NewItem:
    kind = pick.snapshot.sub_service
    return NewItem(
        key=f"{kind}:{node.id}",
        label=node.name or "(no subject)",
        folder_label=" / ".join((pick.kind.label, *path)),
        size=node.size,
        node_version_id=node.id,
        details={"kind": kind, "gone": gone},
    )
