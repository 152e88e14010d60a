"""What the browse pages show, put together for the templates."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from apps.backups.enums import Verdict
from apps.backups.models import Run, Snapshot
from apps.backups.selectors import browse
from apps.backups.selectors.browse import AsOf, Node, Page, Sort, as_of, folder_page
from apps.backups.selectors.held import held_by_themselves
from apps.backups.selectors.points import Point, neighbour_runs
from apps.backups.selectors.tree import Folder, Tree, folder_tree
from apps.core.errors import NotFound
from apps.core.typed import typed

from .access import snapshot_at
from .choosing import Pick, Picks, picks_of
from .columns import Cells, cells_of
from .kinds import Kind, kind_of
from .places import point_url
from .services import selections_of

# Rows that one page grows to by "Show 50 more"; after that it starts anew, so that it stays light.
SHOWN_LIMIT = 500
REVIEWED = 200
_ICONS = {
    "inbox": "inbox",
    "drafts": "pencil",
    "sentitems": "send",
    "deleteditems": "trash",
    "recoverableitemsroot": "undo",
    "recoverableitemsdeletions": "undo",
    "archivemsgfolderroot": "box",
    "archiverecoverableitems": "undo",
    "archive": "box",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One item in the list."""

    node: Node
    cells: Cells
    gone: bool
    held: bool
    ticked: bool
    url: str


@dataclass(frozen=True, slots=True)
class FolderRow:
    """One folder in the tree, with those below it."""

    folder: Folder
    icon: str
    url: str
    current: bool
    chosen: bool
    children: list["FolderRow"]


@dataclass(frozen=True, slots=True)
class Held:
    """What a backup holds of one kind of data; `is_older`: its run kept no newer state of it."""

    kind: Kind
    snapshot: Snapshot
    is_older: bool

    @property
    def state(self) -> str:
        return Verdict.PARTIAL if self.is_older else self.snapshot.verdict

    @property
    def state_words(self) -> str:
        return "Older" if self.is_older else ""


@dataclass(frozen=True, slots=True)
class Card(Held):
    """One kind of data of the backup, to open it."""

    selected: int
    current: bool
    url: str


@dataclass(frozen=True, slots=True)
class BrowsePage:
    """One backup opened: kinds on top, tree on the left, a page of a folder in the middle.

    `folder_locked`: the folder is chosen with what it lies in, so that it cannot be taken out alone.
    """

    point: Point
    cards: list[Card]
    kind: Kind
    snapshot: Snapshot
    state: AsOf
    tree: Tree
    own: list[FolderRow]
    apart: list[FolderRow]
    folder: Folder | None
    folder_chosen: bool
    folder_locked: bool
    rows: list[Row]
    page: Page
    sort: Sort
    text: str
    more_url: str
    fresh: bool
    before: Run | None
    after: Run | None
    bar: "Bar"

    @property
    def kind_chosen(self) -> bool:
        """Tell whether this kind of data is chosen whole."""
        pick = self.bar.pick(self.snapshot)
        return pick is not None and pick.choice.everything

    @property
    def is_older(self) -> bool:
        """Tell whether this kind of data could not be read by the run itself."""
        return self.point.is_older(self.snapshot)

    @property
    def empty_title(self) -> str:
        return f"No {self.kind.item[1]} in this {self.kind.folder[0]}"


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar that acts on what is selected."""

    point: Point
    picks: Picks

    @property
    def everything(self) -> bool:
        """Tell whether every kind of the backup is chosen whole."""
        return len(self.picks.picks) == len(self.point.snapshots) and all(
            p.choice.everything for p in self.picks
        )

    def pick(self, snapshot: Snapshot) -> Pick | None:
        return next((pick for pick in self.picks if pick.snapshot == snapshot), None)


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """What is selected, kind by kind; of each the first REVIEWED single items."""

    picks: Picks
    first: list[tuple[Pick, list[Node]]]
    left_out: int


def bar_of(point: Point) -> Bar:
    """Look up what the actor has selected in this backup."""
    return Bar(point, picks_of(selections_of(point)))


def review_page(point: Point) -> ReviewPage:
    """Read what the actor has selected."""
    picks = picks_of(selections_of(point))
    first = [(pick, pick.found.items[:REVIEWED]) for pick in picks]
    return ReviewPage(picks, first, sum(len(pick.found.items) - len(shown) for pick, shown in first))


def browse_page(point: Point, query: dict[str, str]) -> BrowsePage:
    """Read the page that the address asks for. Unknown orders fall back; an unknown folder is NotFound."""
    snapshot = snapshot_at(point, query.get("kind", ""))
    state = as_of(snapshot)
    tree = folder_tree(snapshot, state)
    folder = _folder(tree, query.get("folder", ""))
    kind = kind_of(snapshot.sub_service)
    sort = next((sort for sort, _ in kind.orders if sort == query.get("sort")), kind.orders[0][0])
    text, shown = typed(query, most=200), _shown(query)
    page = Page([], None)
    if folder is not None:
        page = folder_page(state, folder.node.remote_id, sort=sort, after=query.get("after") or None, text=text)
    bar = bar_of(point)
    pick = bar.pick(snapshot)
    closure = pick.found.closure if pick else set()
    whole = folder is not None and folder.node.remote_id in closure
    before, after = neighbour_runs(point)
    view = _View(point, snapshot, kind, folder, closure)
    return BrowsePage(
        point=point,
        cards=[_card(point, each, bar, current=each == snapshot) for each in point.snapshots],
        kind=kind,
        snapshot=snapshot,
        state=state,
        tree=tree,
        own=[_folder_row(f, view) for f in (*(f for f in tree.roots if not f.apart), *tree.loose)],
        apart=[_folder_row(f, view) for f in tree.roots if f.apart],
        folder=folder,
        folder_chosen=whole,
        folder_locked=whole
        and folder is not None
        and pick is not None
        and folder.node.key not in pick.choice.folders,
        rows=_rows(kind, snapshot, state, page, None if whole else set(pick.choice.items) if pick else set()),
        page=page,
        sort=sort,
        text=text,
        more_url=_more_url(view, page, shown, sort=sort.value, q=text),
        fresh=shown + len(page.nodes) >= SHOWN_LIMIT,
        before=before,
        after=after,
        bar=bar,
    )


@dataclass(frozen=True, slots=True)
class _View:
    """Where the page stands; `closure` holds the remote ids of all chosen folders."""

    point: Point
    snapshot: Snapshot
    kind: Kind
    folder: Folder | None
    closure: set[str]

    def url(self, folder: Folder | None, **query: Any) -> str:
        key = folder.node.key if folder else ""
        return point_url(self.point.run, self.snapshot.sub_service, folder=key, **query)


def _card(point: Point, snapshot: Snapshot, bar: Bar, *, current: bool) -> Card:
    pick = bar.pick(snapshot)
    kind = kind_of(snapshot.sub_service)
    return Card(
        kind=kind,
        snapshot=snapshot,
        is_older=point.is_older(snapshot),
        selected=pick.found.total if pick else 0,
        current=current,
        url=point_url(point.run, kind.sub_service),
    )


def _folder(tree: Tree, key: str) -> Folder | None:
    if not key:
        return tree.first()
    for folder in (*tree.walk(), *tree.loose):
        if folder.node.key == key:
            return folder
    raise NotFound("This backup holds no such folder.", do="Choose one from the list of folders.")


def _rows(kind: Kind, snapshot: Snapshot, state: AsOf, page: Page, ticked: set[str] | None) -> list[Row]:
    """Return the rows; `ticked` is None when the whole folder is chosen."""
    gone = browse.no_longer_there(state, page.nodes)
    held = held_by_themselves(state.entity_id, state.sub_service, [node.remote_id for node in page.nodes])
    stored = browse.contents(state, [node.id for node in page.nodes]) if kind.columns else {}
    return [
        Row(
            node=node,
            cells=cells_of(kind, node, stored[node.id].props if node.id in stored else b""),
            gone=node.remote_id in gone,
            held=node.remote_id in held,
            ticked=ticked is None or node.key in ticked,
            url=reverse("recovery_item", args=[snapshot.public_id, node.key]),
        )
        for node in page.nodes
    ]


def _folder_row(folder: Folder, view: _View) -> FolderRow:
    return FolderRow(
        folder=folder,
        icon=_ICONS.get(folder.node.well_known, view.kind.folder_icon),
        url=view.url(folder),
        current=folder is view.folder,
        chosen=folder.node.remote_id in view.closure,
        children=[_folder_row(child, view) for child in folder.children],
    )


def _more_url(view: _View, page: Page, shown: int, **query: str) -> str:
    if page.next is None:
        return ""
    shown = shown + len(page.nodes)
    return view.url(view.folder, after=page.next, shown=0 if shown >= SHOWN_LIMIT else shown, **query)


def _shown(query: dict[str, str]) -> int:
    shown = query.get("shown", "")
    return int(shown) if shown.isdecimal() and len(shown) < 6 else 0
