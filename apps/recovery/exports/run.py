"""Making the parts of an export.

A part is announced in the job's row only when it is whole and on disk, together with the ledger row it went up
to; outcomes are marked after that. A killed worker's unfinished part is thrown away and made anew; outcomes of
an announced part that were not marked yet are read back from its list of entries. So no message is in two
parts, and every part is a valid archive.
"""

from dataclasses import dataclass, field

from django.conf import settings

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
from ..reading import as_damage, mime_part, mime_parts
from .files import (
    Entry,
    Part,
    discard_unfinished,
    entries_path,
    folder_of,
    parts_of,
    read_entries,
    write_entries,
)
from .part import Names, PartWriter, folder_path

BATCH = 200
ITEMS_PER_PART = 50_000


@dataclass(slots=True)
class _Export:
    context: JobContext
    state: AsOf
    tree: Tree
    reader: VaultReader
    parts: list[Part]
    names: Names = field(default_factory=Names)
    entries: list[Entry] = field(default_factory=list)
    items: list[JobItem] = field(default_factory=list)
    writer: PartWriter | None = None

    def run(self) -> None:
        self._go_on_after_a_dead_worker()
        for items in self.context.pending_items(batch=BATCH):
            nodes, stored = self._look_up(items)
            self.reader.expect(mime_parts(each.content for each in stored.values()))
            for item in items:
                if self.context.cancelled():
                    break
                pk = item.node_version_id or 0
                self._add(item, nodes.get(pk), stored.get(pk))
                self._close_when_full()
        self._close()

    def _go_on_after_a_dead_worker(self) -> None:
        for part in self.parts:
            entries = {entry.item: entry for entry in read_entries(self.context.job, part)}
            for entry in entries.values():
                if entry.path:
                    self.names.take(entry.path)
            rows = JobItem.objects.filter(
                job=self.context.job, outcome=ItemOutcome.PENDING, pk__lte=part.last
            ).order_by("pk")
            for item in rows.iterator(chunk_size=BATCH):
                if item.pk in entries:
                    self._mark(item, entries[item.pk], part.number)
        self.context.flush()

    def _look_up(self, items: list[JobItem]) -> tuple[dict[int, Node], dict[int, Stored]]:
        ids = [item.node_version_id for item in items if item.node_version_id]
        return {n.id: n for n in nodes_by_ids(self.state, ids)}, contents(self.state, ids)

    def _add(self, item: JobItem, node: Node | None, stored: Stored | None) -> None:
        writer = self.writer = self.writer or self._open()
        folder = self.tree.by_id.get(node.parent_id or "") if node else None
        path, size, cause, message = "", 0, "", ""
        try:
            if node is None or stored is None:
                raise NotFound("This version is no longer kept.")
            part = mime_part(stored.content)
            path = self.names.path_for(folder.path if folder else (), node.name)
            size = writer.add(path, self.reader.stream(part), node.time)
        except EverkeepError as error:
            told = as_damage(error, self.state, node) if node else error
            path, cause, message = "", told.code, str(told)
        when = node.time.isoformat() if node and node.time else ""
        said = ("Failed", message) if cause else ("Exported", "")
        writer.note(path, item.folder_label, item.label, node.author if node else "", when, str(size), *said)
        self.entries.append(Entry(item.pk, path, size, cause, message))
        self.items.append(item)

    def _open(self) -> PartWriter:
        number = len(self.parts) + 1
        writer = PartWriter(folder_of(self.context.job) / part_name(self.context.job, number))
        if number == 1:
            for folder in self.tree.walk():
                if folder.node.remote_id in self.context.params.get("folders", []):
                    writer.add_folder(folder_path(folder.path))
        self.context.say(f"Writing part {number}")
        return writer

    def _close_when_full(self) -> None:
        full = self.writer is not None and self.writer.size >= settings.EXPORT_PART_BYTES
        if full or len(self.entries) >= ITEMS_PER_PART:
            self._close()

    def _close(self) -> None:
        if self.writer is None:
            return
        number = len(self.parts) + 1
        write_entries(entries_path(folder_of(self.context.job), number), self.entries)
        size = self.writer.finish()
        part = Part(number, self.writer.path.name, size, len(self.entries), self.entries[-1].item)
        self.parts.append(part)
        self._announce()
        for item, entry in zip(self.items, self.entries, strict=True):
            self._mark(item, entry, number)
        self.context.flush()
        self.writer, self.entries, self.items = None, [], []

    def _announce(self) -> None:
        """The one moment in which a part comes to be."""
        job = self.context.job
        job.result = {**job.result, "parts": [part.as_json() for part in self.parts]}
        held = Job.objects.filter(pk=job.pk, lease_owner=self.context.owner)
        if not held.update(result=job.result):
            raise LeaseLost("Another worker goes on with this export.", item=str(job))

    def _mark(self, item: JobItem, entry: Entry, part: int) -> None:
        if entry.cause:
            self.context.failed(item, entry.cause, entry.message)
        else:
            self.context.done(item, size=entry.size, details={"part": part, "path": entry.path})


def run_export(context: JobContext) -> JobResult:
    """Do an export job as far as this worker gets (`jobs.registry`)."""
    snapshot = (
        Snapshot.objects.select_related("entity__task")
        .filter(public_id=str(context.params["snapshot"]))
        .first()
    )
    if snapshot is None:
        raise NotFound("The backup of this export is gone.")
    discard_unfinished(context.job)
    state = as_of(snapshot)
    export = _Export(
        context, state, folder_tree(snapshot, state), open_reader(state.account_id), parts_of(context.job)
    )
    try:
        export.run()
    finally:
        if export.writer is not None:
            export.writer.abandon()
    return JobResult(result={"parts": [part.as_json() for part in export.parts]})


def part_name(job: Job, number: int) -> str:
    """Return `account_Service_YYYYMMDDhhmmss_N.zip` (EXP-06)."""
    account = safe_file_name(job.params.get("account", ""), "Export", limit=80).replace(" ", "_")
    service = "".join(filter(str.isalnum, str(job.service).title())) or "Mail"
    return f"{account}_{service}_{job.created_at:%Y%m%d%H%M%S}_{number}.zip"
