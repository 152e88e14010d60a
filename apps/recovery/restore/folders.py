"""Where the items of a folder go in the live target."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from apps.backups.selectors.tree import TOPS, Folder, Tree
from apps.connectors.base import Upsert
from apps.connectors.enums import SubService

WITHOUT_FOLDER = "Restored without a folder"
ROOT = "root"  # the new folder itself, in MadeFolder.source; ids of providers never read like this
FLAT = frozenset({SubService.CALENDARS, SubService.TASKS})
"""Kinds whose folders cannot hold folders: each chosen one becomes a new one beside the others."""

Make = Callable[[str, str | None, str], str]
"""Source (MadeFolder.source), parent's id, name → id of the folder, made when there is none."""


@dataclass(frozen=True, slots=True)
class Naming:
    """How new folders are called: all below `root_name`, or in their place with `suffix` after the name."""

    root_name: str = ""
    suffix: str = ""


class TargetFolders:
    """Finds the live folder for a folder of the backup, and makes those that are missing.

    With a root name everything goes below one new folder, by names; where folders hold no folders, into new
    ones whose names begin with it. Without, a folder is itself if it is still there, else the one with the same
    part in the mailbox (Inbox stays Inbox in every language), else the one of its name at its place. One that
    people have deleted since is not there, though Deleted Items hold it with all its mail.
    """

    def __init__(self, tree: Tree, live: Sequence[Upsert], naming: Naming, *, flat: bool = False) -> None:
        self._tree, self._naming, self._flat = tree, naming, flat
        self._ids = {folder.remote_id for folder in live}
        self._top = next((folder.remote_id for folder in live if folder.well_known in TOPS), None)
        self._known = {folder.well_known: folder.remote_id for folder in live if folder.well_known}
        self._named = {(self._place(f.parent_id), f.name.casefold()): f.remote_id for f in live}
        self._parents = {folder.remote_id: folder.parent_id for folder in live}
        self._ready: dict[str, str] = {}

    def keeps(self, live_id: str) -> bool:
        """Tell whether a live folder is one in which people keep things: Deleted Items and below is none."""
        above: set[str | None] = set()
        at: str | None = live_id
        while at in self._parents and at not in above:
            if at == self._known.get("deleteditems"):
                return False
            above.add(at)
            at = self._parents[at]
        return live_id in self._ids

    def find(self, folder: Folder | None) -> str | None:
        """Return the live folder's id; None when it would have to be made."""
        key = folder.node.remote_id if folder else ""
        if key in self._ready:
            return self._ready[key]
        return None if self._naming.root_name else self._find_in_place(folder)

    def _find_in_place(self, folder: Folder | None) -> str | None:
        if folder is None:
            return self._named.get((None, WITHOUT_FOLDER.casefold()))
        if self._is_there(folder):
            return folder.node.remote_id
        if folder.node.well_known in self._known:
            return self._known[folder.node.well_known]
        parent = self._parent(folder)
        place = self.find(parent) if parent else None
        if parent and place is None:
            return None
        names = (folder.node.name, self._new_name(folder))
        return next(
            (found for name in names if (found := self._named.get((place, name.casefold())))),
            None,
        )

    def _is_there(self, folder: Folder) -> bool:
        live_id = folder.node.remote_id
        return live_id in self._ids and (self.keeps(live_id) or self._lay_deleted(folder))

    def _lay_deleted(self, folder: Folder) -> bool:
        """Tell whether the backup itself holds this folder as Deleted Items, or below."""
        above: Folder | None = folder
        for _ in folder.path:
            if above is None or above.node.well_known == "deleteditems":
                break
            above = self._tree.by_id.get(above.node.parent_id or "")
        return above is not None and above.node.well_known == "deleteditems"

    def ensure(self, folder: Folder | None, make: Make) -> str:
        """Return the live folder's id, made with all above it when missing. Raises what `make` raises."""
        key = folder.node.remote_id if folder else ""
        found = self.find(folder)
        if found is None:
            parent = self._parent(folder) if folder else None
            place = self.ensure(parent, make) if parent else self._root(make)
            found = make(key, place, self._new_name(folder))
        self._ready[key] = found
        return found

    def _new_name(self, folder: Folder | None) -> str:
        name = folder.node.name if folder else WITHOUT_FOLDER
        if self._naming.root_name:
            return f"{self._naming.root_name} {name}" if self._flat else name
        return name + self._naming.suffix

    def _root(self, make: Make) -> str | None:
        if not self._naming.root_name or self._flat:
            return None
        if ROOT not in self._ready:
            self._ready[ROOT] = make(ROOT, None, self._naming.root_name)
        return self._ready[ROOT]

    def _parent(self, folder: Folder) -> Folder | None:
        parent_id = folder.node.parent_id or ""
        if self._flat or len(folder.path) < 2 or parent_id == self._tree.top_id:
            return None
        return self._tree.by_id.get(parent_id)

    def _place(self, parent_id: str | None) -> str | None:
        """What lies in the mailbox itself has no parent here, whether the list names its top folder or not."""
        return None if self._flat or parent_id == self._top or parent_id not in self._ids else parent_id


def free_root_name(taken: Iterable[str], wanted: str) -> str:
    """Return `wanted`, numbered when some folder is called so or begins with it: restores never mix."""
    names = [each.casefold() for each in taken]
    name, number = wanted, 1
    while any(each == name.casefold() or each.startswith(name.casefold() + " ") for each in names):
        number += 1
        name = f"{wanted} ({number})"
    return name
