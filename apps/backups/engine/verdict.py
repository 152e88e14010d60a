"""How a run ended: one pure function of what happened to its items."""

from dataclasses import dataclass, field

from ..enums import GapCause, Verdict
from ..models.catalog import hash_of


@dataclass(frozen=True, slots=True)
class Gap:
    """One gap of this run. `place`: a folder's remote id, "" for the whole kind. `captured` of `expected`.

    `items` names those that are counted, where the run knows them (`CoverageGap.pack`).
    """

    sub_service: str
    place: str
    cause: str
    count: int = 1
    label: str = ""
    what: str = ""
    do: str = ""
    captured: int = 0
    expected: int = 0
    by_default: bool = False
    items: bytes = b""

    @property
    def key(self) -> tuple[str, int, str]:
        return self.sub_service, hash_of(self.place), self.cause


@dataclass(slots=True)
class Outcome:
    """What happened in a run, over all its sub-services; of what is uncovered, what nobody acknowledged.

    `kinds_read` counts the kinds of data of which something was read, or of which nothing is there to read.
    `gaps` counts folders that hold more items by the provider's count than could be read: the ledger names
    them, to who may see such names. `missing` counts what they miss. `folders_failed` could not be read to
    their end. `kinds_failed`: (kind, what happened, what to do).
    """

    stored: int = 0
    removed: int = 0
    kinds_read: int = 0
    failed: int = 0
    folders_failed: int = 0
    skipped: int = 0
    acknowledged: int = 0
    gaps: int = 0
    missing: int = 0
    kinds_failed: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, gap: Gap) -> None:
        """Count a gap in that nobody has acknowledged."""
        match gap.cause:
            case GapCause.FAILED:
                self.failed += gap.count
            case GapCause.FOLDER:
                self.folders_failed += gap.count
            case GapCause.MISSING:
                self.gaps += 1
                self.missing += max(gap.expected - gap.captured, 0)
            case GapCause.KIND | GapCause.REFUSED:
                self.kinds_failed.append((gap.label, gap.what, gap.do))
            case _:
                self.skipped += gap.count


def decide(outcome: Outcome) -> tuple[Verdict, str]:
    """Return the verdict and a sentence for the run's page.

    Anything uncovered that nobody acknowledged makes a run partial, every day anew. When nothing at all could
    be read, it failed. Items that were deleted while the run looked at them leave it a success.
    """
    kinds = [_kind(*kind) for kind in outcome.kinds_failed]
    if not outcome.kinds_read:
        return Verdict.FAILED, " ".join(["Nothing could be read. The next run tries again.", *kinds])
    troubles = []
    if outcome.folders_failed:
        troubles.append(
            f"{_folders(outcome.folders_failed)} could not be read to the end and will be tried again"
        )
    if outcome.failed:
        troubles.append(f"{_items(outcome.failed)} could not be read and will be tried again")
    if outcome.skipped:
        troubles.append(f"{_items(outcome.skipped)} cannot be backed up: see the reasons below")
    if outcome.gaps:
        more = f"{_folders(outcome.gaps)} {'holds' if outcome.gaps == 1 else 'hold'} more than could be read"
        troubles.append(f"{more} by the provider's own count: {_items(outcome.missing)}")
    if troubles or kinds:
        return Verdict.PARTIAL, " ".join([*([_sentence(troubles)] if troubles else []), *kinds])
    return Verdict.SUCCESS, _success(outcome)


def _success(outcome: Outcome) -> str:
    parts = []
    if not outcome.stored and not outcome.removed:
        parts.append("nothing has changed since the last backup")
    if outcome.stored:
        parts.append(f"{_items(outcome.stored)} stored")
    if outcome.removed:
        parts.append(f"{_items(outcome.removed)} no longer there")
    if outcome.acknowledged:
        known = "1 gap that was acknowledged" if outcome.acknowledged == 1 else f"{outcome.acknowledged:,} gaps"
        parts.append(known if outcome.acknowledged == 1 else f"{known} that were acknowledged")
    return _sentence(parts)


def _kind(kind: str, what: str, do: str) -> str:
    return f"{kind} could not be backed up and stand as they were: {what}" + (f" {do}" if do else "")


def _folders(count: int) -> str:
    return "1 folder" if count == 1 else f"{count:,} folders"


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count:,} items"


def _sentence(parts: list[str]) -> str:
    text = "; ".join(parts)
    return text[0].upper() + text[1:] + "."
