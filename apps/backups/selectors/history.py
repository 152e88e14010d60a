"""What the page of one entity shows: its runs, what the last snapshot covers, and thirty days in bars."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Q

from apps.connectors.enums import SkipCause, SubService
from apps.core import clock
from apps.core.keyset import KeysetPage, page_of

from ..enums import IssueKind, Verdict
from ..models import CoverageGap, Entity, NodeVersion, Run, RunIssue, Snapshot
from .tree import TOPS

RUNS_PER_PAGE = 10
ISSUES_PER_PAGE = 100
CHART_DAYS = 30
FEW_FOLDERS = 5
ICONS = {
    SubService.MAIL: "mail",
    SubService.CALENDARS: "calendar",
    SubService.CONTACTS: "contact",
    SubService.TASKS: "tasks",
    SubService.NOTES: "note",
    SubService.SETTINGS: "sliders",
}
MARKS = (Verdict.FAILED, Verdict.PARTIAL)


def run_page(entity: Entity, *, before: UUID | None = None, after: UUID | None = None) -> KeysetPage[Run]:
    """Runs of the entity, newest first."""
    return page_of(
        Run.objects.filter(entity=entity),
        keys=("started_at", "id"),
        size=RUNS_PER_PAGE,
        descending=True,
        before=before,
        after=after,
    )


def took_words(run: Run) -> str:
    """ "6 min 48 s": how long it took, or has taken so far."""
    seconds = int(((run.finished_at or clock.now()) - run.started_at).total_seconds())
    minutes, seconds = divmod(max(seconds, 0), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    if minutes:
        return f"{minutes} min {seconds:02} s"
    return f"{seconds} s" if seconds else "under 1 s"


def running_run(entity: Entity) -> Run | None:
    """The run in progress as its row says; whether it is alive is said by the entity's lease."""
    return Run.objects.filter(entity=entity, verdict=Verdict.RUNNING).order_by("-started_at").first()


@dataclass(frozen=True, slots=True)
class IssuePage:
    """Items that a run did not store, failed ones first. `next` is the row to go on after, 0 at the end."""

    issues: list[RunIssue]
    next: int


def issue_page(run: Run, kind: IssueKind, after: int = 0) -> IssuePage:
    """One page of the items of this kind, each with its cause and what to do."""
    rows = RunIssue.objects.filter(run=run, kind=kind, id__gt=after).order_by("id")
    found = list(rows[: ISSUES_PER_PAGE + 1])
    more, found = len(found) > ISSUES_PER_PAGE, found[:ISSUES_PER_PAGE]
    return IssuePage(found, found[-1].pk if more else 0)


# ---- coverage ----


@dataclass(frozen=True, slots=True)
class FolderCoverage:
    """One folder: what the provider counts and what is kept. `expected` is None when it does not say.

    `left_out` are those of the skipped that a rule leaves out, and `causes` say why the others were. `what` and
    `do` are of one that was not read to its end.
    """

    path: str
    expected: int | None
    captured: int
    failed: int
    skipped: int
    left_out: int = 0
    causes: tuple[tuple[str, int], ...] = ()
    unread: bool = False
    what: str = ""
    do: str = ""
    not_whole: int = 0
    older: int = 0  # of the failed and skipped, those that are captured as they were before

    @property
    def is_complete(self) -> bool:
        return not self.skipped and self._lacks_nothing_else

    @property
    def is_as_ruled(self) -> bool:
        """Tell whether all that it lacks was left out by rule."""
        return self.skipped == self.left_out > 0 and self._lacks_nothing_else

    @property
    def _lacks_nothing_else(self) -> bool:
        return not self.failed and not self.missing and not self.unread and not self.not_whole

    @property
    def missing(self) -> int:
        accounted = self.captured + self.failed + self.skipped - self.older
        return max((self.expected or 0) - accounted, 0)

    @property
    def state(self) -> str:
        """In words: complete, or how many items are missing and why."""
        parts = [
            (self.failed, "failed"),
            (self.skipped - self.left_out, "skipped"),
            (self.left_out, "left out by rule"),
            (self.older, "of them kept as before"),
            (self.missing, "not captured"),
            (self.not_whole, "without one of their files"),
        ]
        words = ["Not read to its end"] if self.unread else []
        return ", ".join(words + [f"{number:,} {word}" for number, word in parts if number]) or "Complete"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What one snapshot of a sub-service covers: folders with gaps by name, the complete ones in sum."""

    snapshot: Snapshot
    label: str
    gaps: list[FolderCoverage]
    complete: list[FolderCoverage]
    is_older: bool = False  # the newest backup kept no newer state of this kind
    is_missed: bool = False  # and that is a gap which nobody ordered or acknowledged

    @property
    def state(self) -> str:
        return Verdict.PARTIAL if self.is_missed else self.snapshot.verdict

    @property
    def state_words(self) -> str:
        return "Older" if self.is_older else ""

    @property
    def icon(self) -> str:
        return ICONS[SubService(self.snapshot.sub_service)]

    @property
    def named(self) -> list[FolderCoverage]:
        """Folders to show at once: those with gaps, and the complete ones when they are few."""
        return self.gaps + ([] if self.folded else self.complete)

    @property
    def folded(self) -> list[FolderCoverage]:
        """Complete folders, when they are many."""
        return self.complete if len(self.complete) > FEW_FOLDERS else []

    @property
    def is_of_all(self) -> bool:
        """Tell whether these folders hold all that is kept: one that stood still may not be counted anew."""
        return self.captured >= self.snapshot.items

    @property
    def is_counted(self) -> bool:
        """Tell whether the provider counted any folder in this run."""
        return any(folder.expected is not None for folder in (*self.gaps, *self.complete))

    @property
    def captured(self) -> int:
        return sum(folder.captured for folder in (*self.gaps, *self.complete))

    @property
    def expected(self) -> int:
        folders = (*self.gaps, *self.complete)
        return sum(folder.captured if folder.expected is None else folder.expected for folder in folders)


def last_snapshots(entity: Entity) -> list[Snapshot]:
    """The newest snapshot of each sub-service."""
    newest = Snapshot.objects.filter(entity=entity).order_by("-number").defer("cursor")
    found = (newest.filter(sub_service=sub_service).first() for sub_service in SubService.values)
    return [snapshot for snapshot in found if snapshot is not None]


def last_coverage(entity: Entity) -> list[Coverage]:
    """What is kept of each sub-service now, and which of it the newest backup could not renew."""
    found = [coverage_of(snapshot) for snapshot in last_snapshots(entity)]
    if not found:
        return []
    newest = max((each.snapshot for each in found), key=lambda row: (row.taken_at, row.pk))
    gaps = CoverageGap.objects.filter(entity=entity, place="", acknowledged_at=None)
    missed = set(gaps.values_list("sub_service", flat=True))

    def compared(each: Coverage) -> Coverage:
        is_older = each.snapshot.run_id != newest.run_id
        return replace(each, is_older=is_older, is_missed=is_older and each.snapshot.sub_service in missed)

    return [compared(each) for each in found]


def coverage_of(snapshot: Snapshot) -> Coverage:
    """The coverage ledger of a snapshot, with the names that its folders had then."""
    paths, unread = _folder_paths(snapshot), _unread_folders(snapshot)
    folders = [
        FolderCoverage(
            path=paths.get(folder_id, "Folder without a name" if folder_id else "No folder"),
            expected=entry.get("expected"),
            captured=entry.get("captured", 0),
            failed=entry.get("failed", 0),
            skipped=entry.get("skipped", 0),
            left_out=entry.get(f"skipped {SkipCause.EXCLUDED}", 0),
            causes=_causes(entry),
            unread="unread" in entry,
            what=unread[folder_id].what if folder_id in unread else "",
            do=unread[folder_id].do if folder_id in unread else "",
            not_whole=entry.get("not whole", 0),
            older=entry.get("older", 0),
        )
        for folder_id, entry in snapshot.coverage.items()
    ]
    folders.sort(key=lambda folder: folder.path.casefold())
    return Coverage(
        snapshot=snapshot,
        label=SubService(snapshot.sub_service).label,
        gaps=[folder for folder in folders if not folder.is_complete],
        complete=[folder for folder in folders if folder.is_complete],
    )


def _causes(entry: dict[str, int]) -> tuple[tuple[str, int], ...]:
    """Return why items were skipped, in words, with how many."""
    causes = (cause for cause in SkipCause if cause != SkipCause.EXCLUDED)
    return tuple(
        (str(cause.label), entry[f"skipped {cause}"]) for cause in causes if f"skipped {cause}" in entry
    )


def _unread_folders(snapshot: Snapshot) -> dict[str, RunIssue]:
    """What was said about each folder that the run could not read to its end."""
    unread = [folder_id for folder_id, entry in snapshot.coverage.items() if "unread" in entry]
    if not unread:
        return {}
    rows = RunIssue.objects.filter(run_id=snapshot.run_id, sub_service=snapshot.sub_service)
    return {row.remote_id: row for row in rows.filter(remote_id__in=unread)}


def _folder_paths(snapshot: Snapshot) -> dict[str, str]:
    """{remote id: "Inbox / Orders"} of all folders that stood at this snapshot."""
    number = snapshot.number
    rows = NodeVersion.objects.filter(
        Q(gone__isnull=True) | Q(gone__gt=number),
        account_id=snapshot.account_id,
        entity_id=snapshot.entity_id,
        sub_service=snapshot.sub_service,
        is_folder=True,
        first__lte=number,
    ).values_list("remote_id", "parent_id", "name", "well_known")
    tops = {remote_id for remote_id, _, _, known in rows if known in TOPS}
    # Below the root, which people do not see: Inbox / Orders, not Top / Inbox / Orders.
    tree = {remote_id: (None if parent in tops else parent, name) for remote_id, parent, name, _ in rows}
    return {remote_id: _path(remote_id, tree) for remote_id in tree}


def _path(remote_id: str, tree: dict[str, tuple[str | None, str]]) -> str:
    names: list[str] = []
    at: str | None = remote_id
    while at in tree and len(names) < len(tree):
        at, name = tree[at]
        names.append(name)
    return " / ".join(reversed(names))


# ---- thirty days ----


@dataclass(slots=True)
class Day:
    """New and changed items of one day and the worst verdict of its runs."""

    date: date
    added: int = 0
    changed: int = 0
    verdicts: set[str] = field(default_factory=set)
    parts: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, sub_service: str, added: int, changed: int) -> None:
        """Count what one snapshot of a sub-service brought; `parts` are (new, changed) by sub-service."""
        before = self.parts.get(sub_service, (0, 0))
        self.parts[sub_service] = (before[0] + added, before[1] + changed)
        self.added += added
        self.changed += changed

    @property
    def words(self) -> str:
        """ "18 Nov: 123 new and 21 changed. Mail 120, Calendars 24. Partial." """
        said = [f"{self.date.day} {self.date:%b}: {self.added:,} new and {self.changed:,} changed."]
        kinds = [
            f"{kind.label} {sum(self.parts[kind]):,}" for kind in SubService if sum(self.parts.get(kind, ()))
        ]
        if kinds:
            said.append(f"{', '.join(kinds)}.")
        said.append(f"{Verdict(self.verdict).label}." if self.verdict else "No backup.")
        return " ".join(said)

    @property
    def total(self) -> int:
        return self.added + self.changed

    @property
    def verdict(self) -> str:
        for verdict in (*MARKS, Verdict.CANCELLED, Verdict.STOPPED, Verdict.SUCCESS):
            if verdict in self.verdicts:
                return verdict
        return ""

    @property
    def mark(self) -> str:
        """Failed and partial days are marked in the chart; the others need no mark."""
        return self.verdict if self.verdict in MARKS else ""


def days_of(entity: Entity) -> list[Day]:
    """The last thirty days, oldest first, days without a run included."""
    today = clock.now().date()
    since = today - timedelta(days=CHART_DAYS - 1)
    start = datetime.combine(since, datetime.min.time(), tzinfo=clock.now().tzinfo)
    by_date: dict[date, Day] = defaultdict(lambda: Day(since))
    for offset in range(CHART_DAYS):
        by_date[since + timedelta(days=offset)] = Day(since + timedelta(days=offset))
    taken = Snapshot.objects.filter(entity=entity, taken_at__gte=start)
    for at, kind, added, changed in taken.values_list("taken_at", "sub_service", "added", "changed"):
        by_date[at.date()].add(kind, added, changed)
    runs = Run.objects.filter(entity=entity, started_at__gte=start)
    for at, verdict in runs.values_list("started_at", "verdict"):
        by_date[at.date()].verdicts.add(verdict)
    return [by_date[key] for key in sorted(by_date)]
