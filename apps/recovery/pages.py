"""What the browse pages show, put together for the templates."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from apps.backups.models import Entity, Run, Snapshot
from apps.backups.selectors import browse, days
from apps.backups.selectors.browse import AsOf, Node, Page, Sort, as_of, folder_page
from apps.backups.selectors.points import Point, neighbour_runs
from apps.backups.selectors.tree import Folder, Tree, folder_tree
from apps.core.calendar import DayMark, Month, month_of
from apps.core.errors import NotFound

from .access import snapshot_at
from .choosing import Pick, Picks, picks_of
from .kinds import Kind, kind_of
from .places import point_url
from .services import selections_of

ORDERS = (
    (Sort.NEWEST, "Newest first"),
    (Sort.OLDEST, "Oldest first"),
    (Sort.SENDER, "Sender, A to Z"),
    (Sort.SENDER_LAST, "Sender, Z to A"),
    (Sort.SUBJECT, "Subject, A to Z"),
    (Sort.SUBJECT_LAST, "Subject, Z to A"),
    (Sort.LARGEST, "Largest first"),
    (Sort.SMALLEST, "Smallest first"),
)
# Rows that one page grows to by "Show 50 more"; after that it starts anew, so that it stays light.
SHOWN_LIMIT = 500
REVIEWED = 200
_ICONS = {
    "inbox": "inbox",
    "drafts": "pencil",
    "sentitems": "send",
    "deleteditems": "trash",
    "archive": "box",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One message in the list."""

    node: Node
    gone: bool
    ticked: bool
    open: bool
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
class Card:
    """One kind of data of the backup, to open it."""

    kind: Kind
    snapshot: Snapshot
    is_older: bool
    selected: int
    current: bool
    url: str


@dataclass(frozen=True, slots=True)
class BrowsePage:
    """One backup opened: kinds on top, tree on the left, a page of a folder in the middle."""

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
    rows: list[Row]
    page: Page
    sort: Sort
    text: str
    more_url: str
    fresh: bool
    before: Run | None
    after: Run | None
    bar: "Bar"
    orders: tuple[tuple[Sort, str], ...] = ORDERS


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
class DayPage:
    """The calendar of one mailbox and the card of the chosen day."""

    entity: Entity
    month: Month
    previous_url: str
    next_url: str
    span: tuple[date, date]
    day: date
    backups: list[days.Backup] = field(default_factory=list)
    chosen: days.Backup | None = None


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
    sort = Sort(query["sort"]) if query.get("sort") in set(Sort) else Sort.NEWEST
    text, shown = query.get("q", "").strip()[:200], _shown(query)
    page = Page([], None)
    if folder is not None:
        page = folder_page(state, folder.node.remote_id, sort=sort, after=query.get("after") or None, text=text)
    bar = bar_of(point)
    pick = bar.pick(snapshot)
    closure = pick.found.closure if pick else set()
    whole = folder is not None and folder.node.remote_id in closure
    before, after = neighbour_runs(point)
    view = _View(point, snapshot, folder, closure)
    return BrowsePage(
        point=point,
        cards=[_card(point, each, bar, current=each == snapshot) for each in point.snapshots],
        kind=kind_of(snapshot.sub_service),
        snapshot=snapshot,
        state=state,
        tree=tree,
        own=[_folder_row(f, view) for f in tree.roots if not f.apart],
        apart=[_folder_row(f, view) for f in tree.roots if f.apart],
        folder=folder,
        folder_chosen=whole,
        rows=_rows(snapshot, state, page, set(pick.choice.items) if pick else set(), whole),
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


def day_page(entity: Entity, query: dict[str, str]) -> DayPage | None:
    """Read the calendar; None when there is no backup yet. The default is the last backup (BRW-04)."""
    span = days.span_of(entity)
    if span is None:
        return None
    day = _date(query.get("day", "")) or (_date(query.get("month", "") + "-01") or span[1])
    month = (_date(query.get("month", "") + "-01") or day).replace(day=1)
    marked = days.days_of_month(entity, month)
    if not query.get("day") and query.get("month") and marked:
        day = max(marked)
    backups = list(marked[day].backups) if day in marked else []
    chosen_backup = next((b for b in backups if str(b.run.public_id) == query.get("run")), None)
    chosen_backup = chosen_backup or next((b for b in backups if b.snapshots), backups[0] if backups else None)
    marks = {
        d: DayMark(found.verdict, _day_url(entity, d), len(found.backups) > 1) for d, found in marked.items()
    }
    return DayPage(
        entity=entity,
        month=month_of(
            month.year, month.month, marks, today=timezone.localdate(), selected=day if backups else None
        ),
        previous_url=_month_url(entity, month - timedelta(days=1)) if month > span[0] else "",
        next_url=_month_url(entity, month + timedelta(days=32))
        if (month + timedelta(days=31)) <= span[1]
        else "",
        span=span,
        day=day,
        backups=backups,
        chosen=chosen_backup,
    )


def life_words(state: AsOf, snapshot: Snapshot, life: browse.Life) -> str:
    """Say when a message was first seen and between which backups it was deleted."""
    wanted = {life.first} | ({life.gone_at - 1, life.gone_at} if life.gone_at else set())
    moments = days.taken_at(snapshot, wanted)
    first = f"First seen {_day_words(moments.get(life.first))}"
    if life.gone_at:
        last, without = moments.get(life.gone_at - 1), moments.get(life.gone_at)
        return f"{first}, deleted between {_day_words(last)} and {_day_words(without)}"
    versions = f", {len(life.versions)} versions" if len(life.versions) > 1 else ""
    return f"{first}, still in the mailbox{versions}"


def _day_words(moment: datetime | None) -> str:
    if moment is None:
        return "an earlier backup"
    local = timezone.localtime(moment)
    return f"{local.day} {local:%b %Y, %H:%M}"


def _folder(tree: Tree, key: str) -> Folder | None:
    if not key:
        return tree.first()
    for folder in tree.walk():
        if folder.node.key == key:
            return folder
    raise NotFound("This backup holds no such folder.", do="Choose one from the list of folders.")


def _rows(snapshot: Snapshot, state: AsOf, page: Page, ticked: set[str], whole: bool) -> list[Row]:
    gone = browse.no_longer_there(state, page.nodes)
    return [
        Row(
            node=node,
            gone=node.remote_id in gone,
            ticked=whole or node.key in ticked,
            open=False,
            url=reverse("recovery_item", args=[snapshot.public_id, node.key]),
        )
        for node in page.nodes
    ]


def _folder_row(folder: Folder, view: _View) -> FolderRow:
    return FolderRow(
        folder=folder,
        icon=_ICONS.get(folder.node.well_known, "folder"),
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


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1970 < found.year < 9000 else None


def _day_url(entity: Entity, day: date) -> str:
    return f"{reverse('recovery_entity', args=[entity.public_id])}?day={day.isoformat()}"


def _month_url(entity: Entity, day: date) -> str:
    return f"{reverse('recovery_entity', args=[entity.public_id])}?month={day:%Y-%m}"
