"""What changed in folders of items that are fields (contacts, tasks): folders first, then each folder's items.

Folders of these kinds are few: they are listed in full each time. Items come by a list of changes per folder.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from apps.connectors.base import (
    Change,
    ChangePage,
    Cursor,
    FolderCount,
    FolderListed,
    FoldersListed,
    Removal,
    Upsert,
)
from apps.connectors.microsoft.batch import BATCH_SIZE, Part, PartAnswer, in_batches, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.faults import folder_failed, is_mailbox_missing
from apps.connectors.microsoft.governor import Pool
from apps.connectors.microsoft.paging import Page, get_changes, get_page, page_headers, read_changes
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

logger = logging.getLogger(__name__)

CURSOR_VERSION: Final = 1
PAGE_SIZES: Final = (250, 25)
LIST_PAGE: Final = 100
MOST_RESTARTS: Final = 3
_NO_LIST_OF_CHANGES: Final = (Unavailable, TooLarge, QuotaExceeded, InvalidRequest)
_FAILS_ONE_FOLDER: Final = (Unavailable, Malformed, Forbidden, InvalidRequest, TooLarge, QuotaExceeded)

Entry = dict[str, Any]


class ItemKind(Protocol):
    """What a kind brings: its folders, where the items of one are listed, and how an entry becomes a change."""

    select: str
    """`$select=…` of the lists, or "" where the provider lists items whole."""

    async def folders(self) -> list[Upsert]:
        """All folders, parents before children. Raises Gone when there is no mailbox."""
        ...

    def items_path(self, folder_id: str) -> str:
        """Path of the collection below Graph."""
        ...

    async def complete(self, entries: list[Entry], folder_id: str) -> list[Entry]:
        """Add to changed entries what lists do not tell and the columns need."""
        ...

    def upsert(self, entry: Entry, folder_id: str) -> Upsert: ...

    def remote_id(self, entry_id: str, folder_id: str) -> str: ...


@dataclass(slots=True)
class ItemCursor:
    """`links` maps folder id to its link, a path below Graph; None where it must be listed in full."""

    links: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def read(cls, cursor: Cursor | None) -> "ItemCursor":
        """Read a stored cursor; one that is not whole is worth nothing."""
        links = (cursor or {}).get("links")
        if not isinstance(links, dict) or (cursor or {}).get("v") != CURSOR_VERSION:
            return cls()
        return cls({key: link for key, link in links.items() if link is None or isinstance(link, str)})

    def to_json(self) -> Cursor:
        return {"v": CURSOR_VERSION, "links": self.links}


class ItemRound:
    """One round. A folder whose list fails keeps its old link and is named by FolderFailed."""

    def __init__(self, graph: GraphClient, pool: Pool, kind: ItemKind, cursor: Cursor | None) -> None:
        self._graph, self._pool, self._kind = graph, pool, kind
        self._cursor = ItemCursor.read(cursor)
        self._counts: dict[str, int] = {}
        self._failed: list[EverkeepError] = []

    async def pages(self) -> AsyncIterator[ChangePage]:
        """Yield the changes as they come; the last page carries the next cursor."""
        folders = await self._kind.folders()
        ids = [each.remote_id for each in folders]
        self._cursor.links = {each: self._cursor.links.get(each) for each in ids}
        yield ChangePage([*folders, FoldersListed()])
        yield ChangePage(await self._count(ids))
        linked = {each: link for each, link in self._cursor.links.items() if link}
        for few in in_batches(list(linked.items()), BATCH_SIZE):
            async for page in self._known(dict(few)):
                yield page
        for folder_id in ids:
            if folder_id not in linked:
                async for page in self._guarded(folder_id, None):
                    yield page
        if ids and len(self._failed) == len(ids):
            raise self._failed[0]
        yield ChangePage([], cursor=self._cursor.to_json())

    async def _count(self, ids: Sequence[str]) -> list[Change]:
        """Ask for the provider's own counts; one that cannot be told is left out."""
        for few in in_batches(ids):
            query = "$count=true&$top=1&$select=id"
            parts = [Part(each, f"{self._kind.items_path(each)}?{query}") for each in few]
            for answer in await run_batch(self._graph, parts, pool=self._pool):
                count = answer.body.get("@odata.count") if isinstance(answer.body, dict) else None
                if isinstance(count, int):
                    self._counts[answer.key] = count
        return [FolderCount(folder_id, count) for folder_id, count in self._counts.items()]

    async def _known(self, links: dict[str, str]) -> AsyncIterator[ChangePage]:
        """Read folders with a link, twenty at once: a round without changes takes one request for them."""
        parts = [Part(folder_id, link, page_headers(PAGE_SIZES[0])) for folder_id, link in links.items()]
        try:
            answers = await run_batch(self._graph, parts, pool=self._pool)
        except TooLarge:
            answers = []
        by_folder = {answer.key: answer for answer in answers}
        for folder_id, link in links.items():
            read = await self._page_in(by_folder.get(folder_id))
            if read is None:  # asked alone once more, with all care
                async for each in self._guarded(folder_id, link):
                    yield each
                continue
            page, changes = read
            if changes:
                yield ChangePage(changes)
            if page.next_path is None:
                self._cursor.links[folder_id] = page.delta_path
                continue
            async for each in self._guarded(folder_id, page.next_path, given=bool(changes)):
                yield each

    async def _page_in(self, answer: PartAnswer | None) -> tuple[Page, list[Change]] | None:
        if answer is None or answer.fault is not None:
            return None
        try:
            page = read_changes(self._graph, answer.body)
            return page, await self._read(page.entries, answer.key)
        except (Malformed, Unavailable):
            return None

    async def _guarded(
        self, folder_id: str, path: str | None, *, given: bool = False
    ) -> AsyncIterator[ChangePage]:
        """Follow one folder; what goes wrong in it fails it alone. All folders were there a moment ago."""
        try:
            async for page in self._follow(folder_id, path, given=given):
                yield page
        except Gone as error:
            if is_mailbox_missing(error):
                raise
            yield self._fail(folder_id, error)
        except _FAILS_ONE_FOLDER as error:
            yield self._fail(folder_id, error)

    def _fail(self, folder_id: str, error: EverkeepError) -> ChangePage:
        """Name it; the next round sees whether it has gone (quirk 30) or can be read."""
        self._failed.append(error)
        return ChangePage([folder_failed(folder_id, error)])

    async def _follow(self, folder_id: str, path: str | None, *, given: bool) -> AsyncIterator[ChangePage]:
        """Read changes from `path`, or the whole list when None or when the link is refused (quirk 23).

        `given`: earlier pages of the same list were handed out. After a restart then, what has gone in between
        may be named: the folder is listed once more by the next round.
        """
        select = f"?$select={self._kind.select}" if self._kind.select else ""
        first = f"{self._kind.items_path(folder_id)}/delta{select}"
        following, full, again = path or first, path is None, False
        restarts, sizes = 0, list(PAGE_SIZES)
        while sizes:
            try:
                headers = page_headers(sizes[0])
                page = await get_changes(self._graph, following, pool=self._pool, headers=headers)
                changes = await self._read(page.entries, folder_id)
            except CursorLost:
                restarts += 1
                if restarts > MOST_RESTARTS:
                    raise Unavailable(
                        "Microsoft keeps forgetting how far we had read in this folder."
                    ) from None
                again, following, full, given = again or given, first, True, False
                continue
            except _NO_LIST_OF_CHANGES as error:
                logger.info("a list of changes fails: %s", error.code)
                sizes = [] if isinstance(error, QuotaExceeded | InvalidRequest) else sizes[1:]
                continue
            if changes:
                given = True
                yield ChangePage(changes)
            if page.next_path is None:
                if full:
                    yield ChangePage([FolderListed(folder_id, self._counts.get(folder_id))])
                self._cursor.links[folder_id] = None if again else page.delta_path
                return
            following = page.next_path
        async for plainly in self._plainly(folder_id):
            yield plainly

    async def _plainly(self, folder_id: str) -> AsyncIterator[ChangePage]:
        """List a folder without a list of changes (quirks 21, 24).

        Pages shift when items go meanwhile: only a list as long as the provider's count ends what it left out.
        """
        query = f"$top={LIST_PAGE}" + (f"&$select={self._kind.select}" if self._kind.select else "")
        path: str | None = f"{self._kind.items_path(folder_id)}?{query}"
        seen: set[str] = set()
        while path is not None:
            page = await get_page(self._graph, path, pool=self._pool)
            changes = await self._read(page.entries, folder_id)
            seen.update(each.remote_id for each in changes if isinstance(each, Upsert))
            yield ChangePage(changes)
            path = page.next_path
        expected = self._counts.get(folder_id)
        if expected is not None and len(seen) >= expected:
            yield ChangePage([FolderListed(folder_id, expected)])
        self._cursor.links[folder_id] = None

    async def _read(self, entries: list[Entry], folder_id: str) -> list[Change]:
        if any(not isinstance(entry.get("id"), str) for entry in entries):
            raise Malformed("Microsoft's list of changes names an item without an id.")
        there = iter(await self._kind.complete([each for each in entries if "@removed" not in each], folder_id))
        return [
            Removal(self._kind.remote_id(entry["id"], folder_id), folder_id)
            if "@removed" in entry
            else self._kind.upsert(next(there), folder_id)
            for entry in entries
        ]
