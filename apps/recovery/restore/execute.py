"""Carrying a plan out, item by item.

The order that keeps a killed worker from writing twice: the ledger row with its key is durable before anything
is written (plan_start); for a replacement the id of the older item is durable before its successor is written;
the key stands on the written item; whoever goes on asks the target for the keys before writing.
"""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NoReturn, TypeVar

from apps.backups.selectors.browse import AsOf, Node, Stored, as_of, contents, nodes_by_ids
from apps.backups.selectors.tree import Tree, folder_tree
from apps.connectors.base import ItemWriter, WriteItem, Written
from apps.core import clock
from apps.core.errors import (
    ConsentLost,
    EverkeepError,
    Forbidden,
    NotFound,
    QuotaExceeded,
    RemoteError,
    Throttled,
)
from apps.jobs.api import JobContext
from apps.jobs.base import JobResult
from apps.jobs.models import JobItem
from apps.vault.api import VaultReader, open_reader

from ..choosing import chosen, folders_with_items
from ..enums import RestoreMode
from ..models import Plan
from ..reading import as_damage, mime_parts, read_stored
from .folders import TargetFolders
from .target import Target, open_target

T = TypeVar("T")
BATCH = 40
# After this much the outcomes are made durable: a killed worker has to look up no more than that again.
SLICE_ITEMS = 10
SLICE_BYTES = 32_000_000
AT_ONCE = 4
PATIENCE = timedelta(minutes=2)
WRITE_MISSING = "Microsoft does not let us write into this mailbox: the connection may only read."
GRANT_WRITE = "Grant write access on the page of the connection, then start the restore again."
_ENDING = (ConsentLost, Forbidden, QuotaExceeded)


@dataclass(slots=True)
class _Work:
    """One item in hand."""

    item: JobItem
    node: Node
    stored: Stored
    old_id: str = ""
    written_id: str = ""
    error: EverkeepError | None = None


@dataclass(slots=True)
class _Restore:
    """One claim of one restore."""

    context: JobContext
    plan: Plan
    state: AsOf
    tree: Tree
    target: Target
    writer: ItemWriter
    folders: TargetFolders
    reader: VaultReader
    _bytes: dict[int, bytes] = field(default_factory=dict)

    def run(self) -> JobResult:
        self._make_chosen_folders()
        for items in self.context.pending_items(batch=BATCH):
            for folder_id, group in groupby(items, key=lambda item: str(item.details.get("folder", ""))):
                self._group(folder_id, list(group))
        return JobResult(result={"root": self.plan.root_name})

    def _make_chosen_folders(self) -> None:
        found = chosen(self.plan, self.state, self.tree)
        for folder in folders_with_items(found, self.tree):
            if folder.node.remote_id in found.closure and folder.node.well_known != "searchfolders":
                self._call(self.folders.ensure(self.writer, folder))

    def _group(self, folder_id: str, items: list[JobItem]) -> None:
        folder = self.tree.by_id.get(folder_id)
        try:
            live_id = self._call(self.folders.ensure(self.writer, folder))
            work = self._restored_before(live_id, self._look_up(items))
            work = self._conflicts(live_id, work)
        except _ENDING:
            raise
        except Throttled:
            raise
        except RemoteError as error:
            for item in items:
                self.context.failed(item, error.code, f"Its folder could not be prepared. {error}")
            return
        self.reader.expect(mime_parts(each.stored.content for each in work))
        for few in _slices(work):
            if self.context.cancelled():
                return
            self._write(live_id, few)
            self.context.flush()

    def _look_up(self, items: list[JobItem]) -> list[_Work]:
        ids = [item.node_version_id for item in items if item.node_version_id]
        nodes = {node.id: node for node in nodes_by_ids(self.state, ids)}
        stored = contents(self.state, ids)
        work = []
        for item in items:
            pk = item.node_version_id or 0
            if pk in nodes and pk in stored:
                work.append(_Work(item, nodes[pk], stored[pk], old_id=str(item.details.get("old_id", ""))))
            else:
                self.context.failed(item, "not_kept", "This version is no longer kept.")
        return work

    def _restored_before(self, live_id: str, work: list[_Work]) -> list[_Work]:
        """Take out what a worker before this one has written already."""
        if not work:
            return []
        keys = [each.item.key for each in work]
        found = self._call(self.writer.find_restored(live_id, keys))
        left = []
        for each in work:
            if each.item.key in found:
                each.written_id = found[each.item.key]
                self._replaced(each)
                self._done(each)
            else:
                left.append(each)
        return left

    def _conflicts(self, live_id: str, work: list[_Work]) -> list[_Work]:
        """Skip what is there, or note what will be replaced, as the plan says."""
        if self.plan.mode == RestoreMode.NEW_ROOT or not work:
            return work
        pairs = [(each.node.remote_id, each.stored.props) for each in work]
        live = self._call(self.writer.find_existing(live_id, pairs))
        own = self._written_here(set(live.values()))
        live = {remote_id: there for remote_id, there in live.items() if there not in own}
        left, noted = [], []
        for each in work:
            there = live.get(each.node.remote_id)
            if there and self.plan.mode == RestoreMode.SKIP:
                self.context.skipped(each.item, "exists", "It is in the mailbox already.")
                continue
            if there and not each.old_id:
                each.old_id = there
                each.item.details = {**each.item.details, "old_id": there}
                noted.append(each.item)
            left.append(each)
        if noted:
            JobItem.objects.bulk_update(noted, ["details"])
        return left

    def _written_here(self, ids: set[str]) -> set[str]:
        """Return those that this restore wrote: a copy of a message must neither skip nor replace its twin."""
        self.context.flush()
        return set(
            JobItem.objects.filter(job=self.context.job, written_id__in=ids).values_list(
                "written_id", flat=True
            )
        )

    def _write(self, live_id: str, few: list[_Work]) -> None:
        ready = [each for each in few if self._read(each) is not None]
        self._call(self._write_all(live_id, [(each, self._bytes.pop(each.item.pk)) for each in ready]))
        ids = [each.written_id for each in ready if each.written_id]
        seen, unread = self._read_back(ids)
        for each in ready:
            if isinstance(each.error, Throttled):
                continue  # not done yet: it is tried again when the wait is over
            if each.error is not None:
                self.context.failed(each.item, each.error.code, str(each.error))
            elif fault := unread or _fault(each, seen.get(each.written_id), live_id):
                self.context.failed(each.item, "not_verified", fault)
            else:
                self._replaced(each)
                self._done(each)
        self._end_if_hopeless(ready)

    def _read_back(self, ids: list[str]) -> tuple[dict[str, Written], str]:
        """Return what is there now, or why that cannot be told: one bad answer must not end the restore."""
        try:
            return (self._call(self.writer.read_back(dict.fromkeys(ids))) if ids else {}), ""
        except (*_ENDING, Throttled):
            raise
        except RemoteError as error:
            return {}, f"It was written, but could not be read back. {error}"

    def _read(self, each: _Work) -> bytes | None:
        try:
            data = read_stored(self.reader, each.stored)
        except EverkeepError as error:
            told = as_damage(error, self.state, each.node)
            self.context.failed(each.item, told.code, f"It could not be read from the vault. {told}")
            return None
        self._bytes[each.item.pk] = data
        return data

    async def _write_all(self, live_id: str, ready: Sequence[tuple[_Work, bytes]]) -> None:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(each: _Work, data: bytes) -> None:
            async with gate:
                item = WriteItem(each.item.key, live_id, data, each.stored.props, each.node.name)
                try:
                    each.written_id = (await self.writer.write(item)).remote_id
                except EverkeepError as error:
                    each.error = error

        await asyncio.gather(*(one(each, data) for each, data in ready))

    def _end_if_hopeless(self, ready: list[_Work]) -> None:
        """Stop for what the next items would meet too; what was written is found again by its key."""
        for each in ready:
            if isinstance(each.error, Throttled):
                raise each.error
            if isinstance(each.error, Forbidden):
                raise Forbidden(WRITE_MISSING, do=GRANT_WRITE) from each.error
            if isinstance(each.error, _ENDING):
                raise each.error

    def _replaced(self, each: _Work) -> None:
        """Remove the older item, after its successor was seen in place."""
        if not each.old_id or each.old_id == each.written_id:
            return
        try:
            self._call(self.writer.remove(each.old_id))
        except RemoteError as error:
            self.context.log(f"{each.item.label}: restored, but the older one is still there. {error}")

    def _done(self, each: _Work) -> None:
        self.context.done(each.item, written_id=each.written_id, size=each.node.size)

    def _call(self, call: Coroutine[Any, Any, T]) -> T:
        return self.target.do(call)


def run_restore(context: JobContext) -> JobResult:
    """Do a restore job as far as this worker gets (`jobs.registry`)."""
    plan = _plan(context)
    state = as_of(plan.snapshot)
    tree = folder_tree(plan.snapshot, state)
    context.say(f"Writing into {plan.target.name}")
    try:
        with open_target(plan.target) as target:
            writer = target.items(state.sub_service)
            folders = TargetFolders(tree, target.do(writer.folders()), plan.root_name)
            reader = open_reader(state.account_id)
            return _Restore(context, plan, state, tree, target, writer, folders, reader).run()
    except Throttled as error:
        _wait(context, error)
    except Forbidden as error:
        raise Forbidden(WRITE_MISSING, do=GRANT_WRITE) from error


def _wait(context: JobContext, error: Throttled) -> NoReturn:
    seconds = timedelta(seconds=error.retry_after) if error.retry_after else PATIENCE
    context.postpone(clock.now() + seconds, "Microsoft asks for patience. It goes on by itself.")


def _plan(context: JobContext) -> Plan:
    plan = (
        Plan.objects.select_related("snapshot__entity__task", "target__task__connection")
        .filter(public_id=str(context.params["plan"]))
        .first()
    )
    if plan is None:
        raise NotFound("The plan of this restore is gone.", do="Make a new one.")
    return plan


def _slices(work: list[_Work]) -> Iterator[list[_Work]]:
    """Cut the work so that what is in memory at once stays bounded."""
    few: list[_Work] = []
    weight = 0
    for each in work:
        if few and (len(few) >= SLICE_ITEMS or weight + each.node.size > SLICE_BYTES):
            yield few
            few, weight = [], 0
        few.append(each)
        weight += each.node.size
    if few:
        yield few


def _fault(each: _Work, seen: Written | None, live_id: str) -> str:
    """Say what is wrong with an item that was read back; "" when it is as it should be."""
    if seen is None:
        return "It was written, but is not there when read back."
    if seen.folder_id != live_id:
        return "It was written, but is in another folder when read back."
    if seen.is_draft and not _was_draft(each.stored):
        return "It was written, but is a draft when read back."
    if not _same_moment(each.node.time, seen.time):
        return "It was written, but its received date reads different."
    if seen.name.split() != each.node.name.split():
        return "It was written, but its subject reads different."
    return ""


def _was_draft(stored: Stored) -> bool:
    return b'"isDraft":true' in stored.props.replace(b" ", b"")


def _same_moment(wanted: datetime | None, seen: datetime | None) -> bool:
    return wanted is None or (seen is not None and abs(wanted - seen) < timedelta(seconds=2))
