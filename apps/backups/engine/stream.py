"""One sub-service of one run: pages are planned, fetched and sealed side by side, and entered in order."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Coroutine, Sequence
from typing import Any, TypeVar

from django.db.models import F

from apps.connectors.base import (
    Change,
    Cursor,
    FetchProblem,
    FolderCount,
    FolderFailed,
    FolderListed,
    FoldersListed,
    Upsert,
)
from apps.connectors.enums import SkipCause, SubService

from .. import catalog
from ..catalog import Draft, Drop, Keep, Listed, Put
from ..errors import RunCancelled
from ..exclusions import Sieve
from ..models import Run, Snapshot
from .batch import Batch
from .context import RunContext
from .erased import Erased
from .fetching import Fetcher
from .issues import Troubles, doubted, forget_what_ended, open_upserts, write_issues
from .refetch import Refetch, wanted
from .sieve import sieve
from .units import Unit, units_of

T = TypeVar("T")
_END = None
logger = logging.getLogger("everkeep.backups")


class Stream:
    """Reads all changes of a sub-service into a draft. After `read` all of it is durable, nothing visible."""

    def __init__(self, context: RunContext, sub_service: SubService, before: Snapshot | None) -> None:
        self._context, self._limits = context, context.limits
        self.sub_service, self.before = sub_service, before
        number = before.number + 1 if before else 1
        run = context.run
        self.draft = Draft(run.account_id, run.entity_id, sub_service, number, run.pk)
        self.cursor: Cursor | None = None
        self.troubles, self.listed = Troubles(), Listed()
        self.expected: dict[str, int] = {}
        self.left: set[str] = set()
        self.refetch = Refetch()
        self.stored = self.reused = 0
        self._batch = Batch()
        self._units: asyncio.Queue[Unit | None] = asyncio.Queue(context.limits.units_ahead)
        self._under_way: dict[tuple[str, str], Unit] = {}  # states of items that are not in the catalog yet
        self._doubted: set[str] = set()  # what is stored of them may lack a file, unless this run fetched it
        self._not_whole: dict[tuple[str, str], FetchProblem] = {}  # of what this run fetched
        self._fetcher = Fetcher(context, sub_service, self._left_out)
        self._sieve = Sieve(context.exclusions, {})
        self.erased = Erased()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def read(self) -> None:
        """Read to the end. What was read before an error is durable, and adopted by the next run."""
        await self._in_caller(self._begin)
        pager = self._start(self._read_pages())
        try:
            while (unit := await self._next_unit(pager)) is not _END:
                if unit.fetching is not None:
                    await self._patiently(unit.fetching)
                if unit.anew:
                    self.refetch.note(unit)
                self._learn(unit)
                self._batch.add(unit)
                if self._batch.is_full(self._limits):
                    await self._write_batch()
        except BaseException:
            await self._stop_tasks()
            await self._save_what_is_there()
            raise
        await self._write_batch()
        await self._in_caller(self._finish)

    async def _read_pages(self) -> None:
        retries = await self._in_caller(open_upserts, self.draft)
        self.refetch = await self._in_caller(wanted, self.draft)
        self.refetch.follow(retries)
        self._doubted = await self._in_caller(doubted, self.draft, self.before)
        self._sieve = await self._in_caller(sieve, self.draft, self.before, self._context.exclusions)
        self.erased = await self._in_caller(Erased.of, self.draft)
        await self._plan(retries, again=True)
        await self._plan_damaged()
        cursor = self.before.cursor if self.before else None
        pages = self._context.connector.changes(self._context.target, self.sub_service, cursor)
        async for page in pages:
            self._context.check_stop()
            await self._in_caller(self._check_cancel)
            await self._plan(page.changes)
            if page.cursor is not None:
                self.cursor = page.cursor
        await self._units.put(_END)

    async def _plan(self, changes: Sequence[Change], *, again: bool = False) -> None:
        """Queue a page: what is stored already is taken from the catalog, the rest begins to be fetched."""
        changes = self.erased.left_out(changes)
        items = [c for c in changes if isinstance(c, Upsert) and not c.is_folder]
        known = await self._in_caller(catalog.stored_contents, self.draft, items) if items else {}
        anew = self.refetch.name_again(items) | self._doubted
        for folder in changes:
            if isinstance(folder, Upsert) and folder.is_folder:
                self._sieve.learn(folder)
        for unit in units_of(changes, self._limits.unit):
            unit.again = again
            for item in unit.items():
                state = item.remote_id, item.etag
                if state not in known and (why := self._sieve.why(item)):
                    unit.answers[item.remote_id] = FetchProblem(item.remote_id, why, skip=SkipCause.EXCLUDED)
                    continue
                if state in known:
                    unit.stored.add(item.remote_id)
                healing = self._under_way.get(state) if item.etag else None
                if healing is not None and healing.anew:
                    unit.lenders[item.remote_id] = healing  # what the catalog has of it is damaged
                elif (stored := known.get(state)) and item.remote_id not in anew:
                    unit.answers[item.remote_id] = stored
                    if state in self._not_whole:
                        unit.missing_files[item.remote_id] = self._not_whole[state]
                elif item.etag and (lender := self._under_way.setdefault(state, unit)) is not unit:
                    unit.lenders[item.remote_id] = lender
            if unit.missing():
                unit.fetching = self._start(self._fetcher.fetch(unit))
            await self._units.put(unit)

    def _left_out(self, unit: Unit, remote_id: str, size: int) -> FetchProblem | None:
        """Judge what was fetched, before the vault gets it. What heals something stored is let in."""
        if unit.anew or remote_id in unit.stored or not (why := self._sieve.why_too_large(size)):
            return None
        etag = next(item.etag for item in unit.items() if item.remote_id == remote_id)
        self._sieve.sizes[remote_id, etag] = size
        return FetchProblem(remote_id, why, skip=SkipCause.EXCLUDED)

    def _learn(self, unit: Unit) -> None:
        """What this run fetched need not be fetched again when the provider repeats itself."""
        for item in unit.items():
            if item.remote_id in unit.fetched:
                self._doubted.discard(item.remote_id)
                if problem := unit.not_whole(item.remote_id):
                    self._not_whole[item.remote_id, item.etag] = problem

    async def _plan_damaged(self) -> None:
        """Queue what the vault cannot read any more: downloaded whatever the catalog knows of it."""
        for items, ended in ((self.refetch.current, False), (self.refetch.ended, True)):
            for unit in units_of(items, self._limits.unit):
                unit.again, unit.anew, unit.bytes_only = True, True, ended
                if not ended:
                    for item in unit.items():
                        self._under_way[item.remote_id, item.etag] = unit
                unit.fetching = self._start(self._fetcher.fetch(unit))
                await self._units.put(unit)

    async def _next_unit(self, pager: "asyncio.Task[None]") -> Unit | None:
        getting = asyncio.ensure_future(self._units.get())
        await self._patiently(asyncio.wait({getting, pager}, return_when=asyncio.FIRST_COMPLETED))
        if not getting.done() and pager.exception() is not None:
            getting.cancel()
            pager.result()
        return await getting

    async def _patiently(self, awaitable: Awaitable[T]) -> T:
        """Wait; when it takes long, write what is there meanwhile, so that a crash costs little."""
        future = asyncio.ensure_future(awaitable)
        try:
            while not future.done():
                await asyncio.wait({future}, timeout=self._batch.seconds_left(self._limits))
                if not future.done() and self._batch:
                    await self._write_batch()
        except BaseException:
            future.cancel()
            raise
        return future.result()

    async def _write_batch(self) -> None:
        """Pack first, rows after: a row never names a blob that could be lost."""
        batch, self._batch = self._batch, Batch()
        if not batch:
            return
        await self._context.sealer.flush()
        await self._in_caller(self._enter, batch)
        for entry in batch.entries:
            if not isinstance(entry, Drop):
                self._under_way.pop((entry.upsert.remote_id, entry.upsert.etag), None)

    async def _save_what_is_there(self) -> None:
        """Spare the next run a download. The error that ended this run matters more than one in here."""
        try:
            await self._write_batch()
        except Exception as error:
            logger.warning("backup run %s: the last batch was lost too: %s", self._context.run.pk, error)

    # In the calling thread, with the database.

    def _begin(self) -> None:
        with self._context.lease.guard():
            catalog.begin(self.draft)

    def _check_cancel(self) -> None:
        if self._context.lease.cancel_requested():
            raise RunCancelled("Cancelled. What was read so far will be used by the next run.")

    def _enter(self, batch: Batch) -> None:
        with self._context.lease.guard():
            applied = catalog.apply(self.draft, batch.entries)
            issues = write_issues(self.draft, batch.troubles, applied.kept, self._sieve.sizes)
            self._count(batch)
        self.left |= applied.folders_left
        self.stored += batch.fetched
        self.reused += batch.reused
        self._settle(batch, issues, applied.kept)

    def _count(self, batch: Batch) -> None:
        """Show progress on the run's page."""
        self._note_marks(batch)
        counter = self._context.connector.counter
        values: dict[str, Any] = {
            "items_stored": F("items_stored") + batch.fetched,
            "items_reused": F("items_reused") + batch.reused,
            "calls": counter.calls,
            "bytes_received": counter.bytes_received,
            "throttled": counter.throttled,
            "bytes_stored": self._context.sealer.stored_bytes,
        }
        if self.before is None and self.expected:
            values["items_expected"] = sum(self.expected.values())
        Run.objects.filter(pk=self._context.run.pk).update(**values)

    def _note_marks(self, batch: Batch) -> None:
        for mark in batch.marks:
            match mark:
                case FolderCount():
                    self.expected[mark.folder_id] = mark.items
                case FolderListed():
                    self.listed.folders.add(mark.folder_id)
                    if mark.expected is not None:
                        self.expected[mark.folder_id] = mark.expected
                case FoldersListed():
                    self.listed.tree = True
                case FolderFailed():
                    self.troubles.folders[mark.folder_id] = mark
                    if mark.whole:
                        self.listed.unread.add(mark.folder_id)

    def _settle(self, batch: Batch, issues: list[int], kept: set[str]) -> None:
        troubles = deque(zip(batch.troubles, issues, strict=True))
        for entry in batch.entries:
            match entry:
                case Put():
                    self.troubles.clear(entry.upsert.remote_id)
                    if troubles and troubles[0][0].upsert is entry.upsert:
                        self.troubles.note(*troubles.popleft(), stored=True)
                case Drop():
                    self.troubles.removed(entry.removal)
                case Keep():
                    self.troubles.note(*troubles.popleft(), older=entry.upsert.remote_id in kept)
        if self.before is not None:
            self.listed.seen.add(batch.named)

    def _finish(self) -> None:
        self.erased.listed(self.listed.folders)
        catalog.finish(self.draft, left=self.left, listed=self.listed, guard=self._context.lease.guard)
        forget_what_ended(self.draft, self.troubles, self.listed)

    # Tasks of the loop.

    def _in_caller(self, function: Any, *args: Any) -> Coroutine[Any, Any, Any]:
        return self._context.bridge.call(function, *args)

    def _start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Forget a task. Its error, if any, was or will be raised to whoever waits for it."""
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()

    async def _stop_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
