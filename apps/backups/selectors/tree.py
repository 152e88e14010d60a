"""The folder tree of one kind of data on any day, in the order Outlook shows it."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..models import Snapshot
from .browse import AsOf, Node, as_of, folders, hidden_totals

TOPS = frozenset({"msgfolderroot", "root"})
"""What the mailbox itself is called among its folders."""
_ORDER = (
    "calendar",
    "contacts",
    "defaultlist",
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
# What stands below the line, in this order: the mailbox keeps it beside its own folders (BRW-06).
ARCHIVE = "archivemsgfolderroot"
_APART = ("searchfolders", "recoverableitems", ARCHIVE, "archiverecoverableitems")
_RESTORED = len(_APART)
LOOSE_NAME = "Without a folder"


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
        return _place_apart(self) is not None

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
    """All folders of one state. A folder whose parent is unknown stands at the top: nothing is ever hidden.

    `loose` stand for items in no known folder; their `remote_id` is the unknown one, "" for none at all.
    """

    roots: list[Folder]
    by_id: dict[str, Folder]
    top_id: str | None
    loose: list[Folder] = field(default_factory=list)

    def walk(self) -> Iterator[Folder]:
        for root in self.roots:
            yield from root.walk()

    def first(self) -> Folder | None:
        return next(iter((*self.roots, *self.loose)), None)

    def in_archive(self, folder: Folder) -> bool:
        """Tell whether a folder is the in-place archive, or inside it."""
        at: Folder | None = folder
        for _ in folder.path:
            if at is None or at.node.well_known == ARCHIVE:
                break
            at = self.by_id.get(at.node.parent_id or "")
        return at is not None and at.node.well_known == ARCHIVE


def folder_tree(snapshot: Snapshot, state: AsOf | None = None) -> Tree:
    """Return the folders of that snapshot with the totals it stored. O(folders), whatever they hold."""
    state = state or as_of(snapshot)
    by_id = {node.remote_id: Folder(node) for node in folders(state)}
    top_id = next((id_ for id_, folder in by_id.items() if folder.node.well_known in TOPS), None)
    loose, hidden = [], hidden_totals(state)
    for folder_id, totals in snapshot.folder_totals.items():
        folder = by_id.get(folder_id) or _loose(folder_id)
        folder.items, folder.size = _read_totals(totals)
        items, size = hidden.get(folder_id, (0, 0))
        folder.items, folder.size = folder.items - items, folder.size - size
        if folder_id not in by_id and folder.items:
            loose.append(folder)
    roots = _nest(by_id, top_id)
    return Tree(roots, by_id, top_id, loose)


def _loose(folder_id: str) -> Folder:
    node = Node(
        id=0, remote_id=folder_id, parent_id=None, is_folder=True, well_known="", name=LOOSE_NAME, author="",
        recipients="", time=None, size=0, has_attachments=False, etag="", first=0, gone=None,
    )  # fmt: skip
    return Folder(node, path=(LOOSE_NAME,))


def _place_apart(folder: Folder) -> int | None:
    """Return where a folder stands below the line; None for the mailbox's own."""
    known = folder.node.well_known.lower()
    for place in reversed(range(len(_APART))):
        if known.startswith(_APART[place]):
            return place
    return _RESTORED if _is_restored(folder.node.name) else None


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
    known = folder.node.well_known.lower()
    position = _ORDER.index(known) if known in _ORDER else len(_ORDER)
    apart = _place_apart(folder)
    return 0 if apart is None else apart + 1, position, _by_letter(folder.node.name), folder.node.remote_id


def _by_letter(name: str) -> str:
    """Return a key that sorts like a person reads: no case, accents only after letters."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    return plain.casefold() + "\0" + name.casefold()


def _read_totals(totals: Any) -> tuple[int, int]:
    if isinstance(totals, dict):
        return int(totals.get("items") or 0), int(totals.get("size") or totals.get("bytes") or 0)
    items, size = totals
    return int(items), int(size)
