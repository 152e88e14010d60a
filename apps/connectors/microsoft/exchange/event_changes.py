"""What changed in the calendars of one mailbox since a cursor: calendars first, then the events of each."""

import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from apps.connectors.base import (
    Change,
    ChangePage,
    Cursor,
    FolderCount,
    FolderListed,
    FoldersListed,
    Removal,
)
from apps.connectors.microsoft.batch import Part, in_batches, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.faults import folder_failed, is_mailbox_missing
from apps.connectors.microsoft.paging import Page, get_changes, get_page, page_headers
from apps.core.errors import (
    CursorLost,
    EverkeepError,
    Forbidden,
    Gone,
    InvalidRequest,
    Malformed,
    QuotaExceeded,
    TooLarge,
    Unavailable,
)

from .calendars import list_calendars
from .event_props import EVENT_SELECT, event_upsert, is_whole

logger = logging.getLogger(__name__)

CURSOR_VERSION: Final = 1
PAGE_SIZES: Final = (500, 10)
"""Quirk 21: some calendars answer 5xx for ever at large pages; after the smallest they are listed plainly."""
LIST_PAGE: Final = 250
EVER: Final = "startDateTime=1900-01-01T00:00:00Z&endDateTime=2200-01-01T00:00:00Z"
"""Microsoft's description demands a window of this list of changes, though it is not bounded by one."""
MOST_RESTARTS: Final = 3
LISTED_ANEW_AFTER: Final = 14 * 24 * 3600.0
"""Seconds. Nobody promises that a list of changes names a series when one of its dates or files changed: from
time to time the change keys of all are looked at."""
_NO_LIST_OF_CHANGES: Final = (Unavailable, TooLarge, QuotaExceeded, InvalidRequest, Malformed)
_FAILS_ONE_CALENDAR: Final = (Unavailable, Malformed, Forbidden, InvalidRequest, TooLarge, QuotaExceeded)

Entry = dict[str, Any]


@dataclass(slots=True)
class EventCursor:
    """`links` maps calendar id to its link, a path below Graph; None where it must be listed in full.

    `listed` maps calendar id to when it was listed in full (seconds since 1970).
    """

    links: dict[str, str | None] = field(default_factory=dict)
    listed: dict[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, cursor: Cursor | None) -> "EventCursor":
        """Read a stored cursor; one that is not whole is worth nothing."""
        links = (cursor or {}).get("calendars")
        if not isinstance(links, dict) or (cursor or {}).get("v") != CURSOR_VERSION:
            return cls()
        listed = (cursor or {}).get("listed")
        times = listed if isinstance(listed, dict) else {}
        return cls(
            {key: link for key, link in links.items() if link is None or isinstance(link, str)},
            {key: float(time) for key, time in times.items() if isinstance(time, int | float)},
        )

    def to_json(self) -> Cursor:
        return {"v": CURSOR_VERSION, "calendars": self.links, "listed": self.listed}


class EventRound:
    """One round over all calendars.

    A calendar with a link is read by its list of changes, which names ids only: what changed is then asked for,
    twenty in one batch. One without is listed in full, after its list of changes was begun, so that no change
    in between is lost. A calendar that fails keeps its old link and is named by FolderFailed.
    """

    def __init__(self, graph: GraphClient, user: str, cursor: Cursor | None) -> None:
        self._graph, self._user = graph, user
        self._cursor = EventCursor.read(cursor)
        self._pool = graph.pool(user)
        self._base = f"/users/{segment(user)}"
        self._counts: dict[str, int] = {}

    async def pages(self) -> AsyncIterator[ChangePage]:
        """Yield the changes as they come; the last page carries the next cursor."""
        known = self._cursor.links.keys()
        calendars = await list_calendars(self._graph, self._user, pool=self._pool, known=known)
        ids = [each.remote_id for each in calendars]
        self._cursor.links = {each: self._cursor.links.get(each) for each in ids}
        self._cursor.listed = {each: self._cursor.listed[each] for each in ids if each in self._cursor.listed}
        yield ChangePage([*calendars, FoldersListed()])
        yield ChangePage(await self._count(ids))
        failed: list[EverkeepError] = []
        for calendar_id in ids:
            async for page in self._guarded(calendar_id, failed):
                yield page
        if failed and len(failed) == len(ids):
            raise failed[0]
        yield ChangePage([], cursor=self._cursor.to_json())

    async def _count(self, ids: Sequence[str]) -> list[Change]:
        """Ask for the provider's own counts; one that cannot be told is left out."""
        for few in in_batches(ids):
            parts = [Part(each, f"{self._events(each)}?$count=true&$top=1&$select=id") for each in few]
            for answer in await run_batch(self._graph, parts, pool=self._pool):
                count = answer.body.get("@odata.count") if isinstance(answer.body, dict) else None
                if isinstance(count, int):
                    self._counts[answer.key] = count
        return [FolderCount(calendar_id, count) for calendar_id, count in self._counts.items()]

    async def _guarded(self, calendar_id: str, failed: list[EverkeepError]) -> AsyncIterator[ChangePage]:
        """Read one calendar; what goes wrong in it fails it alone."""
        link = self._cursor.links.get(calendar_id)
        if self._graph.patience.now() - self._cursor.listed.get(calendar_id, 0) > LISTED_ANEW_AFTER:
            link = None
        try:
            async for page in self._by_changes(calendar_id, link) if link else self._in_full(calendar_id):
                yield page
        except Gone as error:  # quirk 30: containers vanish while we read
            if is_mailbox_missing(error):
                raise
            if not await self._is_there(calendar_id):
                self._cursor.links.pop(calendar_id, None)
                yield ChangePage([Removal(calendar_id)])
                return
            failed.append(error)
            yield ChangePage([folder_failed(calendar_id, error)])
        except _FAILS_ONE_CALENDAR as error:
            failed.append(error)
            yield ChangePage([folder_failed(calendar_id, error)])

    async def _is_there(self, calendar_id: str) -> bool:
        """Ask for the calendar itself, then for all: one 404 more proves nothing while it is listed."""
        path = f"{self._base}/calendars/{segment(calendar_id)}?$select=id"
        try:
            await self._graph.get_json(path, pool=self._pool)
        except Gone as error:
            if is_mailbox_missing(error):
                raise
            listed = await list_calendars(self._graph, self._user, pool=self._pool, known=[calendar_id])
            return any(each.remote_id == calendar_id for each in listed)
        return True

    async def _by_changes(self, calendar_id: str, link: str) -> AsyncIterator[ChangePage]:
        """Follow a link. One that Microsoft forgot, or does not serve any more, is worth a full list."""
        following: str | None = link
        size = PAGE_SIZES[0]
        while following is not None:
            try:
                page = await self._page(following, size)
                changes = await self._read(page.entries, calendar_id)
            except (CursorLost, *_NO_LIST_OF_CHANGES) as error:
                if isinstance(error, Unavailable) and size != PAGE_SIZES[-1]:
                    size = PAGE_SIZES[-1]
                    continue
                logger.info("a list of changes of a calendar ended early: %s", error.code)
                async for listed in self._in_full(calendar_id):
                    yield listed
                return
            if changes:
                yield ChangePage(changes)
            if page.next_path is None:
                self._cursor.links[calendar_id] = page.delta_path
            following = page.next_path

    async def _in_full(self, calendar_id: str) -> AsyncIterator[ChangePage]:
        """List all events, between the two ends of a list of changes where there is one."""
        named, link = await self._begin_changes(calendar_id)
        listed: set[str] = set()
        path: str | None = f"{self._events(calendar_id)}?$select={EVENT_SELECT}&$top={LIST_PAGE}"
        while path is not None:
            page = await get_page(self._graph, path, pool=self._pool)
            yield ChangePage([event_upsert(entry, calendar_id) for entry in _whole(page.entries)])
            listed.update(entry["id"] for entry in page.entries)
            path = page.next_path
        missed = [remote_id for remote_id in named if remote_id not in listed]
        if missed:  # entries deleted meanwhile shift the pages of a plain list
            yield ChangePage(await self._complete(missed, calendar_id))
        expected = self._counts.get(calendar_id)
        if link or (expected is not None and len(listed) >= expected):
            yield ChangePage([FolderListed(calendar_id, expected)])
        self._cursor.links[calendar_id] = link
        self._cursor.listed[calendar_id] = self._graph.patience.now()

    async def _begin_changes(self, calendar_id: str) -> tuple[list[str], str | None]:
        """Read a list of changes from its beginning to its end; no link where it is not to be had."""
        for size in PAGE_SIZES:
            for _ in range(MOST_RESTARTS):
                try:
                    return await self._all_changes(f"{self._events(calendar_id)}/delta?{EVER}", size)
                except CursorLost:
                    continue
                except _NO_LIST_OF_CHANGES as error:
                    logger.info("no list of changes of a calendar: %s", error.code)
                    if not isinstance(error, Unavailable):
                        return [], None
                    break
        return [], None

    async def _all_changes(self, path: str, size: int) -> tuple[list[str], str | None]:
        named: dict[str, None] = {}
        while True:
            page = await self._page(path, size)
            for entry in page.entries:
                if "@removed" in entry:
                    named.pop(str(entry.get("id")), None)
                else:
                    named[_series_or_self(entry)] = None
            if page.next_path is None:
                return list(named), page.delta_path
            path = page.next_path

    async def _page(self, path: str, size: int) -> Page:
        return await get_changes(self._graph, path, pool=self._pool, headers=page_headers(size))

    async def _read(self, entries: Iterable[Entry], calendar_id: str) -> list[Change]:
        changes: list[Change] = []
        named: dict[str, None] = {}
        for entry in entries:
            if "@removed" in entry:
                changes.append(Removal(str(entry.get("id")), calendar_id))
            elif is_whole(entry) and not entry.get("seriesMasterId"):
                changes.append(event_upsert(entry, calendar_id))
            else:
                named[_series_or_self(entry)] = None
        return changes + await self._complete(list(named), calendar_id)

    async def _complete(self, remote_ids: Sequence[str], calendar_id: str) -> list[Change]:
        """Read what lists show of these events; one that has gone is not there any more."""
        changes: list[Change] = []
        for few in in_batches(remote_ids):
            parts = [Part(each, f"{self._base}/events/{segment(each)}?$select={EVENT_SELECT}") for each in few]
            for answer in await run_batch(self._graph, parts, pool=self._pool):
                if isinstance(answer.body, dict) and is_whole(answer.body):
                    changes.append(event_upsert(answer.body, calendar_id))
                elif answer.fault is not None and issubclass(answer.fault.kind, Gone):
                    if answer.fault.no_mailbox:
                        raise answer.fault.error()
                    changes.append(Removal(answer.key, calendar_id))
                elif answer.fault is not None:
                    raise answer.fault.error()
                else:
                    raise Malformed("Microsoft named a changed event, but does not show it.")
        return changes

    def _events(self, calendar_id: str) -> str:
        return f"{self._base}/calendars/{segment(calendar_id)}/events"


def _series_or_self(entry: Entry) -> str:
    """Return the id of the item that an entry belongs to: dates of a series are parts of the series."""
    remote_id = entry.get("seriesMasterId") or entry.get("id")
    if not isinstance(remote_id, str):
        raise Malformed("Microsoft's list of changes names an event without an id.")
    return remote_id


def _whole(entries: Sequence[Entry]) -> list[Entry]:
    if any(not is_whole(entry) or not isinstance(entry.get("id"), str) for entry in entries):
        raise Malformed("Microsoft's list of events leaves out what was asked for.")
    return [entry for entry in entries if not entry.get("seriesMasterId")]
