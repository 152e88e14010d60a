"""The end of a run: snapshots, cursors, counters, verdict and activity in one transaction, or none of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models.functions import Coalesce

from apps.activity import services as activity
from apps.activity.models import ActivityStatus
from apps.core import clock

from .. import catalog
from ..catalog import Totals
from ..enums import EntityState, Verdict
from ..models import Entity, Run, Snapshot
from ..models.catalog import hash_of
from .issues import settle_issues
from .lease import Lease
from .pace import ROUTINE, after_failure
from .stream import Stream
from .verdict import Outcome, decide

_STATUS = {
    Verdict.SUCCESS: ActivityStatus.DONE,
    Verdict.PARTIAL: ActivityStatus.PARTIAL,
    Verdict.FAILED: ActivityStatus.FAILED,
    Verdict.CANCELLED: ActivityStatus.FAILED,
}
GAP_ITEMS, GAP_SHARE = 10, 0.02


@dataclass(frozen=True, slots=True)
class Ending:
    """How the run's row shall read, and when the entity runs again."""

    verdict: Verdict
    message: str
    next_run_at: datetime | None


def commit(run: Run, lease: Lease, streams: list[Stream], next_run_at: datetime) -> Verdict:
    """Make what the streams read visible. Raises LeaseLost, with nothing changed, when we were overtaken."""
    sums = [(stream, catalog.add_up(stream.draft, stream.before)) for stream in streams]
    verdict, message = decide(_outcome(sums))
    if verdict == Verdict.FAILED:
        next_run_at = after_failure(run.entity_id, next_run_at)
    with lease.guard():
        if verdict != Verdict.FAILED:
            for stream, totals in sums:
                _commit_stream(run, stream, totals, verdict)
            _count_entity(run.entity_id, sums)
        _close(run, lease, Ending(verdict, message, next_run_at), _run_totals(sums))
    return verdict


def end_without_snapshot(run: Run, lease: Lease, ending: Ending) -> None:
    """Close a run that failed or was stopped. What it read stays invisible, for the next run to adopt."""
    with lease.guard():
        _close(run, lease, ending, {})


def _outcome(sums: list[tuple[Stream, Totals]]) -> Outcome:
    outcome = Outcome()
    for stream, totals in sums:
        outcome.stored += totals.added + totals.changed
        outcome.removed += totals.removed
        outcome.items += totals.items
        outcome.failed += len(stream.troubles.failed)
        outcome.folders_failed += len(stream.troubles.folders)
        outcome.skipped.update(cause for _, _, cause in stream.troubles.skipped.values())
        outcome.gaps += _gaps(stream, totals)
    return outcome


def _gaps(stream: Stream, totals: Totals) -> list[tuple[str, int, int]]:
    """Name folders that miss more than mail that came in or left while we read can explain."""
    found = []
    for folder_id, row in _coverage(stream, totals).items():
        if folder_id in stream.troubles.folders:
            continue  # named already
        missing = row["expected"] - sum(row.get(key, 0) for key in ("captured", "failed", "skipped"))
        if missing > max(GAP_ITEMS, GAP_SHARE * row["expected"]):
            found.append((folder_id, row["captured"], row["expected"]))
    names = dict(
        stream.draft.rows()
        .filter(
            is_folder=True, gone__isnull=True, remote_hash__in=[hash_of(folder_id) for folder_id, _, _ in found]
        )
        .values_list("remote_id", "name")
    )
    return [(names.get(folder_id, "A folder"), captured, expected) for folder_id, captured, expected in found]


def _coverage(stream: Stream, totals: Totals) -> dict[str, dict[str, int]]:
    """Return "captured n of m" for every folder that the provider counted in this round."""
    ledger = {
        folder_id: {"expected": expected, "captured": totals.per_folder.get(folder_id, [0])[0]}
        for folder_id, expected in stream.expected.items()
    }
    troubles = stream.troubles
    for word, parents in (
        ("failed", [parent for _, parent in troubles.failed.values()]),
        ("skipped", [parent for _, parent, _ in troubles.skipped.values()]),
    ):
        for parent in parents:
            if parent in ledger:
                ledger[parent][word] = ledger[parent].get(word, 0) + 1
    return ledger


def _commit_stream(run: Run, stream: Stream, totals: Totals, verdict: Verdict) -> None:
    draft = stream.draft
    settle_issues(draft, stream.troubles)
    Snapshot.objects.create(
        account_id=draft.account_id,
        entity_id=draft.entity_id,
        run=run,
        sub_service=draft.sub_service,
        number=draft.number,
        taken_at=clock.now(),
        verdict=verdict,
        items=totals.items,
        folders=totals.folders,
        size=totals.size,
        added=totals.added,
        changed=totals.changed,
        removed=totals.removed,
        folder_totals=totals.per_folder,
        coverage=_coverage(stream, totals),
        cursor=stream.cursor,
    )


def _count_entity(entity_id: int, sums: list[tuple[Stream, Totals]]) -> None:
    now = clock.now()
    Entity.objects.filter(pk=entity_id).update(
        items=sum(totals.items for _, totals in sums),
        size=sum(totals.size for _, totals in sums),
        last_snapshot_at=now,
        first_snapshot_at=Coalesce("first_snapshot_at", now),
    )


def _run_totals(sums: list[tuple[Stream, Totals]]) -> dict[str, Any]:
    return {
        "items_removed": sum(totals.removed for _, totals in sums),
        "items_failed": sum(len(stream.troubles.failed) for stream, _ in sums),
        "items_skipped": sum(len(stream.troubles.skipped) for stream, _ in sums),
    }


def _close(run: Run, lease: Lease, ending: Ending, totals: dict[str, Any]) -> None:
    Run.objects.filter(pk=run.pk, verdict=Verdict.RUNNING).update(
        verdict=ending.verdict, message=ending.message, finished_at=clock.now(), **totals
    )
    values: dict[str, Any] = {"last_message": ending.message}
    if ending.verdict != Verdict.CANCELLED:
        values["last_verdict"] = ending.verdict
    entity = Entity.objects.filter(pk=run.entity_id, lease_owner=lease.owner)
    entity.update(lease_owner="", lease_until=None, cancel_requested=False, **values)
    # A pause or a new order for a backup that came in meanwhile stands: only what this run served is taken off.
    served = Entity.objects.filter(pk=run.entity_id, state=EntityState.ACTIVE, next_run_at__lte=run.started_at)
    served.update(next_run_at=ending.next_run_at, run_priority=ROUTINE, run_trigger="")
    _tell(run, ending)


def _tell(run: Run, ending: Ending) -> None:
    entity = run.entity
    activity.record(
        "run.finished",
        status=_STATUS[ending.verdict],
        service=entity.task.service,
        task_label=entity.task.name,
        item_label=entity.name,
        subject_id=entity.public_id,
        run=str(run.public_id),
        verdict=ending.verdict,
        message=ending.message,
    )
