"""Starting an export of what is selected."""

from collections.abc import Iterator

from django.db import transaction

from apps.backups.selectors.browse import AsOf
from apps.backups.selectors.points import Point
from apps.backups.selectors.tree import Tree
from apps.core.errors import InvalidRequest
from apps.jobs.base import NewItem
from apps.jobs.enums import JobKind
from apps.jobs.models import Job
from apps.jobs.services import job_create

from ..choosing import Chosen, expand, picks_of
from ..services import selections_of


@transaction.atomic
def export_start(*, point: Point) -> Job:
    """Make the job with one ledger row a message. Raises InvalidRequest when nothing is selected."""
    picks = picks_of(selections_of(point))
    if picks.is_empty:
        raise InvalidRequest("Nothing is selected.", do="Tick messages or folders first.")
    pick = picks.picks[0]
    snapshot, found, state, tree = pick.snapshot, pick.found, pick.state, pick.tree
    entity = snapshot.entity
    return job_create(
        kind=JobKind.EXPORT,
        items=_ledger(found, state, tree),
        params={
            "snapshot": str(snapshot.public_id),
            "account": entity.address or entity.name,
            "folders": sorted(found.closure),
        },
        service=entity.task.service,
        task_label=entity.task.name,
        entity_label=entity.name,
        destination_label="Download",
        entity_id=entity.public_id,
        backup_date=snapshot.taken_at,
    )


def _ledger(found: Chosen, state: AsOf, tree: Tree) -> Iterator[NewItem]:
    for folder, node in expand(found, state, tree):
        yield NewItem(
            key=f"export:{node.id}",
            label=node.name or "(no subject)",
            folder_label=" / ".join(folder.path) if folder else "",
            size=node.size,
            node_version_id=node.id,
        )
