"""Write what a snapshot changes, or what is left of a chain, into the vault. Cost follows the lines."""

import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from django.db.models import QuerySet

from apps.core import clock
from apps.vault.api import Chain, EndLine, IssueLine, JournalWriter, Written, open_journals

from ..catalog import Draft
from ..models import Entity, NodeVersion, Run, RunIssue, Snapshot
from . import portrait

ROWS: Final = 500
PULSE_SECONDS: Final = 10.0


def write_journal(
    entity: Entity,
    draft: Draft,
    snapshot: Snapshot,
    run: Run,
    issues: Iterable[RunIssue],
    *,
    before: Snapshot | None,
    pulse: Callable[[], object],
) -> Written:
    """Make durable what the draft changes, under a name of its own (V17); the snapshot row must name it.

    `snapshot` and `run` as their rows are about to read. `pulse` is called every PULSE_SECONDS and ends the
    work by raising. Reads the rows that carry the draft's number and no others. Raises VaultError.
    """
    chain = Chain(entity.public_id, draft.sub_service)
    writer = open_journals(draft.account_id, entity.task.shelf).write(chain, draft.number)
    rows, pulse = draft.rows(), paced(pulse)
    for (remote_id,) in in_pages(rows.filter(gone=draft.number), ("remote_id",), pulse):
        writer.add(EndLine(remote_id))
    for values in in_pages(rows.filter(first=draft.number), portrait.VERSION, pulse):
        writer.add(portrait.version(values))
    for row in issues:
        writer.add(IssueLine(portrait.issue(row)))
    pulse()
    return finish(writer, entity, snapshot, run, before=before.journal_link if before else None)


def finish(
    writer: JournalWriter, entity: Entity, snapshot: Snapshot, run: Run, *, before: str | None, link: str = ""
) -> Written:
    """Write the head: from here on the journal exists."""
    info = portrait.who(entity) | portrait.snapshot_and_run(snapshot, run)
    info |= {"sub_service": snapshot.sub_service, "before": before, "written_at": clock.now()}
    return writer.finish(info, link=link)


def in_pages(
    rows: "QuerySet[NodeVersion]", fields: Sequence[str], pulse: Callable[[], object]
) -> Iterator[tuple[Any, ...]]:
    """Yield these columns of the rows, oldest first, with no cursor open while the caller works.

    The keys are read first, 8 bytes each, then the rows by key: one long cursor would on SQLite pin an old
    state of the database, and a write beside it fail.
    """
    keys = array("q", sorted(rows.order_by().values_list("pk", flat=True).iterator(chunk_size=10_000)))
    for start in range(0, len(keys), ROWS):
        pulse()
        yield from _with_keys(keys[start : start + ROWS]).order_by("id").values_list(*fields)


def _with_keys(keys: "array[int]") -> "QuerySet[NodeVersion]":
    """Return the rows with these keys, in order. A run's rows mostly stand side by side: a range costs less."""
    if keys[-1] - keys[0] == len(keys) - 1:
        return NodeVersion.objects.filter(id__range=(keys[0], keys[-1]))
    return NodeVersion.objects.filter(id__in=keys.tolist())


def paced(pulse: Callable[[], object]) -> Callable[[], None]:
    """Return a function that may be called often and calls `pulse` every PULSE_SECONDS."""
    last = time.monotonic()

    def beat() -> None:
        nonlocal last
        if time.monotonic() - last >= PULSE_SECONDS:
            pulse()
            last = time.monotonic()

    return beat
