"""Making the parts of an export.

A part is made on the desk of its worker. It is announced in the job's row only when it is whole and on disk,
together with the ledger row it went up to; outcomes are marked after that. A killed worker's unfinished part is
thrown away and made anew; outcomes of an announced part that were not marked yet are read back from its list of
entries. So no item is in two parts, and every part is a valid archive. Nothing here grows with the mailbox:
names wait in a file, entries too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from shutil import rmtree

from apps.backups.models import Snapshot
from apps.backups.selectors.browse import AsOf, Node, Stored, as_of, contents, nodes_by_ids
from apps.backups.selectors.tree import Tree, folder_tree
from apps.core.errors import EverkeepError, NotFound
from apps.jobs.api import JobContext
from apps.jobs.base import JobResult
from apps.jobs.enums import ItemOutcome
from apps.jobs.errors import LeaseLost
from apps.jobs.models import Job, JobItem
from apps.vault.api import VaultReader, open_reader

from ..formats.file_names import safe_file_name
from ..formats.registry import Format, format_of
from ..kinds import Kind, kind_of
from ..reading import as_damage
from .bundle import Bundle, Packer
from .files import (
    Entry,
    EntryLog,
    Part,
    bring_in,
    discard_unfinished,
    folder_of,
    new_desk,
    parts_of,
    read_entries,
)
from .gathering import Gathering
from .listing import About, add_lists, write_lists
from .names import Names, folder_path
from .options import Options
from .part import PartWriter
from .sending import Sending
from .start import DELETED
from .stored import all_parts

BATCH = 200
FILES_PER_PART = 50_000


@dataclass(frozen=True, slots=True)
class Side:
    """One kind of data of the export."""

    kind: Kind
    state: AsOf
    tree: Tree
    format: Format

    def folder_of(self, node: Node | None, *, gone: bool) -> tuple[str, ...]:
        """Return the folders above an item in the archive."""
        folder = self.tree.by_id.get(node.parent_id or "") if node else None
        path = folder.path if folder else ()
        return (self.kind.label, DELETED, *path) if gone else (self.kind.label, *path)


@dataclass(slots=True)
class _Open:
    """The part that is being written."""

    writer: PartWriter
    log: EntryLog
    packer: Packer
    gathering: Gathering | None = None

    @property
    def files(self) -> int:
        return self.writer.members

    def abandon(self) -> None:
        self.writer.abandon()
        self.log.abandon()


@dataclass(slots=True)
class _Export:
    context: JobContext
    sides: dict[str, Side]
    reader: VaultReader
    parts: list[Part]
    options: Options
    sending: Sending
    desk: Path
    names: Names = field(default_factory=Names)
    part: _Open | None = None

    def run(self) -> None:
        self._go_on_after_a_dead_worker()
        for items in self.context.pending_items(batch=BATCH):
            nodes, stored = self._look_up(items)
            self.reader.expect(list(all_parts(each.content for each in stored.values())))
            for item in items:
                if self.context.cancelled():
                    break
                pk = item.node_version_id or 0
                self._add(item, nodes.get(pk), stored.get(pk))
                self._close_when_full()
        self._close()

    def _go_on_after_a_dead_worker(self) -> None:
        for part in self.parts:
            for entry in read_entries(self._folder, part.number):
                for path in filter(None, (entry.path, *entry.taken)):
                    self.names.take(path)
        for number in range(1, len(self.parts) + 1):
            self._bring_to_its_place(number)

    def _look_up(self, items: list[JobItem]) -> tuple[dict[int, Node], dict[int, Stored]]:
        nodes: dict[int, Node] = {}
        stored: dict[int, Stored] = {}
        for kind, side in self.sides.items():
            ids = [i.node_version_id for i in items if i.details.get("kind") == kind and i.node_version_id]
            nodes |= {node.id: node for node in nodes_by_ids(side.state, ids)}
            stored |= contents(side.state, ids)
        return nodes, stored

    def _add(self, item: JobItem, node: Node | None, stored: Stored | None) -> None:
        part = self.part = self.part or self._open()
        side, gone = self.sides[str(item.details["kind"])], bool(item.details.get("gone"))
        folders = side.folder_of(node, gone=gone)
        place = folder_path(folders)
        gathering = self._gathering(part, folder_path(folders[:2]) if gone else place, side)
        bundle, cause, message = Bundle(), "", ""
        try:
            if node is None or stored is None:
                raise NotFound("This version is no longer kept.")
            part.packer.pack(bundle, node, stored, place=place, wanted=side.format, gathering=gathering)
        except EverkeepError as error:
            told = as_damage(error, side.state, node) if node else error
            cause, message = told.code, str(told)
        part.log.add(
            Entry(
                item=item.pk,
                path=bundle.path,
                size=bundle.size,
                cause=cause,
                message=message or bundle.note,
                kind=side.kind.label,
                folder=" / ".join(folders[1:]),
                name=item.label,
                person=node.author if node else "",
                when=node.time.isoformat() if node and node.time else "",
                taken=bundle.taken,
            )
        )

    def _gathering(self, part: _Open, place: str, side: Side) -> Gathering:
        """Return the gathered files of this place; those of the place before are done."""
        if part.gathering is None or part.gathering.place != place:
            self._end_gathering(part)
            part.gathering = Gathering(place, side.format, self.desk)
        return part.gathering

    def _end_gathering(self, part: _Open) -> None:
        if part.gathering is not None:
            part.gathering.end(part.writer, self.names, lambda path: part.log.add(Entry(0, taken=(path,))))
            part.gathering = None

    def _open(self) -> _Open:
        number = len(self.parts) + 1
        log = EntryLog(self.desk, number)
        writer = PartWriter(self.desk / part_name(self.context.job, number))
        if number == 1:
            for path in filter(self.names.take, self._empty_folders()):
                writer.add_folder(path)
        self.context.say(f"Writing part {number}")
        return _Open(writer, log, Packer(writer, self.names, self.reader))

    def _empty_folders(self) -> Iterator[str]:
        chosen = self.context.params.get("folders", {})
        for kind, side in self.sides.items():
            wanted = set(chosen.get(kind, []))
            for folder in side.tree.walk():
                if folder.node.remote_id in wanted:
                    yield folder_path((side.kind.label, *folder.path))

    def _close_when_full(self) -> None:
        part = self.part
        if part is not None and (part.writer.size >= self.options.part_limit or part.files >= FILES_PER_PART):
            self._close()

    def _close(self) -> None:
        part = self.part
        if part is None:
            return
        number = len(self.parts) + 1
        self._end_gathering(part)
        part.log.finish()
        write_lists(self.desk, number, _about(self.context.job))
        add_lists(part.writer, self.desk, self._folder, number)
        size = part.writer.finish()
        self.parts.append(Part(number, part.writer.path.name, size, part.log.items, part.log.last))
        self.part = None
        with self.context.guard():
            bring_in(self.desk, self._folder)
            self._announce()
        self._bring_to_its_place(number)

    def _bring_to_its_place(self, number: int) -> None:
        """Send a part, if it is to be sent, before its items count as exported."""
        part = self.sending.send(self.parts[number - 1])
        if part != self.parts[number - 1]:
            self.parts[number - 1] = part
            self._announce()
        self.sending.forget(part)
        self._mark(part)

    def _announce(self) -> None:
        """The one moment in which a part comes to be."""
        job = self.context.job
        job.result = {**job.result, "parts": [part.as_json() for part in self.parts]}
        held = Job.objects.filter(pk=job.pk, lease_owner=self.context.owner)
        if not held.update(result=job.result):
            raise LeaseLost("Another worker goes on with this export.", item=str(job))

    def _mark(self, part: Part) -> None:
        """Write down what became of the items of a part, those that have no outcome yet."""
        entries = (entry for entry in read_entries(self._folder, part.number) if entry.item)
        for batch in _batches(entries, BATCH):
            rows = JobItem.objects.filter(
                job=self.context.job, outcome=ItemOutcome.PENDING, pk__in=[entry.item for entry in batch]
            )
            by_id = {row.pk: row for row in rows}
            for entry in batch:
                if entry.item in by_id:
                    self._mark_one(by_id[entry.item], entry, part.number)
        self.context.flush()

    def _mark_one(self, item: JobItem, entry: Entry, part: int) -> None:
        if entry.cause:
            self.context.failed(item, entry.cause, entry.message)
        else:
            self.context.done(item, size=entry.size, details={"part": part, "path": entry.path})

    @property
    def _folder(self) -> Path:
        return folder_of(self.context.job)


def run_export(context: JobContext) -> JobResult:
    """Do an export job as far as this worker gets (`jobs.registry`)."""
    wanted = [str(each) for each in context.params["snapshots"]]
    rows = Snapshot.objects.select_related("entity__task", "run").filter(public_id__in=wanted)
    snapshots = sorted(rows, key=lambda snapshot: wanted.index(str(snapshot.public_id)))
    if not snapshots:
        raise NotFound("The backup of this export is gone.")
    with context.guard():
        discard_unfinished(context.job)
        desk = new_desk(context.job)
    sides = {snapshot.sub_service: _side(snapshot) for snapshot in snapshots}
    reader = open_reader(snapshots[0].account_id)
    options = Options.of(context.params)
    export = _Export(context, sides, reader, parts_of(context.job), options, Sending(context), desk)
    try:
        export.run()
    finally:
        if export.part is not None:
            export.part.abandon()
        rmtree(desk, ignore_errors=True)  # whoever goes on removes it anyway
    return JobResult(result={"parts": [part.as_json() for part in export.parts]})


def part_name(job: Job, number: int) -> str:
    """Return `account_Service_YYYYMMDDhhmmss_N.zip` (EXP-06)."""
    account = safe_file_name(job.params.get("account", ""), "Export", limit=80).replace(" ", "_")
    service = "".join(filter(str.isalnum, str(job.service).title())) or "Mail"
    return f"{account}_{service}_{job.created_at:%Y%m%d%H%M%S}_{number}.zip"


def _side(snapshot: Snapshot) -> Side:
    state = as_of(snapshot)
    kind = snapshot.sub_service
    return Side(kind_of(kind), state, folder_tree(snapshot, state), format_of(kind))


def _about(job: Job) -> About:
    day = f"As it was on {job.backup_date:%d %B %Y, %H:%M} UTC. " if job.backup_date else ""
    return About(
        f"{job.entity_label}",
        f"{day}Exported on {job.created_at:%d %B %Y}. Unpack all parts into the same folder: "
        "the list of the highest part names everything.",
    )


def _batches(entries: Iterable[Entry], size: int) -> Iterator[list[Entry]]:
    source = iter(entries)
    while batch := list(islice(source, size)):
        yield batch
