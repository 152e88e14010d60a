"""The coverage ledger: what a run has of each kind and folder, what it has not, and why."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import Count, Max, Min, Q, QuerySet, Sum
from django.utils.text import capfirst

from apps.connectors.base import Unreachable
from apps.connectors.enums import SubService
from apps.connectors.services import unreachable_of

from ..enums import EntityState, GapCause
from ..exclusions import Exclusions
from ..models import BackupTask, CoverageGap, Entity, Run, RunIssue
from ..ruling import rules_of
from .history import Coverage, FolderCoverage, coverage_of
from .points import point_of

CSV_HEADER = (
    "Kind", "Folder", "State", "Kept", "Provider counts", "Failed", "Skipped", "Skipped because",
    "Excluded by rule", "Not captured", "What to do",
)  # fmt: skip


ABSENT = (GapCause.NOT_REACHABLE, GapCause.EXCLUDED)


@dataclass(frozen=True, slots=True)
class KindPart:
    """One kind of data. Without `coverage` nothing was ever kept; `is_older`: kept by an earlier run."""

    label: str
    coverage: Coverage | None
    is_older: bool = False
    what: str = ""
    do: str = ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """`beyond` is what no backup can hold: limits of the provider. `excluded` is what the task leaves out."""

    run: Run
    parts: list[KindPart]
    beyond: tuple[Unreachable, ...]
    excluded: tuple[Unreachable, ...]


def ledger_of(run: Run) -> Ledger:
    """Return the ledger of a run, every kind of data in the order of the pages."""
    point, entity = point_of(run), run.entity
    failed = {row.sub_service: row for row in RunIssue.objects.filter(run=run, remote_id="")}
    absent = {row.sub_service: row for row in gaps_of(entity).filter(place="", cause__in=ABSENT)}
    parts = []
    for kind in SubService:
        snapshot, trouble = point.snapshot(kind), failed.get(kind) or absent.get(kind)
        if snapshot is None and trouble is None:
            continue
        parts.append(
            KindPart(
                kind.label,
                coverage_of(snapshot) if snapshot else None,
                is_older=snapshot is not None and point.is_older(snapshot),
                what=trouble.what if trouble else "",
                do=trouble.do if trouble else "",
            )
        )
    return Ledger(run, parts, unreachable_of(entity.kind), excluded_of(entity))


def excluded_of(entity: Entity) -> tuple[Unreachable, ...]:
    """Return what settings and rules leave out."""
    found = []
    if not entity.task.recoverable_items:
        found.append(Unreachable("Recoverable Items", "The settings of the backup task leave them out."))
    if not entity.task.inplace_archives:
        found.append(
            Unreachable(
                "In-place archive",
                "Not backed up: switched off in the settings of the backup task. "
                "The folder that is called Archive is part of the mailbox, and is backed up.",
            )
        )
    ruling = rules_of(entity)["exclusions"]
    if rule := Exclusions.from_json(ruling.value):
        why = f"{ruling.why or 'A rule of the backup task'} leaves this out."
        found.append(Unreachable(capfirst(rule.words()), why))
    return tuple(found)


def gaps_of(entity: Entity) -> "QuerySet[CoverageGap]":
    """Gaps of an entity as its last run saw them, open ones first."""
    return CoverageGap.objects.filter(entity=entity).order_by("acknowledged_at", "sub_service", "label", "pk")


@dataclass(frozen=True, slots=True)
class GapGroup:
    """The same gap of several mailboxes: one kind of data and one cause."""

    sub_service: str
    cause: str
    entities: int
    items: int
    open: int
    first_do: str
    last_do: str

    @property
    def key(self) -> str:
        return f"{self.sub_service}:{self.cause}"

    @property
    def do(self) -> str:
        """What to do; empty where it is not the same for all."""
        return self.first_do if self.first_do == self.last_do else ""

    @property
    def label(self) -> str:
        return str(SubService(self.sub_service).label)

    @property
    def words(self) -> str:
        return str(GapCause(self.cause).label)


def gap_groups(task: BackupTask) -> list[GapGroup]:
    """Gaps of the task's active mailboxes, those with open ones first. One query, however many there are."""
    rows = (
        gaps_of_task(task)
        .values("sub_service", "cause")
        .annotate(
            entities=Count("entity", distinct=True),
            items=Sum("count"),
            open=Count("pk", filter=Q(acknowledged_at=None)),
            first_do=Min("do"),
            last_do=Max("do"),
        )
    )
    groups = [GapGroup(**row) for row in rows.order_by("sub_service", "cause")]
    return sorted(
        groups, key=lambda group: (not group.open, list(SubService).index(SubService(group.sub_service)))
    )


def gaps_of_task(task: BackupTask) -> "QuerySet[CoverageGap]":
    """Gaps of what the task backs up; limits of the provider are told apart from them."""
    active = CoverageGap.objects.filter(entity__task=task, entity__state=EntityState.ACTIVE)
    return active.filter(by_default=False)


def ledger_rows(ledger: Ledger, *, names: bool) -> Iterator[tuple[object, ...]]:
    """Yield the ledger as lines of a table. Without `names` folders stand there without theirs."""
    for part in ledger.parts:
        if part.what:
            state = "Not read, an earlier backup stands" if part.coverage else "Not read"
            yield part.label, "Everything", f"{state}: {part.what}", *[""] * 7, part.do
        for folder in (*part.coverage.gaps, *part.coverage.complete) if part.coverage else ():
            yield part.label, folder.path if names else "Name hidden", *_cells(folder), folder.do
    for rule in ledger.excluded:
        yield rule.what, "", "Excluded by rule", *["", "", "", "", ""], "All of it", "", rule.why
    for limit in ledger.beyond:
        yield limit.what, "", f"Not reachable: {limit.why}", *[""] * 8


def _cells(folder: FolderCoverage) -> tuple[object, ...]:
    expected = "" if folder.expected is None else folder.expected
    causes = "; ".join(f"{words}: {number}" for words, number in folder.causes)
    state = f"{folder.state}: {folder.what}" if folder.what else folder.state
    skipped = folder.skipped - folder.left_out
    return state, folder.captured, expected, folder.failed, skipped, causes, folder.left_out, folder.missing
