"""What changed in the mail of one mailbox since a cursor: folders first, then the mail of each folder."""

import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from apps.connectors.base import Change, ChangePage, Cursor, FolderListed, Removal
from apps.connectors.microsoft.batch import BATCH_SIZE, Part, PartAnswer, in_batches, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.faults import folder_failed, is_mailbox_missing
from apps.connectors.microsoft.governor import Pool
from apps.connectors.microsoft.paging import get_changes, get_page, page_headers, read_changes
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

from .folder_changes import FolderRound
from .folders import ROOT, folder_upsert, walk_folders
from .mail_cursor import MailCursor
from .mail_props import MESSAGE_SELECT, is_whole, message_upsert
from .mail_recoverable import DELETIONS, recoverable_page

logger = logging.getLogger(__name__)

PAGE_SIZES: Final = (500, 50)
"""Asked for with odata.maxpagesize: `$top` would cap the whole list (quirk 19). Smaller after faults (21)."""
KNOWN_PAGE_SIZE: Final = 200
NEWEST_FIRST: Final = "&$orderby=receivedDateTime%20desc"
"""The one order that lists of changes of mail know (facts.md §6): what is most wanted is stored first."""
_TURNS: Final = {"inbox": 0, "sentitems": 1, "junkemail": 3, "deleteditems": 4, DELETIONS: 5}
_TURN_OF_OTHERS: Final = 2
"""In which order folders are listed whole, by Microsoft's fixed names."""
MOST_RESTARTS: Final = 3
MOST_FAILED_IN_A_ROW: Final = 3
_NEVER_GO: Final = (ROOT, DELETIONS)
"""No list of folders names these two, and every mailbox has them."""
_FAILS_ONE_FOLDER: Final = (Unavailable, Malformed, Forbidden, InvalidRequest, TooLarge)

Entry = dict[str, Any]


class MailRound:
    """One round of changes over one mailbox.

    1. Folders (FolderRound). 2. The folders with a link, twenty in one batch: a round without changes takes
    one request per twenty folders. 3. One by one, what has further pages or no link: new folders, refused
    links. 4. The cursor. A folder whose list fails keeps its old link and is named by FolderFailed.
    """

    def __init__(
        self,
        graph: GraphClient,
        user: str,
        cursor: Cursor | None,
        *,
        recoverable: bool = False,
        pool: Pool | None = None,
    ) -> None:
        self._graph, self._user, self._recoverable = graph, user, recoverable
        self._cursor = MailCursor.read(cursor)
        self._pool = pool or graph.pool(user)
        self._failed_in_a_row = 0
        self._read_well: str | None = None
        self._there: dict[str, Entry] | None = None

    async def pages(self) -> AsyncIterator[ChangePage]:
        """Yield the changes as they come; the last page carries the next cursor."""
        folders = FolderRound(self._graph, self._user, self._cursor, pool=self._pool)
        async for page in folders.pages():
            yield page
        yield await recoverable_page(
            self._graph, self._user, self._cursor, pool=self._pool, wanted=self._recoverable
        )
        linked = [(folder_id, link) for folder_id, link in self._cursor.mail.items() if link]
        unlinked = [folder_id for folder_id, link in self._cursor.mail.items() if not link]
        unlinked.sort(key=lambda each: _TURNS.get(self._cursor.well_known.get(each, ""), _TURN_OF_OTHERS))
        for few in in_batches(linked, BATCH_SIZE):
            async for page in self._known(few):
                yield page
        for folder_id in unlinked:
            async for page in self._in_full(folder_id):
                yield page
        yield ChangePage([], cursor=self._cursor.to_json())

    async def _known(self, folders: Sequence[tuple[str, str]]) -> AsyncIterator[ChangePage]:
        headers = page_headers(KNOWN_PAGE_SIZE)
        parts = [Part(folder_id, link, headers) for folder_id, link in folders]
        try:
            answers = await run_batch(self._graph, parts, pool=self._pool)
        except TooLarge:
            answers = []
        links = dict(folders)
        unread = set(links) - {each.key for each in answers}
        for answer in answers:
            async for page in self._one_known(answer, links[answer.key]):
                yield page
        for folder_id in sorted(unread):
            async for page in self._guarded(folder_id, links[folder_id]):
                yield page

    async def _one_known(self, answer: PartAnswer, link: str) -> AsyncIterator[ChangePage]:
        folder_id = answer.key
        if answer.fault is not None or not isinstance(answer.body, dict):
            async for page in self._guarded(folder_id, link):  # asked alone once more, with all care
                yield page
            return
        try:
            read = read_changes(self._graph, answer.body)
            changes = await self._read(read.entries, folder_id)
        except Malformed:
            async for again in self._guarded(folder_id, link):
                yield again
            return
        if changes:
            yield ChangePage(changes)
        if read.next_path is None:
            self._cursor.mail[folder_id] = read.delta_path
            self._failed_in_a_row, self._read_well = 0, folder_id
            return
        async for further in self._guarded(folder_id, read.next_path, given=bool(changes)):
            yield further

    async def _in_full(self, folder_id: str) -> AsyncIterator[ChangePage]:
        async for page in self._guarded(folder_id, None):
            yield page

    async def _guarded(
        self, folder_id: str, path: str | None, *, given: bool = False
    ) -> AsyncIterator[ChangePage]:
        """Follow one folder; what goes wrong in it fails it alone, unless others fail alike."""
        try:
            async for page in self._follow(folder_id, path, given=given):
                yield page
            self._failed_in_a_row, self._read_well = 0, folder_id
        except Gone as error:  # quirk 30: containers vanish while we read
            if is_mailbox_missing(error):
                raise  # a mailbox that is not reached just now has not lost its folders
            yield await self._vanished(folder_id) or await self._fail(folder_id, error)
        except _FAILS_ONE_FOLDER as error:
            yield await self._fail(folder_id, error)

    async def _fail(self, folder_id: str, error: EverkeepError) -> ChangePage:
        """Name a folder that failed. When several do in a row, raises unless one that was read still is."""
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= MOST_FAILED_IN_A_ROW:
            if self._read_well is None:
                raise error
            await get_page(
                self._graph, f"{self._mail_path(self._read_well)}?$select=id&$top=1", pool=self._pool
            )
            self._failed_in_a_row = 0
        return ChangePage([folder_failed(folder_id, error)])

    async def _vanished(self, folder_id: str) -> ChangePage | None:
        """Take out a folder that has gone while we read; None when that is not proved.

        Who says "not found" of it by mistake never names it again, so it has to be missing among all folders,
        too. What those say goes along: a folder that was moved out of it before has not gone with it.
        """
        if self._cursor.well_known.get(folder_id) in _NEVER_GO:
            return None
        try:
            if await self._is_there(folder_id) or folder_id in await self._all_folders():
                return None
        except (Gone, *_FAILS_ONE_FOLDER) as unproved:
            if is_mailbox_missing(unproved):
                raise
            return None
        self._cursor.mail.pop(folder_id, None)
        names, root = self._cursor.well_known, self._cursor.root
        known = [entry for each, entry in (await self._all_folders()).items() if each in self._cursor.mail]
        others = [folder_upsert(each, well_known=names.get(each["id"], ""), root=root) for each in known]
        return ChangePage([*others, Removal(folder_id)])

    async def _all_folders(self) -> dict[str, Entry]:
        """Return all folders below the top by id, as lists of folders show them: asked for once in a round."""
        if self._there is None:
            walk = walk_folders(self._graph, self._user, pool=self._pool)
            self._there = {entry["id"]: entry async for entry in walk}
        return self._there

    async def _is_there(self, folder_id: str) -> bool:
        """Ask for the folder itself: a list that says 404 proves nothing. Raises what is no answer to that."""
        path = f"/users/{segment(self._user)}/mailFolders/{segment(folder_id)}?$select=id"
        try:
            await self._graph.get_json(path, pool=self._pool)
        except Gone as error:
            if is_mailbox_missing(error):
                raise
            return False
        return True

    async def _follow(self, folder_id: str, path: str | None, *, given: bool) -> AsyncIterator[ChangePage]:
        """Read a folder's changes from `path`, or its whole list when None or when the link is refused.

        `given`: earlier pages of the same list were handed out already.
        A restart after pages were given, of a list or of changes, may leave items named that have gone in
        between: the folder is then listed once more by the next round, which ends them.
        """
        plain = f"{self._mail_path(folder_id)}/delta?$select={MESSAGE_SELECT}"
        first = plain + NEWEST_FIRST
        following, full, again = path or first, path is None, False
        restarts, sizes = 0, list(PAGE_SIZES)
        while True:
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
                again = again or given
                following, full, given = first, True, False
                continue
            except InvalidRequest:
                if following != first or first == plain:
                    raise
                following = first = plain
                continue
            except QuotaExceeded:
                break
            except (Unavailable, TooLarge):
                sizes.pop(0)
                if not sizes:
                    break
                continue
            if changes:
                given = True
                yield ChangePage(changes)
            if page.next_path is None:
                if full:
                    yield ChangePage([FolderListed(folder_id, self._cursor.counts.get(folder_id))])
                self._cursor.mail[folder_id] = None if again else page.delta_path
                return
            following = page.next_path
        async for each in self._plainly(folder_id):
            yield each

    async def _plainly(self, folder_id: str) -> AsyncIterator[ChangePage]:
        """List a folder without a list of changes (over quota, or the list of changes keeps failing).

        Entries deleted meanwhile shift the pages, so items may be missed: only a list that holds as many as
        the folder counted before and after it ends what it does not name.
        """
        path: str | None = f"{self._mail_path(folder_id)}?$select={MESSAGE_SELECT}&$top={PAGE_SIZES[0]}"
        seen: set[int] = set()
        before = await self._count(folder_id)
        while path is not None:
            page = await get_page(self._graph, path, pool=self._pool)
            yield ChangePage(await self._read(page.entries, folder_id))
            seen.update(hash(entry["id"]) for entry in page.entries if isinstance(entry.get("id"), str))
            path = page.next_path
        expected = await self._count(folder_id)
        if before is not None and expected is not None and len(seen) >= max(before, expected):
            yield ChangePage([FolderListed(folder_id, expected)])
        self._cursor.mail[folder_id] = None

    async def _count(self, folder_id: str) -> int | None:
        """Return Microsoft's own count of a folder's items; None where it tells none."""
        path = f"/users/{segment(self._user)}/mailFolders/{segment(folder_id)}?$select=id,totalItemCount"
        count = (await self._graph.get_json(path, pool=self._pool)).get("totalItemCount")
        return count if isinstance(count, int) else None

    async def _read(self, entries: list[Entry], folder_id: str) -> list[Change]:
        changes: list[Change] = []
        fragments: list[str] = []
        for entry in entries:
            remote_id = entry.get("id")
            if not isinstance(remote_id, str):
                raise Malformed("Microsoft's list of changes names a message without an id.")
            if "@removed" in entry:
                changes.append(Removal(remote_id, folder_id))
            elif is_whole(entry):
                changes.append(message_upsert(entry, folder_id))
            else:
                fragments.append(remote_id)
        return changes + await self._complete(fragments, folder_id) if fragments else changes

    async def _complete(self, remote_ids: Sequence[str], folder_id: str) -> list[Change]:
        """Read messages whose entry was a fragment, such as `isRead` alone. One that has gone is left out.

        What is left out is not named again: only an answer that says why is believed (quirk 6).
        """
        changes: list[Change] = []
        base = f"/users/{segment(self._user)}/messages"
        for few in in_batches(remote_ids):
            parts = [Part(each, f"{base}/{segment(each)}?$select={MESSAGE_SELECT}") for each in few]
            for answer in await run_batch(self._graph, parts, pool=self._pool):
                fault = answer.fault
                if isinstance(answer.body, dict) and is_whole(answer.body):
                    changes.append(message_upsert(answer.body, answer.body["parentFolderId"] or folder_id))
                elif fault is not None and fault.no_mailbox:
                    raise fault.error()
                elif fault is None or fault.passing or not issubclass(fault.kind, Gone):
                    raise Malformed("Microsoft named a changed message, but does not show it.")
        return changes

    def _mail_path(self, folder_id: str) -> str:
        return f"/users/{segment(self._user)}/mailFolders/{segment(folder_id)}/messages"
