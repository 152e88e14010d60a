"""One kind of data on its way from its backup into the live target."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.backups.selectors.browse import AsOf, Node, as_of, node_key, nodes_by_keys
from apps.backups.selectors.tree import Folder, Tree, folder_tree
from apps.connectors.base import Upsert
from apps.connectors.enums import SubService
from apps.connectors.writing import ItemWriter, Listing, ListsFolders, TellsPlaces
from apps.jobs.models import Job

from ..enums import RestoreMode
from ..models import Plan, PlanPart
from .copies import copies_of, origins_of
from .folders import FLAT, Make, Naming, TargetFolders
from .made import Maker
from .target import Target

ORDER = (
    SubService.MAIL,
    SubService.CALENDARS,
    SubService.CONTACTS,
    SubService.TASKS,
    SubService.NOTES,
    SubService.SETTINGS,
)


@dataclass(frozen=True, slots=True)
class Lane:
    """`mode` is the plan's, but for kinds that it makes no sense for."""

    kind: SubService
    mode: RestoreMode
    part: PlanPart
    state: AsOf
    tree: Tree
    target: Target
    target_id: int
    writer: ItemWriter
    folders: TargetFolders

    def maker(self, job: Job) -> Make:
        return Maker(job, self.kind, self.writer, self.target.do)

    def ensure(self, folder: Folder | None, job: Job) -> str:
        """Return the live folder's id, made when it is missing. Raises RemoteError."""
        return self.folders.ensure(folder, self.maker(job))

    def listing(self, live_id: str) -> Listing | None:
        """Read a live folder at once, where that can be: cheaper for many items, too old to write by."""
        return (
            self.target.do(self.writer.list_folder(live_id)) if isinstance(self.writer, ListsFolders) else None
        )

    def there_already(
        self, live_id: str, pairs: Sequence[tuple[str, bytes]], listing: Listing | None = None
    ) -> dict[str, str]:
        """Map remote ids of the backup to the live items that they are; another item of the backup is not one.

        What an earlier restore wrote for an item is that item, whatever its id. Two copies of one message look
        the same: a live one that the backup knows, or that was written for such a one, is that one only.
        """
        if listing is not None and isinstance(self.writer, ListsFolders):
            found = self.writer.find_listed(listing, pairs)
        else:
            found = self.target.do(self.writer.find_existing(live_id, pairs))
        found |= self._copies(live_id, [each for each, _ in pairs if found.get(each) != each], listing)
        strange = {there for remote_id, there in found.items() if there != remote_id}
        stands_for = origins_of(self.target_id, self.kind, strange)
        own = origins_of(self.state.entity_id, self.kind, [remote_id for remote_id, _ in pairs])
        known = self._known({*stands_for.values(), *map(node_key, strange)})
        return {
            remote_id: there
            for remote_id, there in found.items()
            if there == remote_id
            or (
                node_key(there) not in known
                and (stands_for[there] == own[remote_id] or stands_for[there] not in known)
            )
        }

    def _copies(self, live_id: str, remote_ids: Sequence[str], listing: Listing | None) -> dict[str, str]:
        """Map remote ids to what an earlier restore wrote for them, where that is still in this folder."""
        own = origins_of(self.state.entity_id, self.kind, remote_ids)
        copies = copies_of(self.target_id, self.kind, own.values())
        asked = dict.fromkeys(each for written in copies.values() for each in written)
        if not asked:
            return {}
        if listing is not None:
            here = {each for each in asked if each in listing.etags}
        else:
            seen = self.target.do(self.writer.read_back(asked))
            here = {each for each, now in seen.items() if now.folder_id == live_id}
        known = self._known(map(node_key, here))
        here = {each for each in here if node_key(each) not in known}
        found = {each: [w for w in copies.get(own[each], ()) if w in here] for each in remote_ids}
        return {each: written[0] for each, written in found.items() if written}

    def elsewhere(self, live_id: str | None, missing: Sequence[str]) -> set[str]:
        """Return those of what is missing in its folder that people have filed in another one: they stay there.

        To write such a one again would leave the mailbox with two of it.
        """
        in_place = (
            self.mode in (RestoreMode.SKIP, RestoreMode.REPLACE) and self.target_id == self.state.entity_id
        )
        if not in_place or not missing or not isinstance(self.writer, TellsPlaces):
            return set()
        places = self.target.do(self.writer.places(missing))
        return {each for each, place in places.items() if place != live_id and self.folders.keeps(place)}

    def _known(self, keys: Iterable[str]) -> set[str]:
        """Return those of these keys that the backup itself holds at this point."""
        return {node.key for node in nodes_by_keys(self.state, list(keys))}

    def unchanged(
        self, nodes: Iterable[Node], live: Mapping[str, str], listing: Listing | None = None
    ) -> set[str]:
        """Return the remote ids of those that are there just as they were in the backup.

        To replace such a one would only cost it what Microsoft lets nobody set, an event its attendees.
        """
        same = {node.remote_id: node.etag for node in nodes if live.get(node.remote_id) == node.remote_id}
        if self.mode != RestoreMode.REPLACE or not same:
            return set()
        if listing is not None:
            return {remote_id for remote_id, etag in same.items() if listing.etags.get(remote_id) == etag}
        connector, entity = self.target.connector, self.target.entity
        listed = self.target.do(connector.listed(entity, self.kind, list(same)))
        return {remote_id for remote_id, now in listed.items() if now.etag == same.get(remote_id)}


def parts_of(plan: Plan) -> list[PlanPart]:
    """Return the parts of a plan in the order in which they are restored."""
    parts = plan.parts.select_related("snapshot__entity__task", "snapshot__run")
    return sorted(parts, key=lambda part: ORDER.index(SubService(part.snapshot.sub_service)))


def mode_of(plan: Plan, kind: str) -> RestoreMode:
    """Return how a kind of data is restored: settings are never doubled, and notes have no folders."""
    mode = RestoreMode(plan.mode)
    if kind == SubService.SETTINGS and mode in (RestoreMode.NEW_ROOT, RestoreMode.DUPLICATE):
        return RestoreMode.SKIP
    if kind == SubService.NOTES and mode == RestoreMode.NEW_ROOT:
        return RestoreMode.DUPLICATE
    return mode


def open_lanes(
    plan: Plan, target: Target, settle: Callable[[Sequence[Upsert]], str], parts: list[PlanPart] | None = None
) -> dict[str, Lane]:
    """Open every kind of data of a plan, or these. `settle` sees all live folders and gives the root's name.

    Raises InvalidRequest for a kind that cannot be written, RemoteError.
    """
    parts = parts_of(plan) if parts is None else parts
    writers = [target.items(part.snapshot.sub_service) for part in parts]
    live = [target.do(writer.folders()) for writer in writers]
    root_name = settle([folder for folders in live for folder in folders])
    return {
        part.snapshot.sub_service: _lane((plan, part, root_name), target, writer, folders)
        for part, writer, folders in zip(parts, writers, live, strict=True)
    }


def _lane(wanted: tuple[Plan, PlanPart, str], target: Target, writer: ItemWriter, live: list[Upsert]) -> Lane:
    plan, part, root_name = wanted
    kind, state = SubService(part.snapshot.sub_service), as_of(part.snapshot)
    mode, tree = mode_of(plan, kind), folder_tree(part.snapshot, state)
    naming = Naming(
        root_name=root_name if mode == RestoreMode.NEW_ROOT else "",
        suffix=f" ({plan.mark})" if plan.options.get("mark_folders") else "",
    )
    folders = TargetFolders(tree, live, naming, flat=kind in FLAT)
    return Lane(kind, mode, part, state, tree, target, plan.target_id, writer, folders)
