"""Write what a snapshot changes, or what is left of a chain, into the vault. Cost follows the lines."""

import time
from collections.abc import Callable, Iterable
from typing import Final

from apps.core import clock
from apps.vault.api import Chain, EndLine, IssueLine, JournalWriter, Written, open_journals

from ..catalog import Draft
from ..erasure.remembered import said_in_journal
from ..models import Entity, Run, RunIssue, Snapshot
from . import portrait
from .reading import remote_ids, version_lines

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
    for remote_id in remote_ids(rows.filter(gone=draft.number), pulse):
        writer.add(EndLine(remote_id))
    for line in version_lines(rows.filter(first=draft.number), pulse):
        writer.add(line)
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
    info |= said_in_journal(entity, snapshot.sub_service)
    return writer.finish(info, link=link)


def paced(pulse: Callable[[], object]) -> Callable[[], None]:
    """Return a function that may be called often and calls `pulse` every PULSE_SECONDS."""
    last = time.monotonic()

    def beat() -> None:
        nonlocal last
        if time.monotonic() - last >= PULSE_SECONDS:
            pulse()
            last = time.monotonic()

    return beat
