"""The catalog from packs, journals and the key alone: into an empty database, or beside what is there.

1. Packs without a row are recorded with all their blobs.
2. For each chain of journals those that count are chosen (chains.py).
3. What the database does not have is replayed, snapshot by snapshot, under the entity's lease (replay.py).
4. What could not be had is named, in words of those whose backups they are.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from django.db import DataError, IntegrityError, transaction
from django.db.models import Max, Min

from apps.activity.services import record
from apps.connectors.enums import SubService
from apps.core.scope import account_scope
from apps.vault.api import (
    Chain,
    ContentCorrupt,
    Journal,
    JournalCorrupt,
    JournalFolder,
    JournalName,
    Maintenance,
    Reindexed,
    VersionLine,
    decode_content,
    index_rebuild,
    known_blobs,
    maintenance,
    open_journals,
)
from apps.vault.health import check_after_rebuild

from ..damage import mark_items
from ..engine.lease import Lease, held
from ..erasure.remembered import IN_JOURNALS, remember
from ..errors import LeaseLost
from ..models import Entity, Run, Snapshot
from ..planning import good_until
from .chains import Choice, Head, choose
from .owners import entity_from
from .replay import FORGED, Replay

COMPLETED: Final = "The next backup reads everything anew and completes the list."
NAMED: Final = 5  # items that cannot be read are named up to here, the others counted
Say = Callable[[str], object]


@dataclass(slots=True)
class Report:
    """What a rebuild did. `problems` are sentences for people; `missing` the blobs that no pack holds."""

    packs: Reindexed = field(default_factory=Reindexed)
    chains: int = 0
    snapshots: int = 0
    versions: int = 0
    unreadable: int = 0
    missing: set[bytes] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def rebuild(*, account_id: int, again: bool = False, say: Say = lambda line: None) -> Report:
    """Make rows of what the account's vault holds and the database does not.

    With `again` the catalog is thrown away first, chain by chain, and made anew. May be called again after a
    crash, and beside backups: an entity that is at work is left out, and named. Raises VaultError.
    """
    report = Report()
    with account_scope(account_id), maintenance(account_id, "rebuild") as upkeep:
        report.packs = index_rebuild(account_id, upkeep, told=lambda count: say(f"{count:,} packs recorded"))
        for pack_id, what in report.packs.damaged.items():
            report.problems.append(f"Pack {pack_id} cannot say what it holds. {what}")
        folder = open_journals(account_id)
        for chain, names in _chains(folder):
            _Chain(folder, chain, again, upkeep, report).rebuild(names)
            say(f"{report.chains:,} chains, {report.snapshots:,} snapshots, {report.versions:,} versions")
        with upkeep.guard():
            if report.missing:  # to be fetched again, though nothing at the source has changed
                mark_items(account_id, report.missing)
            _note(report)
        check_after_rebuild(account_id)  # after the guard: its trouble must not take the marks back
    return report


def _chains(folder: JournalFolder) -> Iterator[tuple[Chain, list[JournalName]]]:
    heads = (name for name, part, _ in folder.list() if part == 0)
    for chain, names in groupby(heads, key=lambda name: name.chain):
        yield chain, list(names)


@dataclass(slots=True)
class _Chain:
    """One chain on its way into the database."""

    folder: JournalFolder
    chain: Chain
    again: bool
    upkeep: Maintenance
    report: Report
    label: str = ""
    unreadable: list[str] = field(default_factory=list)
    erased: list[Any] = field(default_factory=list)

    def rebuild(self, names: Sequence[JournalName]) -> None:
        self.label = f"Entity {self.chain.entity}, {self.chain.sub_service}"
        heads = list(self._readable(names))
        if not heads:
            return
        newest = max(heads, key=lambda head: (head.name.number, head.written_at))
        try:
            journal = self.folder.open(newest.name)
            entity = self._entity(journal)
        except JournalCorrupt as error:
            self._problem(f"whose backup it is cannot be told. {error.what}")
            return
        self.label = f"{entity.name}, {_words(self.chain.sub_service)}"
        committed = Snapshot.objects.filter(entity=entity, sub_service=self.chain.sub_service)
        choice = choose(heads, dict(committed.values_list("number", "journal")))
        try:
            with held(account_id=self.upkeep.account_id, entity_id=entity.pk) as lease:
                remember(entity, self.chain.sub_service, self.erased)
                self._replay(entity, lease, choice)
        except LeaseLost:
            self._problem("a backup is at work, so it was left out. Run this again later.")
            return
        self.report.chains += 1
        self._name_unreadable()

    def _readable(self, names: Sequence[JournalName]) -> Iterator[Head]:
        for name in names:
            self.upkeep.renew()
            try:
                journal = self.folder.open(name)
            except JournalCorrupt as error:
                self._problem(f"the record of backup {name.number} is damaged. {error.what}")
                continue
            # Of all heads: the newest may be left of a run that died before the items were erased.
            said = journal.info.get(IN_JOURNALS)
            self.erased += said if isinstance(said, list) else []
            yield Head.of(journal)

    def _entity(self, journal: Journal) -> Entity:
        try:
            with transaction.atomic():
                return entity_from(journal.info, self.upkeep.account_id)
        except (IntegrityError, DataError) as error:
            raise JournalCorrupt(FORGED) from error

    def _replay(self, entity: Entity, lease: Lease, choice: Choice) -> None:
        replay = Replay(self.folder, entity, self.chain.sub_service, lease, self._look)
        last = replay.last()
        # A base beyond what is here: the rows are older than what was left of the chain when it was written.
        overtaken = bool(last and choice.heads and choice.heads[0].name.number > last.number + 1)
        if last and (self.again or (overtaken and choice.heads[0].name.base)):
            if not self._may_forget(entity, choice, last.number if overtaken else 0):
                return
            replay.forget_all()
            last = None
        reached, link = (last.number, last.journal_link) if last else (0, None)
        for head in choice.heads:
            if head.name.number <= reached:
                continue
            if not head.name.base and (head.name.number, head.before) != (reached + 1, link):
                self._gap(replay, reached, head.name.number)
            if not self._apply(replay, head):
                continue
            reached, link = head.name.number, head.link
        self.report.versions += replay.versions
        _settle(entity)

    def _may_forget(self, entity: Entity, choice: Choice, overtaken: int) -> bool:
        """Tell whether the journals say all that the rows say: nothing is thrown away that cannot come back.

        Every line is read for it. Rows up to the snapshot `overtaken` need no journal of their own any more.
        """
        rows = Snapshot.objects.filter(entity=entity, sub_service=self.chain.sub_service)
        wanted = set(rows.filter(number__gt=overtaken).values_list("journal", flat=True))
        if wanted <= {head.name.short for head in choice.heads} and all(map(self._is_whole, choice.heads)):
            return True
        self._problem("records are missing in the vault or damaged, so what is here was left as it is.")
        return False

    def _is_whole(self, head: Head) -> bool:
        self.upkeep.renew()
        try:
            return all(True for _ in self.folder.lines(self.folder.open(head.name)))
        except JournalCorrupt:
            return False

    def _gap(self, replay: Replay, reached: int, number: int) -> None:
        replay.incomplete = True
        if number == reached + 1:
            self._problem(f"backup {number} does not go on from the backup {reached} that is here. {COMPLETED}")
            return
        several = number - reached > 2
        lost = f"backups {reached + 1} to {number - 1}" if several else f"backup {reached + 1}"
        self._problem(
            f"the record of {lost} is missing. What was new then is not in the list, and what was deleted then "
            f"may still be shown. {COMPLETED}"
        )

    def _apply(self, replay: Replay, head: Head) -> bool:
        self.upkeep.renew()
        try:
            trouble = replay.apply(self.folder.open(head.name))
        except JournalCorrupt as error:
            replay.incomplete = True
            self._problem(f"the record of backup {head.name.number} cannot be used. {error.what}")
            return False
        if trouble:
            self._problem(
                f"a part of the record of backup {head.name.number} cannot be read. {trouble} {COMPLETED}"
            )
        self.report.snapshots += 1
        return True

    def _look(self, versions: Sequence[VersionLine]) -> None:
        """Note which items name blobs that no pack holds."""
        self.upkeep.renew()
        wanted = [_blobs(line.content) for line in versions]
        named = set[bytes]().union(*wanted)
        missing = named - known_blobs(self.upkeep.account_id, named)
        self.report.missing |= missing
        self.unreadable += [line.name for line, blobs in zip(versions, wanted, strict=True) if blobs & missing]

    def _name_unreadable(self) -> None:
        if not self.unreadable:
            return
        self.report.unreadable += len(self.unreadable)
        names = ", ".join(f"“{name or '(no subject)'}”" for name in self.unreadable[:NAMED])
        count = len(self.unreadable)
        items = "1 item" if count == 1 else f"{count:,} items"
        others = " and others" if count > NAMED else ""
        self._problem(
            f"{items} cannot be read, because packs are missing or damaged: {names}{others}. Put the packs "
            "back, or the next backup fetches what the source still has."
        )

    def _problem(self, text: str) -> None:
        self.report.problems.append(f"{self.label}: {text}")


def _blobs(content: bytes) -> set[bytes]:
    try:
        return {blob for part in decode_content(content) for blob in part.blobs} if content else set()
    except ContentCorrupt:
        return set()  # the check names it, with what to do


def _words(sub_service: str) -> str:
    try:
        return SubService(sub_service).label
    except ValueError:
        return sub_service


def _settle(entity: Entity) -> None:
    """Bring the entity's own figures in line with its newest snapshots."""
    own = Snapshot.objects.filter(entity=entity)
    newest = [
        own.filter(sub_service=sub).latest("number") for sub in set(own.values_list("sub_service", flat=True))
    ]
    moments = own.aggregate(first=Min("taken_at"), last=Max("taken_at"))
    run = Run.objects.filter(entity=entity, finished_at__isnull=False).order_by("started_at", "id").last()
    Entity.objects.filter(pk=entity.pk).update(
        items=sum(snapshot.items for snapshot in newest),
        size=sum(snapshot.size for snapshot in newest),
        first_snapshot_at=moments["first"],
        last_snapshot_at=moments["last"],
        overdue_at=good_until(entity, moments["last"]) if moments["last"] else None,
        last_verdict=run.verdict if run else "",
        last_message=run.message if run else "",
    )


def _note(report: Report) -> None:
    record(
        "catalog.rebuilt",
        item_label="Catalog",
        packs=report.packs.packs,
        snapshots=report.snapshots,
        versions=report.versions,
        problems=len(report.problems),
    )
