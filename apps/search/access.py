"""From what a request names to what was found."""

from uuid import UUID

from django.http import QueryDict

from apps.backups.models import Snapshot
from apps.backups.selectors.browse import as_of, nodes_by_keys
from apps.backups.selectors.lives import Lived
from apps.core.permissions import require_contents
from apps.core.scope import current_account_id

from .asked import Asked
from .excerpts import Place
from .noting import note_search
from .pages import all_of, searched

PLACES_LIMIT = 100


def places_at(places: str) -> list[Place]:
    """Return the items at `backup:item`, with blanks between; what the actor does not see is left out."""
    require_contents()
    wanted: dict[UUID, list[str]] = {}
    for place in places.split()[:PLACES_LIMIT]:
        public_id, _, key = place.partition(":")
        try:
            wanted.setdefault(UUID(public_id), []).append(key)
        except ValueError:
            continue
    found = []
    for snapshot in Snapshot.objects.filter(public_id__in=wanted).defer("cursor", "coverage", "folder_totals"):
        state = as_of(snapshot)
        nodes = nodes_by_keys(state, wanted[snapshot.public_id])
        found += [Place(snapshot, state, node) for node in nodes if not node.is_folder]
    return found


def everything_found(data: QueryDict) -> list[Lived]:
    """Return all that answers what a form asks. Raises QueryProblem, InvalidRequest when it is too much."""
    found = searched(current_account_id(), Asked.of(data))
    note_search(found)
    return all_of(found)
