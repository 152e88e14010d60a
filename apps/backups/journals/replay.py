"""Journals of one chain made rows again: each snapshot as it was, invisible until its own row commits.

Crash-safe as a run is: whatever carries a number that no snapshot row has is thrown away by the next replay,
and by the next run.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import DataError, IntegrityError

from apps.connectors.enums import SubService
from apps.vault.api import (
    EndLine,
    IssueLine,
    Journal,
    JournalCorrupt,
    JournalFolder,
    Line,
    SnapshotLine,
    VersionLine,
)

from .. import catalog
from ..catalog import Draft, Version
from ..engine.lease import Lease
from ..erasure.remembered import erased_places, is_erased
from ..models import Entity, Run, RunIssue, Snapshot
from ..models.catalog import key_of
from . import portrait
from .portrait import Said

BATCH: Final = 500
# Whoever has a recovery key can write journals, and name what is somebody else's.
FORGED: Final = "It says what cannot be true here: that something is another's already, or is there twice."
Look = Callable[[Sequence[VersionLine]], object]


@dataclass(slots=True)
class _Pile:
    """Lines that are read and not written yet; issues and earlier snapshots wait for the end of the journal."""

    ends: list[str] = field(default_factory=list)
    versions: list[VersionLine] = field(default_factory=list)
    issues: list[Said] = field(default_factory=list)
    earlier: list[Snapshot] = field(default_factory=list)

    def is_full(self) -> bool:
        return len(self.ends) + len(self.versions) >= BATCH


class Replay:
    """Replays journals of one sub-service of one entity, oldest first, under the entity's lease.

    `incomplete` says that something of the chain is missing: from then on totals are counted anew, so that they
    say what can be shown, and no cursor is kept, so that the next run reads everything and fetches what it
    lacks.
    `look` sees every version that is written, in batches.
    """

    def __init__(
        self, folder: JournalFolder, entity: Entity, sub_service: str, lease: Lease, look: Look
    ) -> None:
        self._folder, self._entity, self._sub_service = folder, entity, sub_service
        self._lease, self._look = lease, look
        self._runs: dict[int, int] = {}  # snapshot number: key of its run
        self._erased = erased_places(entity.pk, sub_service)
        self.incomplete = False
        self.versions = 0

    def last(self) -> Snapshot | None:
        """Return the newest snapshot that is there."""
        own = Snapshot.objects.filter(entity=self._entity, sub_service=self._sub_service)
        return own.order_by("-number").first()

    def forget_all(self) -> None:
        """Take away this chain's snapshots and versions, to replay it from its beginning."""
        with self._lease.guard():
            Snapshot.objects.filter(entity=self._entity, sub_service=self._sub_service).delete()
            catalog.forget_from(self._draft(1, 0))

    def apply(self, journal: Journal) -> str:
        """Write one journal's snapshot; returns what of it could not be read, in words, "" when nothing.

        Raises JournalCorrupt, with nothing visible, when it does not say what it is about or cannot be true;
        LeaseLost.
        """
        try:
            return self._apply(journal)
        except (IntegrityError, DataError) as error:
            raise JournalCorrupt(FORGED) from error

    def _apply(self, journal: Journal) -> str:
        before, info, trouble = self.last(), journal.info, ""
        run = self._run(info.get("run"))
        draft, pile = self._draft(journal.name.number, run.pk), _Pile()
        self._runs = {journal.name.number: run.pk}
        with self._lease.guard():
            catalog.forget_from(draft)
        try:
            for line in self._folder.lines(journal):
                self._pile(pile, line, journal)
                if pile.is_full():
                    self._write(draft, pile)
        except JournalCorrupt as error:
            self.incomplete, trouble = True, error.what
        self._write(draft, pile)
        snapshot = self._snapshot(info.get("snapshot"), journal, run.pk)
        if self.incomplete:
            self._count_anew(draft, before, snapshot)
        with self._lease.guard():
            for each in (*pile.earlier, snapshot):
                each.save(force_insert=True)
            self._settle(run, pile.issues)
        return trouble

    def _pile(self, pile: _Pile, line: Line, journal: Journal) -> None:
        match line:
            case EndLine():
                pile.ends.append(line.remote_id)
            case VersionLine() if is_erased(line, self._erased):
                self.incomplete = True  # an old record that the base after the erasure should have replaced
            case VersionLine():
                pile.versions.append(line)
            case IssueLine():
                said = portrait.columns(RunIssue, line.data, portrait.ISSUE)
                if key_of(str(said.get("remote_id", ""))) not in self._erased:
                    pile.issues.append(said)
            case SnapshotLine():
                run = self._run(line.data.get("run"))
                snapshot = self._snapshot(line.data.get("snapshot"), journal, run.pk)
                self._runs[snapshot.number] = run.pk
                pile.earlier.append(snapshot)

    def _write(self, draft: Draft, pile: _Pile) -> None:
        versions = [
            Version(id=None, run_id=self._runs.get(line.first, 0), **line._asdict()) for line in pile.versions
        ]
        with self._lease.guard():
            catalog.end_nodes(draft, pile.ends)
            if self.incomplete:
                catalog.end_nodes(draft, [line.remote_id for line in pile.versions])
            catalog.insert_versions(draft, versions)
        self._look(pile.versions)
        self.versions += len(versions)
        pile.ends, pile.versions = [], []

    def _run(self, said: Any) -> Run:
        values = portrait.columns(Run, said, portrait.RUN)
        if "public_id" not in values:
            raise JournalCorrupt("A journal does not say which run wrote it.")
        with self._lease.guard():
            run, _ = Run.objects.get_or_create(
                public_id=values["public_id"],
                entity=self._entity,
                defaults={**values, "account_id": self._entity.account_id},
            )
        return run

    def _snapshot(self, said: Any, journal: Journal, run: int) -> Snapshot:
        values = portrait.columns(Snapshot, said, portrait.SNAPSHOT)
        if not isinstance(values.get("number"), int) or values["number"] > journal.name.number:
            raise JournalCorrupt("A journal does not say which snapshot it holds.")
        return Snapshot(
            account_id=self._entity.account_id,
            entity=self._entity,
            run_id=run,
            sub_service=SubService(self._sub_service),
            journal=journal.name.short,
            journal_link=journal.link,
            **values,
        )

    def _count_anew(self, draft: Draft, before: Snapshot | None, snapshot: Snapshot) -> None:
        totals = catalog.add_up(draft, before)
        snapshot.items, snapshot.folders, snapshot.size = totals.items, totals.folders, totals.size
        snapshot.folder_totals, snapshot.cursor = totals.per_folder, None

    def _settle(self, run: Run, issues: list[Said]) -> None:
        """Only what the newest run could not store is tried again, as at its commit."""
        entity = self._entity
        RunIssue.objects.filter(entity=entity, sub_service=self._sub_service, open=True).update(open=False)
        known = set(RunIssue.objects.filter(run=run).values_list("public_id", flat=True))
        RunIssue.objects.bulk_create(
            RunIssue(
                account_id=entity.account_id, run=run, entity=entity, sub_service=self._sub_service, **values
            )
            for values in issues
            if values.get("public_id") not in known
        )

    def _draft(self, number: int, run: int) -> Draft:
        return Draft(self._entity.account_id, self._entity.pk, self._sub_service, number, run)
