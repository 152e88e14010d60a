"""The folder tree of a mailbox on any day, in the order Outlook shows it."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..models import Snapshot
from .browse import AsOf, Node, as_of, folders

_ROOTS = frozenset({"msgfolderroot", "root"})
_ORDER = (
    "inbox",
    "drafts",
    "sentitems",
    "deleteditems",
    "archive",
    "junkemail",
    "outbox",
    "conversationhistory",
    "syncissues",
)
_APART = ("searchfolders", "recoverableitemsroot", "recoverableitemsdeletions")


@dataclass(slots=True)
class Folder:
    """A folder with what was in it. `items` and `size` count what is directly inside, not below."""

    node: Node
    items: int = 0
    size: int = 0
    depth: int = 0
    path: tuple[str, ...] = ()
    children: list["Folder"] = field(default_factory=list)

    @property
    def apart(self) -> bool:
        """Tell whether it stands below the line: what the mailbox keeps beside its own folders."""
        return self.node.well_known in _APART or _is_restored(self.node.name)

    def walk(self) -> Iterator["Folder"]:
        """Yield this folder and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def items_below(self) -> int:
        return sum(folder.items for folder in self.walk())

    @property
    def size_below(self) -> int:
        return sum(folder.size for folder in self.walk())


def _is_restored(name: str) -> bool:
    """Tell whether a restore made this folder (recovery/restore/folders.py)."""
    return name.startswith("Restored ") or name.endswith(" (Restored)")


@dataclass(frozen=True, slots=True)
class Tree:
    """All folders of one state. A folder whose parent is unknown stands at the top: nothing is ever hidden."""

    roots: list[Folder]
    by_id: dict[str, Folder]
    top_id: str | None

    def walk(self) -> Iterator[Folder]:
        for root in self.roots:
            yield from root.walk()

    def first(self) -> Folder | None:
        return self.roots[0] if self.roots else None


def folder_tree(snapshot: Snapshot, state: AsOf | None = None) -> Tree:
    """Return the folders of that snapshot with the totals it stored. O(folders), whatever they hold."""
    state = state or as_of(snapshot)
    by_id = {node.remote_id: Folder(node) for node in folders(state)}
    top_id = next((id_ for id_, folder in by_id.items() if folder.node.well_known in _ROOTS), None)
    for folder_id, totals in snapshot.folder_totals.items():
        if folder_id in by_id:
            by_id[folder_id].items, by_id[folder_id].size = _read_totals(totals)
    roots = _nest(by_id, top_id)
    return Tree(roots, by_id, top_id)


def _nest(by_id: dict[str, Folder], top_id: str | None) -> list[Folder]:
    top = by_id[top_id] if top_id else None
    roots: list[Folder] = []
    for folder in by_id.values():
        parent = by_id.get(folder.node.parent_id or "")
        if folder is top:
            if folder.items:  # what lies in the root itself is shown too
                roots.append(folder)
        elif parent is None or parent is top or _inside_itself(folder, by_id):
            roots.append(folder)
        else:
            parent.children.append(folder)
    _arrange(roots, (), 0)
    return roots


def _inside_itself(folder: Folder, by_id: dict[str, Folder]) -> bool:
    """Tell whether following the parents comes back: a damaged tree must not hide folders or loop."""
    seen: set[str] = set()
    at: Folder | None = folder
    while at is not None and at.node.remote_id not in seen:
        seen.add(at.node.remote_id)
        at = by_id.get(at.node.parent_id or "")
    return at is folder


def _arrange(siblings: list[Folder], path: tuple[str, ...], depth: int) -> None:
    siblings.sort(key=_rank)
    for folder in siblings:
        folder.path, folder.depth = (*path, folder.node.name), depth
        _arrange(folder.children, folder.path, depth + 1)


def _rank(folder: Folder) -> tuple[int, int, str, str]:
    known = folder.node.well_known
    position = _ORDER.index(known) if known in _ORDER else len(_ORDER)
    return int(folder.apart), position, _by_letter(folder.node.name), folder.node.remote_id


def _by_letter(name: str) -> str:
    """Return a key that sorts like a person reads: no case, accents only after letters."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return plain.casefold() + "\0" + name.casefold()


def _read_totals(totals: Any) -> tuple[int, int]:
    if isinstance(totals, dict):
        return int(totals.get("items") or 0), int(totals.get("size") or totals.get("bytes") or 0)
    items, size = totals
    return int(items), int(size)
