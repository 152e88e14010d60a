"""What a run leaves uncovered: found, compared with what people acknowledged, kept with the snapshot."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from apps.connectors.enums import SkipCause, SubService
from apps.core import clock

from ..enums import GapCause
from ..models import CoverageGap
from ..models.catalog import hash_of
from .kinds import KindFailed
from .stream import Stream
from .verdict import Gap

GAP_ITEMS, GAP_SHARE = 10, 0.02
WHOLE_KIND = frozenset({GapCause.REFUSED, GapCause.KIND, GapCause.NOT_REACHABLE, GapCause.EXCLUDED})
NOT_READ = frozenset({GapCause.FOLDER, GapCause.KIND})
ASKED_ANEW_AFTER = timedelta(days=14)
Coverage = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Judged:
    """`open`: nobody has acknowledged these, as large as they are now. `known`: acknowledged by people."""

    open: list[Gap]
    known: int


def gaps_of(stream: Stream, coverage: Coverage) -> list[Gap]:
    """Return the gaps of one kind of data that was read."""
    troubles, found = stream.troubles, list[Gap]()
    kind = str(stream.sub_service)
    lost = defaultdict[tuple[str, str], list[str]](list)
    for remote_id, (_, parent) in troubles.failed.items():
        lost[parent or "", GapCause.FAILED].append(remote_id)
    for remote_id, (_, parent, cause) in troubles.skipped.items():
        if cause != SkipCause.GONE:
            lost[parent or "", str(cause)].append(remote_id)
    for (place, cause), ids in lost.items():
        chosen = cause == GapCause.EXCLUDED  # nobody is asked about what they left out themselves
        found.append(Gap(kind, place, cause, len(ids), items=CoverageGap.pack(ids), by_default=chosen))
    for failed in troubles.folders.values():
        found.append(Gap(kind, failed.folder_id, GapCause.FOLDER, what=failed.what, do=failed.do))
    found += _missing(stream, coverage)
    names = _names(stream, found)
    return [replace(gap, label=names.get(gap.place, "A folder")) for gap in found]


def gap_of_kind(failed: KindFailed) -> Gap:
    """Return the gap of a kind of data that was not read at all."""
    cause = GapCause.REFUSED if failed.refused else GapCause.KIND
    cause = GapCause.NOT_REACHABLE if failed.not_offered else cause
    cause = GapCause.EXCLUDED if failed.excluded else cause
    return Gap(
        failed.sub_service,
        "",
        cause,
        label=failed.sub_service.label,
        what=failed.what,
        do=failed.do,
        by_default=failed.not_offered or failed.excluded,
    )


def judge(found: Sequence[Gap], rows: Iterable[CoverageGap], read: Iterable[str]) -> Judged:
    """Tell open gaps from acknowledged ones. A kind that was not read keeps the gaps that it had."""
    known, stands = {row.key: row for row in rows}, _stands(found, read)
    kept = [_standing(row) for row in known.values() if stands(row)]
    open_ones, acknowledged = [], 0
    for gap in {gap.key: gap for gap in (*kept, *found)}.values():
        row = known.get(gap.key)
        if gap.by_default:
            continue
        if row is not None and _holds(row, gap):
            acknowledged += 1
        else:
            open_ones.append(gap)
    return Judged(open_ones, acknowledged)


def settle_gaps(entity_id: int, account_id: int, found: Sequence[Gap], read: Iterable[str]) -> bool:
    """With the snapshot: make the rows say what this run saw; returns whether one is open.

    Of a kind that was not read, gaps of its folders stay; that it was not read is a gap of its own.
    """
    rows = CoverageGap.objects.select_for_update().filter(entity_id=entity_id)
    known, wanted = {row.key: row for row in rows}, {gap.key: gap for gap in found}
    stands = _stands(found, read)
    closed = [row.pk for key, row in known.items() if key not in wanted and not stands(row)]
    CoverageGap.objects.filter(pk__in=closed).delete()
    for key, gap in wanted.items():
        _keep(known.get(key) or CoverageGap(account_id=account_id, entity_id=entity_id), gap)
    return CoverageGap.objects.filter(entity_id=entity_id, acknowledged_at=None).exists()


def _stands(found: Sequence[Gap], read: Iterable[str]) -> Callable[[CoverageGap], bool]:
    """Return what tells whether a gap stands though this run did not see it: its kind was not read.

    Why a kind is not read at all is said anew by each run.
    """
    seen, judged = set(read), {gap.sub_service for gap in found if not gap.place and gap.cause in WHOLE_KIND}

    def stands(row: CoverageGap) -> bool:
        said_anew = not row.place and row.cause in WHOLE_KIND and row.sub_service in judged
        return row.sub_service not in seen and not said_anew

    return stands


def _holds(row: CoverageGap, gap: Gap) -> bool:
    """Tell whether the acknowledgement of a gap holds for what it is now: the same loss, or less of it.

    Another item in the place of one that healed is another loss, though the count is the same.
    What cannot be read at all may lose more every day without a count that grows, so it is asked about anew.
    """
    if row.acknowledged_at is None or gap.count > row.acknowledged_count:
        return False
    if not CoverageGap.unpack(gap.items) <= CoverageGap.unpack(row.acknowledged_items):
        return False
    if gap.cause not in NOT_READ:
        return True
    return gap.what == row.what and clock.now() - row.acknowledged_at < ASKED_ANEW_AFTER


def _keep(row: CoverageGap, gap: Gap) -> None:
    holds = _holds(row, gap)
    row.sub_service, row.place_hash, row.cause = gap.key
    row.place, row.count, row.label = gap.place, gap.count, gap.label[:500]
    row.what, row.do, row.by_default, row.items = gap.what, gap.do, gap.by_default, gap.items
    if gap.by_default:
        row.acknowledged_at = row.acknowledged_at or clock.now()
    elif not holds:
        row.acknowledged_at, row.acknowledged_by, row.reason = None, "", ""
    row.acknowledged_count = min(row.acknowledged_count, gap.count)
    still = CoverageGap.unpack(row.acknowledged_items) & CoverageGap.unpack(gap.items)
    row.acknowledged_items = b"".join(sorted(still)) if holds else b""
    row.save()


def _standing(row: CoverageGap) -> Gap:
    return Gap(
        row.sub_service, row.place, row.cause, row.count, row.label, row.what, row.do,
        by_default=row.by_default, items=bytes(row.items),
    )  # fmt: skip


def _missing(stream: Stream, coverage: Coverage) -> Iterator[Gap]:
    """Yield folders that miss more than what came in or left while we read can explain."""
    before = stream.before.coverage if stream.before else {}
    for folder_id, row in coverage.items():
        if folder_id in stream.troubles.folders:
            continue  # named already
        if "expected" not in row:
            continue  # the provider did not count
        missing = _short(row)
        is_little = missing <= max(GAP_ITEMS, GAP_SHARE * row["expected"])
        if missing > 0 and not (is_little and row["captured"] and _has_moved(before.get(folder_id, {}), row)):
            yield Gap(
                str(stream.sub_service),
                folder_id,
                GapCause.MISSING,
                missing,
                captured=row["captured"],
                expected=row["expected"],
            )


def _short(row: Mapping[str, int]) -> int:
    accounted = sum(row.get(key, 0) for key in ("captured", "failed", "skipped"))
    return row["expected"] - accounted + row.get("older", 0)


def _has_moved(before: Mapping[str, int], row: Mapping[str, int]) -> bool:
    """Tell whether the folder is not as it was in the backup before."""
    return any(before.get(key) != row[key] for key in ("expected", "captured"))


def _names(stream: Stream, gaps: Iterable[Gap]) -> dict[str, str]:
    hashes = {hash_of(gap.place) for gap in gaps if gap.place}
    rows = stream.draft.rows().filter(is_folder=True, gone__isnull=True, remote_hash__in=hashes)
    names = dict(rows.order_by("first").values_list("remote_id", "name"))
    return names | {"": SubService(stream.sub_service).label}
