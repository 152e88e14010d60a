"""Where the items of a folder go in the live target."""

from collections.abc import Sequence

from apps.backups.selectors.tree import Folder, Tree
from apps.connectors.base import ItemWriter, Upsert

WITHOUT_FOLDER = "Restored without a folder"


class TargetFolders:
    """Finds the live folder for a folder of the backup, and makes those that are missing.

    With `root_name` everything goes below one new folder, by names. Without, a folder is itself if it is still
    there, else the one with the same part in the mailbox (Inbox stays Inbox in every language), else the one of
    its name at its place.
    """

    def __init__(self, tree: Tree, live: Sequence[Upsert], root_name: str = "") -> None:
        self._tree, self._root_name = tree, root_name
        self._ids = {folder.remote_id for folder in live}
        self._known = {folder.well_known: folder.remote_id for folder in live if folder.well_known}
        self._named = {(self._place(f.parent_id), f.name.casefold()): f.remote_id for f in live}
        self._made: dict[str, str] = {}

    def find(self, folder: Folder | None) -> str | None:
        """Return the live folder's id; None when it would have to be made."""
        key = folder.node.remote_id if folder else ""
        if key in self._made:
            return self._made[key]
        return None if self._root_name else self._find_in_place(folder)

    def _find_in_place(self, folder: Folder | None) -> str | None:
        if folder is None:
            return self._named.get((None, WITHOUT_FOLDER.casefold()))
        if folder.node.remote_id in self._ids:
            return folder.node.remote_id
        if folder.node.well_known in self._known:
            return self._known[folder.node.well_known]
        parent = self._parent(folder)
        place = self.find(parent) if parent else None
        if parent and place is None:
            return None
        return self._named.get((place, folder.node.name.casefold()))

    async def ensure(self, writer: ItemWriter, folder: Folder | None) -> str:
        """Return the live folder's id, made with all above it when missing. Raises RemoteError."""
        key = folder.node.remote_id if folder else ""
        found = self.find(folder)
        if found is None:
            parent = self._parent(folder) if folder else None
            if parent:
                place: str | None = await self.ensure(writer, parent)
            else:
                place = await self._root(writer)
            name = folder.node.name if folder else WITHOUT_FOLDER
            found = await writer.ensure_folder(place, name)
        self._made[key] = found
        return found

    async def _root(self, writer: ItemWriter) -> str | None:
        if not self._root_name:
            return None
        if "root" not in self._made:
            self._made["root"] = await writer.ensure_folder(None, self._root_name)
        return self._made["root"]

    def _parent(self, folder: Folder) -> Folder | None:
        parent_id = folder.node.parent_id or ""
        if len(folder.path) < 2 or parent_id == self._tree.top_id:
            return None
        return self._tree.by_id.get(parent_id)

    def _place(self, parent_id: str | None) -> str | None:
        """The mailbox's own root is not a folder of the list: what lies in it has no parent here."""
        return parent_id if parent_id in self._ids else None


def free_root_name(live: Sequence[Upsert], wanted: str) -> str:
    """Return `wanted`, numbered when there is such a folder already: restores never mix."""
    taken = {folder.name.casefold() for folder in live}
    name, number = wanted, 1
    while name.casefold() in taken:
        number += 1
        name = f"{wanted} ({number})"
    return name
