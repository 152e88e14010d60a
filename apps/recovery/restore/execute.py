"""Carrying a plan out, item by item, kind after kind.

The order that keeps a killed worker from writing twice: the ledger row with its key is durable before anything
is written (plan_start); for a replacement the older item is sealed and its id durable before its successor is
written; the key stands on the written item; whoever goes on asks the target for the keys before writing.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import NoReturn

from apps.backups.selectors.browse import Node, Stored, contents, nodes_by_ids
from apps.connectors.documents import canonical, read_document
from apps.connectors.enums import SubService
from apps.connectors.writing import KEPT, WriteItem, Written
from apps.core import clock
from apps.core.errors import (
    ConsentLost,
    EverkeepError,
    Forbidden,
    Malformed,
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
from ..mails import tell_target_once
from ..models import BeforeState, Plan
from ..reading import as_damage, item_parts, read_item
from .before import Keeper
from .copies import note_copies, origins_of
from .first_backup import wait_for_backup
from .lanes import Lane, open_lanes
from .pace import Pace
from .report import CREATED, DUPLICATED, REPLACED, Wanted, fault_of, limits_words, summary
from .root import settle_root
from .target import Target, open_target, plan_of

logger = logging.getLogger(__name__)

BATCH = 40
# After this much the outcomes are made durable: a killed worker has to look up no more than that again.
SLICE_ITEMS = 20
SLICE_BYTES = 32_000_000
AT_ONCE = 4
PATIENCE = timedelta(minutes=2)
WRITE_MISSING = "Microsoft does not let us write into this mailbox: the connection may only read."
GRANT_WRITE = "Grant write access on the page of the connection, then start the restore again."
SOURCE_GONE = "The backups that this restore reads were deleted."
ELSEWHERE = "It is in another folder of the mailbox, so it was left there."
UNREAD = "It was written, but could not be read back."
PACE = "Microsoft takes 150 MB in five minutes for each mailbox. It goes on by itself."
_NAMED_BY = {SubService.CONTACTS: "displayName", SubService.NOTES: "subject"}
"""Kinds whose name stands in their fields alone: WriteItem.name does not change it."""
ODD = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""What code meets in data that it did not expect: one item's trouble, never the whole job's."""
_ENDING = (ConsentLost, Forbidden, QuotaExceeded)


@dataclass(slots=True)
class _Work:
    """One item in hand. `name` is what it is called in the target."""

    item: JobItem
    node: Node
    stored: Stored
    name: str
    how: str = CREATED
    old_id: str = ""
    written_id: str = ""
    not_possible: tuple[str, ...] = ()
    error: EverkeepError | None = None
    content: WriteItem | None = None


@dataclass(slots=True)
class _Restore:
    """One claim of one restore."""

    context: JobContext
    plan: Plan
    target: Target
    lanes: dict[str, Lane]
    reader: VaultReader
    keeper: Keeper
    pace: Pace = field(default_factory=Pace)

    def run(self) -> JobResult:
        for lane in () if self.plan.failed_only else self.lanes.values():
            self._make_chosen_folders(lane)
        for items in self.context.pending_items(batch=BATCH):
            for (kind, folder_id), group in groupby(items, key=_place_of):
                self._group(self.lanes[kind], folder_id, list(group))
        self.context.flush()
        return JobResult(result=summary(self.plan, self.context.job))

    def _make_chosen_folders(self, lane: Lane) -> None:
        found = chosen(lane.part, lane.state, lane.tree)
        for folder in folders_with_items(found, lane.tree):
            if folder.node.remote_id in found.closure and folder.node.well_known != "searchfolders":
                lane.ensure(folder, self.context.job)

    def _group(self, lane: Lane, folder_id: str, items: list[JobItem]) -> None:
        if self.context.cancelled():
            return
        folder = lane.tree.by_id.get(folder_id)
        try:
            live_id = lane.ensure(folder, self.context.job)
            work = self._restored_before(lane, live_id, self._look_up(lane, items))
            work = self._conflicts(lane, live_id, work)
            work = self._keep_older(lane, work)
        except (*_ENDING, Throttled):
            raise
        except RemoteError as error:
            for item in items:
                self.context.failed(item, error.code, f"Its folder could not be prepared. {error}")
            return
        self.reader.expect(item_parts(each.stored.content for each in work))
        for few in _slices(work):
            if self.context.cancelled():
                return
            self._keep_pace(few)
            self._write(lane, live_id, few)
            self.context.flush()

    def _look_up(self, lane: Lane, items: list[JobItem]) -> list[_Work]:
        ids = [item.node_version_id for item in items if item.node_version_id]
        nodes = {node.id: node for node in nodes_by_ids(lane.state, ids)}
        stored = contents(lane.state, ids)
        work = []
        for item in items:
            pk = item.node_version_id or 0
            if pk in nodes and pk in stored:
                each = _Work(item, nodes[pk], stored[pk], nodes[pk].name)
                each.old_id = str(item.details.get("old_id", ""))
                each.how = str(item.details.get("how", CREATED))
                work.append(each)
            else:
                self.context.failed(item, "not_kept", "This version is no longer kept.")
        return work

    def _restored_before(self, lane: Lane, live_id: str, work: list[_Work]) -> list[_Work]:
        """Take out what a worker before this one has written already: it is read back like all others.

        Only what is noted as decided can have been begun: the note is durable before anything is written.
        """
        keys = [each.item.key for each in work if each.item.details.get("in") == live_id]
        found = lane.target.do(lane.writer.find_restored(live_id, keys)) if keys else {}
        left: list[_Work] = []
        before: list[_Work] = []
        for each in work:
            each.item.written_id = each.written_id = found.get(each.item.key, "")
            (before if each.written_id else left).append(each)
        self._verify_written(lane, live_id, before)
        return left

    def _verify_written(self, lane: Lane, live_id: str, work: list[_Work]) -> None:
        for few in _slices(work):
            self._verify(lane, live_id, [each for each in few if self._read(each, lane, live_id)])
            self.context.flush()

    def _conflicts(self, lane: Lane, live_id: str, work: list[_Work]) -> list[_Work]:
        """Skip what is there, or note what will be replaced, as the plan says. The notes are durable.

        What a worker before this one has decided stays so: what is there now may be what that one began.
        """
        left = [each for each in work if each.item.details.get("in") == live_id]
        new = [each for each in work if each.item.details.get("in") != live_id]
        live: dict[str, str] = {}
        if lane.mode != RestoreMode.NEW_ROOT and new:
            live = lane.there_already(live_id, [(each.node.remote_id, each.stored.props) for each in new])
        taken = self._ours(set(live.values())) | {each.old_id for each in left}
        same = lane.unchanged([each.node for each in new if not each.old_id], live)
        filed = lane.elsewhere(
            live_id, [each.node.remote_id for each in new if each.node.remote_id not in live]
        )
        written: list[_Work] = []
        for each in new:
            there = live.get(each.node.remote_id, "")
            there = "" if there in taken else there
            if there and there == each.item.details.get("earlier") and lane.mode != RestoreMode.REPLACE:
                # The restore that is retried wrote it and could not verify it: it is looked at once more.
                each.written_id = there
                written.append(each)
                taken.add(there)
                continue
            if there and (lane.mode == RestoreMode.SKIP or each.node.remote_id in same):
                self.context.skipped(each.item, "exists", "It is in the mailbox already.")
                taken.add(there)
                continue
            if each.node.remote_id in filed and not each.old_id:
                self.context.skipped(each.item, "elsewhere", ELSEWHERE)
                continue
            if there and lane.mode == RestoreMode.REPLACE and not each.old_id:
                each.old_id, each.how = there, REPLACED
                taken.add(there)
            if there and lane.mode == RestoreMode.DUPLICATE:
                each.how = DUPLICATED
            each.item.details |= {"in": live_id, "how": each.how, "old_id": each.old_id}
            left.append(each)
        JobItem.objects.bulk_update([each.item for each in left], ["details"])
        self._verify_written(lane, live_id, written)
        return left

    def _ours(self, ids: set[str]) -> set[str]:
        """Return those that this restore wrote or has replaced: copies of one message do not hit each other."""
        self.context.flush()
        rows = JobItem.objects.filter(job=self.context.job, written_id__in=ids)
        before = BeforeState.objects.filter(job=self.context.job, remote_id__in=ids)
        return {*rows.values_list("written_id", flat=True), *before.values_list("remote_id", flat=True)}

    def _keep_older(self, lane: Lane, work: list[_Work]) -> list[_Work]:
        old = [(each.item, each.old_id) for each in work if each.old_id]
        refused = self.keeper.keep(lane, old) if old else {}
        for each in work:
            if each.item.pk in refused:
                self.context.failed(each.item, "not_kept", refused[each.item.pk])
        return [each for each in work if each.item.pk not in refused]

    def _keep_pace(self, few: list[_Work]) -> None:
        size = sum(each.node.size for each in few)
        if rest := self.pace.wait(size):
            self.context.flush()
            self.context.postpone(clock.now() + rest, PACE)
        self.pace.note(size)

    def _write(self, lane: Lane, live_id: str, few: list[_Work]) -> None:
        ready = [each for each in few if self._read(each, lane, live_id)]
        lane.target.do(_write_all(lane, ready))
        for each in ready:
            if each.error is not None and not isinstance(each.error, Throttled):
                self.context.failed(each.item, each.error.code, str(each.error))
        self._verify(lane, live_id, [each for each in ready if each.error is None])
        self._end_if_hopeless(ready)

    def _verify(self, lane: Lane, live_id: str, ready: list[_Work]) -> None:
        """Read back what was written; only what is as it should be is done, and replaces its older one."""
        try:
            seen, unread = self._read_back(lane, ready)
        except ODD as error:
            if len(ready) > 1:  # which of them it is shows when each is read alone
                for each in ready:
                    self._verify(lane, live_id, [each])
                return
            seen, unread = {}, f"{UNREAD} {odd(error)}"
        self._note_copies(lane, ready)
        for each in ready:
            now = seen.get(each.written_id)
            cause, words = fault_of(Wanted(lane.kind, each.node, each.stored, each.name, live_id), now)
            each.item.written_id, each.content = each.written_id, None
            each.item.details |= {"in": live_id, "state": now.state if now else ""}
            if unread or cause:
                self.context.failed(each.item, cause or "not_verified", unread or words)
                continue
            left, limits = self._remove_older(lane, each), limits_words(each.not_possible)
            said = [f"Not possible at Microsoft: {limits}."] if limits else []
            self.context.done(
                each.item,
                size=each.node.size,
                cause="not_possible" if limits else "older_left" if left else "",
                message=" ".join([*said, left]).strip(),
            )

    def _note_copies(self, lane: Lane, ready: list[_Work]) -> None:
        """Let the next restore know what stands for what; what was put beside stands for nothing."""
        mine = [each for each in ready if each.how != DUPLICATED and not each.written_id.startswith(KEPT)]
        if mine:
            origins = origins_of(lane.state.entity_id, lane.kind, [each.node.remote_id for each in mine])
            copies = [(origins[each.node.remote_id], each.written_id) for each in mine]
            note_copies(self.plan.account_id, lane.target_id, lane.kind, copies)

    def _read_back(self, lane: Lane, ready: list[_Work]) -> tuple[dict[str, Written], str]:
        """Return what is there now, or why that cannot be told: one bad answer must not end the restore."""
        if not ready:
            return {}, ""
        try:
            written = {each.written_id: each.content for each in ready}
            return lane.target.do(lane.writer.read_back(written)), ""
        except (*_ENDING, Throttled):
            raise
        except RemoteError as error:
            return {}, f"{UNREAD} {error}"

    def _read(self, each: _Work, lane: Lane, live_id: str) -> bool:
        try:
            content, files = read_item(self.reader, each.stored.content)
        except EverkeepError as error:
            told = as_damage(error, lane.state, each.node)
            self.context.failed(each.item, told.code, f"It could not be read from the vault. {told}")
            return False
        if each.how == DUPLICATED:
            each.name = f"{each.node.name} {self.plan.stamp}".strip()
            if field_ := _NAMED_BY.get(lane.kind):
                content = canonical({**read_document(content), field_: each.name})
        tags = (self.plan.mark,) if self.plan.options.get("tag") else ()
        each.content = WriteItem(
            each.item.key, live_id, content, each.stored.props, each.name,
            attachments=files, tags=tags, over=each.old_id,
        )  # fmt: skip
        return True

    def _end_if_hopeless(self, ready: list[_Work]) -> None:
        """Stop for what the next items would meet too; what was written is found again by its key."""
        for each in ready:
            if isinstance(each.error, Throttled):
                raise each.error
            if isinstance(each.error, Forbidden):
                raise Forbidden(WRITE_MISSING, do=GRANT_WRITE) from each.error
            if isinstance(each.error, _ENDING):
                raise each.error

    def _remove_older(self, lane: Lane, each: _Work) -> str:
        """Remove the older item, after its successor was seen in place; says so when it is still there."""
        if not each.old_id or each.old_id == each.written_id.removeprefix(KEPT):
            return ""
        try:
            lane.target.do(lane.writer.remove(each.old_id))
        except RemoteError as error:
            return f"Restored, but the older one is still there. {error}"
        return ""


async def _write_all(lane: Lane, ready: Sequence[_Work]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(each: _Work) -> None:
        assert each.content is not None
        async with gate:
            try:
                new = await lane.writer.write(each.content)
                each.written_id, each.not_possible = new.remote_id, new.not_possible
            except EverkeepError as error:
                each.error = error
            except ODD as error:
                each.error = odd(error)

    await asyncio.gather(*(one(each) for each in ready))


def run_restore(context: JobContext) -> JobResult:
    """Do a restore job as far as this worker gets (`jobs.registry`)."""
    plan = plan_of(context)
    if plan.source is None:
        raise NotFound(SOURCE_GONE, do="What is written already can be undone.")
    wait_for_backup(context, plan)
    tell_target_once(plan, context.job)
    context.say(f"Writing into {plan.target.name}")
    try:
        with open_target(plan.target) as target:
            lanes = open_lanes(plan, target, lambda live: settle_root(plan, context.job, live))
            reader = open_reader(plan.account_id)
            keeper = Keeper(context, plan.target.task.shelf)
            return _Restore(context, plan, target, lanes, reader, keeper).run()
    except Throttled as error:
        put_off(context, error)
    except Forbidden as error:
        raise Forbidden(WRITE_MISSING, do=GRANT_WRITE) from error


def odd(error: Exception) -> Malformed:
    """Name what we stumbled over as one item's trouble, and log where."""
    logger.error("an odd item: %s", type(error).__name__, exc_info=error)
    return Malformed("Something in it is of a form that Everkeep does not know.", do="Tell support about it.")


def put_off(context: JobContext, error: Throttled) -> NoReturn:
    """Go on when the provider takes more."""
    seconds = timedelta(seconds=error.retry_after) if error.retry_after else PATIENCE
    context.postpone(clock.now() + seconds, "Microsoft asks for patience. It goes on by itself.")


def _place_of(item: JobItem) -> tuple[str, str]:
    return str(item.details["kind"]), str(item.details.get("folder", ""))


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
