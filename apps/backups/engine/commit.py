"""The end of a run: snapshots, cursors, counters, verdict and activity in one transaction, or none of it."""

from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models.functions import Coalesce

from apps.activity import services as activity
from apps.activity.models import ActivityStatus
from apps.connectors.enums import SkipCause, SubService
from apps.core import clock

from .. import catalog
from ..catalog import Totals
from ..enums import EntityState, Verdict
from ..journals.writing import write_journal
from ..models import CoverageGap, Entity, Run, RunIssue, Snapshot
from ..planning import good_until
from ..services import news
from . import refetch
from .gaps import Judged, gap_of_kind, gaps_of, judge, settle_gaps
from .issues import Settlement, kind_row, settle_issues, settlement
from .kinds import KindFailed
from .lease import Lease
from .pace import ROUTINE, after_failure, entity_now, slot_after_run
from .stream import Stream
from .verdict import Outcome, decide

_STATUS = {
    Verdict.SUCCESS: ActivityStatus.DONE,
    Verdict.PARTIAL: ActivityStatus.PARTIAL,
    Verdict.FAILED: ActivityStatus.FAILED,
    Verdict.CANCELLED: ActivityStatus.FAILED,
    Verdict.STOPPED: ActivityStatus.PARTIAL,
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How the run's row shall read, and by which rule the entity runs again.

    A rule, not a moment: the schedule may change while the run is at work, and what holds at its end counts.
    """

    verdict: Verdict
    message: str
    again: Callable[[Entity], datetime | None]


@dataclass(frozen=True, slots=True)
class Sum:
    """What one stream comes to: its rows are written, its snapshot is not."""

    stream: Stream
    totals: Totals
    coverage: dict[str, dict[str, int]]


def commit(run: Run, lease: Lease, streams: list[Stream], failed: list[KindFailed]) -> Verdict:
    """Make what the streams read visible. Raises LeaseLost, with nothing changed, when we were overtaken.

    Kinds that failed keep the snapshot they had.
    R6: each journal is durable in the vault before its snapshot commits. Raises VaultError when it cannot be.
    """
    sums = [_sum(stream) for stream in streams]
    gaps = [gap for each in sums for gap in gaps_of(each.stream, each.coverage)] + list(
        map(gap_of_kind, failed)
    )
    read = [str(each.stream.sub_service) for each in sums]
    judged = judge(gaps, CoverageGap.objects.filter(entity_id=run.entity_id), read)
    verdict, message = decide(_outcome(sums, judged))
    if verdict == Verdict.FAILED:
        end_without_snapshot(run, lease, Ending(verdict, message, after_failure), _run_totals(sums))
        return verdict
    closed = _closed(run, Ending(verdict, message, slot_after_run), _run_totals(sums))
    uncovered = {gap.sub_service for gap in judged.open}
    ready = [_prepare(closed, lease, each, uncovered) for each in sums]
    with lease.guard():
        for snapshot, settled in ready:
            settle_issues(settled)
            snapshot.save(force_insert=True)
        for each in sums:
            refetch.settle(each.stream.draft, each.stream.refetch)
            each.stream.erased.settle(each.stream.draft)
        RunIssue.objects.bulk_create(
            [kind_row(run, each) for each in failed if not (each.not_offered or each.excluded)]
        )
        _count_entity(closed, entity_now(run.entity_id))
        still_open = settle_gaps(run.entity_id, run.account_id, gaps, read)
        _close(closed, lease, slot_after_run, standing=Verdict.PARTIAL if still_open else Verdict.SUCCESS)
    return verdict


def end_without_snapshot(run: Run, lease: Lease, ending: Ending, totals: dict[str, Any] | None = None) -> None:
    """Close a run that failed or was stopped. What it read stays invisible, for the next run to adopt."""
    with lease.guard():
        _close(_closed(run, ending, totals or {}), lease, ending.again)


def _sum(stream: Stream) -> Sum:
    totals = catalog.add_up(stream.draft, stream.before)
    return Sum(stream, totals, _coverage(stream, totals))


def _prepare(run: Run, lease: Lease, each: Sum, uncovered: Container[str]) -> tuple[Snapshot, Settlement]:
    """Write the journal; returns the snapshot that names it, and what its issues come to, both not saved."""
    stream, draft = each.stream, each.stream.draft
    settled, snapshot = settlement(draft, stream.troubles), _snapshot(run, each, uncovered)
    journal = write_journal(
        run.entity, draft, snapshot, run, settled.rows(), before=stream.before, pulse=lease.renew
    )
    snapshot.journal, snapshot.journal_link = journal.name.short, journal.link
    return snapshot, settled


def _outcome(sums: list[Sum], judged: Judged) -> Outcome:
    """Say what happened; of what is not covered only what nobody has acknowledged."""
    outcome = Outcome(acknowledged=judged.known)
    for each in sums:
        stream, totals = each.stream, each.totals
        outcome.kinds_read += bool(totals.items or not (stream.troubles.failed or stream.troubles.folders))
        outcome.stored += totals.added + totals.changed
        outcome.removed += totals.removed
    for gap in judged.open:
        outcome.add(gap)
    return outcome


def _coverage(stream: Stream, totals: Totals) -> dict[str, dict[str, int]]:
    """Return "captured n of m" for every folder that the provider counted in this round, or that has troubles.

    Skipped items stand there by their cause, too. Those that are stored without a file are not whole. Those of
    which an older version stays are captured as well, and `older` says how many.
    """
    ledger = {folder_id: {"expected": expected} for folder_id, expected in stream.expected.items()}
    troubles = stream.troubles
    words = [
        ("not whole" if remote_id in troubles.not_whole else "failed", parent)
        for remote_id, (_, parent) in troubles.failed.items()
    ]
    for remote_id, (_, parent, cause) in troubles.skipped.items():
        if remote_id in troubles.not_whole:
            words.append(("not whole", parent))
        else:
            words += [("skipped", parent), (f"skipped {cause}", parent)]
    words += [("older", parent) for each, parent in troubles.places().items() if each in troubles.older]
    words += [("unread", folder_id) for folder_id in troubles.folders]
    for word, parent in words:
        row = ledger.setdefault(parent or "", {})
        row[word] = row.get(word, 0) + 1
    for folder_id, count in stream.erased.per_folder().items():
        if folder_id in ledger:
            for word in ("skipped", f"skipped {SkipCause.ERASED}"):
                ledger[folder_id][word] = ledger[folder_id].get(word, 0) + count
    for folder_id, row in ledger.items():
        row["captured"] = totals.per_folder.get(folder_id, [0])[0]
    return ledger


def _snapshot(run: Run, each: Sum, uncovered: Container[str]) -> Snapshot:
    """Make the row; its verdict is that of its own kind of data, the run's is the worst of all."""
    draft, totals = each.stream.draft, each.totals
    assert run.finished_at is not None
    return Snapshot(
        account_id=draft.account_id,
        entity_id=draft.entity_id,
        run=run,
        sub_service=draft.sub_service,
        number=draft.number,
        taken_at=run.finished_at,
        verdict=Verdict.PARTIAL if str(draft.sub_service) in uncovered else Verdict.SUCCESS,
        items=totals.items,
        folders=totals.folders,
        size=totals.size,
        added=totals.added,
        changed=totals.changed,
        removed=totals.removed,
        folder_totals=totals.per_folder,
        coverage=each.coverage,
        cursor=each.stream.cursor,
    )


def _count_entity(run: Run, entity: Entity) -> None:
    """Count all kinds of the entity, also those that this run did not read."""
    assert run.finished_at is not None
    own = Snapshot.objects.filter(entity_id=run.entity_id).order_by("-number")
    newest = [own.filter(sub_service=kind).values_list("items", "size").first() for kind in SubService.values]
    Entity.objects.filter(pk=run.entity_id).update(
        items=sum(found[0] for found in newest if found),
        size=sum(found[1] for found in newest if found),
        last_snapshot_at=run.finished_at,
        overdue_at=good_until(entity, run.finished_at),
        first_snapshot_at=Coalesce("first_snapshot_at", run.finished_at),
    )


def _run_totals(sums: list[Sum]) -> dict[str, Any]:
    return {
        "items_removed": sum(each.totals.removed for each in sums),
        "items_failed": sum(len(each.stream.troubles.failed) for each in sums),
        "items_skipped": sum(len(each.stream.troubles.skipped) for each in sums),
    }


def _closed(run: Run, ending: Ending, totals: dict[str, Any]) -> Run:
    """Return the run as its row is about to read; its counters were written as it went."""
    closed = Run.objects.select_related("entity__task__connection", "entity__task__account").get(pk=run.pk)
    closed.verdict, closed.message, closed.finished_at = ending.verdict, ending.message, clock.now()
    for name, value in totals.items():
        setattr(closed, name, value)
    return closed


def _close(run: Run, lease: Lease, again: Callable[[Entity], datetime | None], *, standing: str = "") -> None:
    """Write how the run ended. `standing` is how the entity is, if somebody spoke while the run was ending."""
    next_run_at = again(entity_now(run.entity_id))
    values: dict[str, Any] = {"verdict": run.verdict, "message": run.message, "finished_at": run.finished_at}
    counts = {name: getattr(run, name) for name in ("items_removed", "items_failed", "items_skipped")}
    Run.objects.filter(pk=run.pk, verdict=Verdict.RUNNING).update(**values, **counts)
    news.note_run(run, run.entity.last_verdict, next_run_at)
    values = {"last_message": run.message}
    if run.verdict not in {Verdict.CANCELLED, Verdict.STOPPED}:
        values["last_verdict"] = standing or run.verdict
    entity = Entity.objects.filter(pk=run.entity_id, lease_owner=lease.owner)
    entity.update(lease_owner="", lease_until=None, cancel_requested=False, **values)
    # A pause or a new order for a backup that came in meanwhile stands: only what this run served is taken off.
    served = Entity.objects.filter(pk=run.entity_id, state=EntityState.ACTIVE, next_run_at__lte=run.started_at)
    served.update(next_run_at=next_run_at, run_priority=ROUTINE, run_trigger="")
    _tell(run)


def _tell(run: Run) -> None:
    entity = run.entity
    activity.record(
        "run.finished",
        status=_STATUS[Verdict(run.verdict)],
        service=entity.task.service,
        task_label=entity.task.name,
        item_label=entity.name,
        subject_id=entity.public_id,
        entity_id=entity.public_id,
        run=str(run.public_id),
        verdict=run.verdict,
        message=run.message,
        audited=f"{entity.name}: {run.message}" if run.message else entity.name,
    )
