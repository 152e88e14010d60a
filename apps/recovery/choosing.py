"""What a choice of items and folders comes to: its totals, and its items one by one without doubles."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from apps.backups.models import Snapshot
from apps.backups.selectors.browse import AsOf, Node, as_of, items_of_folder, nodes_by_keys
from apps.backups.selectors.tree import Folder, Tree, folder_tree

from .kinds import Kind, kind_of
from .models import Choice


@dataclass(frozen=True, slots=True)
class Chosen:
    """A choice looked up in its backup. `folders` are the topmost chosen ones; `closure` is all below them."""

    folders: list[Folder]
    closure: set[str]
    items: list[Node]

    @property
    def total(self) -> int:
        return len(self.items) + sum(folder.items_below for folder in self.folders)

    @property
    def size(self) -> int:
        return sum(node.size for node in self.items) + sum(folder.size_below for folder in self.folders)


@dataclass(frozen=True, slots=True)
class Pick:
    """What is chosen of one kind of data, looked up in its backup."""

    choice: Choice
    state: AsOf
    tree: Tree
    found: Chosen

    @property
    def snapshot(self) -> Snapshot:
        return self.choice.snapshot

    @property
    def kind(self) -> Kind:
        return kind_of(self.snapshot.sub_service)


@dataclass(frozen=True, slots=True)
class Picks:
    """All that is chosen at one point in time, kind by kind in the order of SubService."""

    picks: tuple[Pick, ...]

    def __iter__(self) -> Iterator[Pick]:
        return iter(self.picks)

    @property
    def is_empty(self) -> bool:
        return not any(pick.found.total or pick.found.folders for pick in self.picks)

    @property
    def total(self) -> int:
        return sum(pick.found.total for pick in self.picks)

    @property
    def size(self) -> int:
        return sum(pick.found.size for pick in self.picks)

    @property
    def words(self) -> str:
        """Say it as a person would: "3 messages, 1 event and 2 folders"."""
        said = [pick.kind.items(len(pick.found.items)) for pick in self.picks if pick.found.items]
        folders: Counter[tuple[str, str]] = Counter()
        for pick in self.picks:
            folders[pick.kind.folder] += len(pick.found.folders)
        said += [f"{count:,} {noun[count != 1]}" for noun, count in folders.items() if count]
        *most, last = said or ["nothing"]
        return f"{', '.join(most)} and {last}" if most else last


def picks_of(choices: Iterable[Choice]) -> Picks:
    """Look up what is chosen of each kind. Costs a few queries a kind, whatever folders hold."""
    picks = []
    for choice in choices:
        state = as_of(choice.snapshot)
        tree = folder_tree(choice.snapshot, state)
        picks.append(Pick(choice, state, tree, chosen(choice, state, tree)))
    return Picks(tuple(picks))


def chosen(choice: Choice, state: AsOf, tree: Tree) -> Chosen:
    """Look the choice up. Keys that this backup does not hold are left out."""
    if choice.everything:
        return Chosen([*tree.roots, *tree.loose], {*tree.by_id, *(f.node.remote_id for f in tree.loose)}, [])
    keys = set(choice.folders)
    tops = [f for f in tree.walk() if f.node.key in keys and not _inside(f, keys, tree)]
    tops += [folder for folder in tree.loose if folder.node.key in keys]
    closure = {folder.node.remote_id for top in tops for folder in top.walk()}
    nodes = [
        n for n in nodes_by_keys(state, choice.items) if not n.is_folder and (n.parent_id or "") not in closure
    ]
    nodes.sort(key=lambda node: (node.time is not None, node.time, node.id), reverse=True)
    return Chosen(tops, closure, nodes)


def _inside(folder: Folder, keys: set[str], tree: Tree) -> bool:
    seen: set[str] = set()
    parent = tree.by_id.get(folder.node.parent_id or "")
    while parent is not None and parent.node.remote_id not in seen:
        if parent.node.key in keys:
            return True
        seen.add(parent.node.remote_id)
        parent = tree.by_id.get(parent.node.parent_id or "")
    return False


def expand(found: Chosen, state: AsOf, tree: Tree) -> Iterator[tuple[Folder | None, Node]]:
    """Yield every item with its folder, folder by folder, newest first, in bounded memory."""
    by_folder: dict[str, list[Node]] = {}
    for node in found.items:
        by_folder.setdefault(node.parent_id or "", []).append(node)
    for folder in tree.walk():
        remote_id = folder.node.remote_id
        if remote_id in found.closure:
            for node in items_of_folder(state, remote_id):
                yield folder, node
        for node in by_folder.pop(remote_id, ()):
            yield folder, node
    for folder in tree.loose:
        if folder.node.remote_id in found.closure:
            for node in items_of_folder(state, folder.node.remote_id):
                yield None, node
    for nodes in by_folder.values():
        for node in nodes:
            yield tree.by_id.get(node.parent_id or ""), node


def folders_with_items(found: Chosen, tree: Tree) -> list[Folder]:
    """Return the folders that a restore or export makes, parents first: chosen ones even when empty."""
    needed = found.closure | {node.parent_id or "" for node in found.items}
    return [folder for folder in tree.walk() if folder.node.remote_id in needed]


def newest(state: AsOf, tree: Tree, count: int) -> list[str]:
    """Return the keys of the newest items of all folders together."""
    heads = [node for f in tree.walk() for node in islice(items_of_folder(state, f.node.remote_id), count)]
    heads.sort(key=lambda node: (node.time is not None, node.time, node.id), reverse=True)
    return [node.key for node in heads[:count]]
