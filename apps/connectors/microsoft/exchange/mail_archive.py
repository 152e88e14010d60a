"""The in-place archive: a mailbox of its own beside the visible one, read where the backup task says so.

Microsoft's mail interface does not support it: `/users/{id}/mailFolders` never names it. Its mailbox id stands
in `settings/exchange` of beta, and the mail interface then reads it as it reads any mailbox
(docs/connectors.md, C2). So a round over the archive is a MailRound of its own. Its ids carry its mailbox
before them: an id alone says where an item is, and none is ever taken for one of the visible mailbox.
"""

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from apps.connectors.base import (
    Change,
    ChangePage,
    Cursor,
    EntityRef,
    Fetched,
    FetchProblem,
    FolderFailed,
    FoldersListed,
    Removal,
    Upsert,
)
from apps.connectors.documents import canonical
from apps.connectors.enums import SkipCause
from apps.connectors.microsoft.client import GraphClient, Request
from apps.connectors.microsoft.endpoints import ARCHIVE_MAILBOX, segment
from apps.connectors.microsoft.faults import folder_failed
from apps.connectors.microsoft.governor import Pool
from apps.core.errors import (
    ConsentLost,
    EverkeepError,
    Forbidden,
    Gone,
    InvalidRequest,
    Malformed,
    Throttled,
    Unavailable,
)

from .mail_changes import MailRound
from .mail_cursor import MailCursor
from .mail_fetch import fetch_mail
from .mail_listed import list_mail
from .mail_recoverable import DELETIONS

logger = logging.getLogger(__name__)

ROOT_ID: Final = "in-place-archive"
"""Our own id of its top folder: the one that is named also when nobody lets us ask for the archive."""
ROOT: Final = Upsert(
    ROOT_ID, None, True, "In-Place Archive", "1", canonical({"v": 1}), well_known="archivemsgfolderroot"
)
_WELL_KNOWN: Final = {DELETIONS: "archiverecoverableitems"}
"""What folders of the archive are called where that matters. Its Inbox is not the Inbox of the mailbox."""
_OF_CURSOR: Final = "archive"
_UNSUPPORTED: Final = (
    "The next run tries again. Microsoft does not officially support reading in-place archives: if it stays "
    "so, switch it off in the settings of the backup task."
)


async def mail_changes(
    graph: GraphClient, entity: EntityRef, cursor: Cursor | None
) -> AsyncIterator[ChangePage]:
    """Yield the changes of the mailbox, then those of its archive; the last page carries the cursor of both.

    Only the visible mailbox can fail the round. What is known of the archive stays while it cannot be read.
    """
    last, listed = ChangePage([]), False
    async for page in MailRound(graph, entity.remote_id, cursor, recoverable=entity.recoverable).pages():
        listed = listed or any(isinstance(each, FoldersListed) for each in page.changes)
        if page.cursor is None:
            yield page
        else:
            last = page
    kept = (cursor or {}).get(_OF_CURSOR)
    part = _Archive(graph, entity, kept if isinstance(kept, dict) else {}, listed=listed)
    async for page in part.pages() if entity.archive else part.left_out():
        yield page
    whole = {**(last.cursor or {}), **({_OF_CURSOR: part.kept} if part.kept else {})}
    yield ChangePage(last.changes, cursor=whole)


class _Archive:
    """One round over the archive of one mailbox. `kept` is its part of the cursor: its "mailbox" and "cursor".

    `listed`: the folders of the visible mailbox were listed in full, so those of the archive are named, too.
    """

    def __init__(self, graph: GraphClient, entity: EntityRef, kept: dict[str, Any], *, listed: bool) -> None:
        self._graph, self._entity, self._pool = graph, entity, graph.pool(entity.remote_id)
        self._listed, self.kept, self._advice = listed, kept, _UNSUPPORTED

    async def left_out(self) -> AsyncIterator[ChangePage]:
        """End it if it was there: older days keep it."""
        if self.kept:
            self.kept = {}
            yield ChangePage([Removal(ROOT_ID)])

    async def pages(self) -> AsyncIterator[ChangePage]:
        named: set[str] = set()
        try:
            mailbox = await self._find()
            if not mailbox:
                async for page in self.left_out():
                    yield page
                return
            async for page in self._read(mailbox, named):
                yield page
        except ConsentLost:
            raise
        except Exception as error:  # whatever its unsupported route does, the mailbox itself is complete
            if not isinstance(error, EverkeepError):
                logger.exception("an in-place archive could not be understood")
            self.kept = _as_before(self.kept, named)
            yield ChangePage([ROOT, _failed(error, self._advice)])

    async def _find(self) -> str:
        """Return the id of the archive; "" when there is none.

        One that was read before is gone only when it does not answer any more either: beta may change any day.
        """
        known, found = str(self.kept.get("mailbox") or ""), ""
        try:
            found = await find_archive(self._graph, self._entity.remote_id, pool=self._pool)
        except (Forbidden, Gone, InvalidRequest, Malformed, Unavailable) as error:
            if known:
                return known
            if isinstance(error, Forbidden):
                self._advice = (
                    "Consent to User.Read.All for the app at Microsoft: it tells where the archive is."
                )
            raise
        if found.lower() == known.lower():
            return known  # as it was spelt when its ids were made
        if found or not known:
            return found
        try:
            await self._root_of(known)
        except Gone:
            return ""
        return known

    async def _root_of(self, mailbox: str) -> str:
        path = f"/users/{segment(mailbox)}/mailFolders/msgfolderroot?$select=id"
        root = (await self._graph.get_json(path, pool=self._pool)).get("id")
        if not isinstance(root, str):
            raise Malformed("Microsoft does not name the top folder of the in-place archive.")
        return root

    async def _read(self, mailbox: str, named: set[str]) -> AsyncIterator[ChangePage]:
        """Yield what changed in it; `named` takes the own ids of the folders that are there."""
        names = _Names(mailbox, await self._root_of(mailbox))
        yield ChangePage([ROOT])
        if (older := str(self.kept.get("mailbox") or "")) != mailbox:
            gone = _Names(older, "")
            yield ChangePage([Removal(gone.outer(each)) for each in _folders(self.kept)])
            self.kept = {"mailbox": mailbox}
        before: Cursor | None = self.kept.get("cursor")
        if before and self._listed:
            before = {**before, "folders": None}
        listed, after = False, None
        wanted = self._entity.recoverable
        inner = MailRound(self._graph, mailbox, before, recoverable=wanted, pool=self._pool)
        async for page in inner.pages():
            listed = listed or any(isinstance(each, FoldersListed) for each in page.changes)
            named.update(each.remote_id for each in page.changes if isinstance(each, Upsert) and each.is_folder)
            yield ChangePage(
                [names.change(each) for each in page.changes if not isinstance(each, FoldersListed)]
            )
            after = page.cursor or after
        if listed:
            gone_folders = set(_folders(self.kept)) - named
            yield ChangePage([Removal(names.outer(each)) for each in sorted(gone_folders)])
        self.kept = {"mailbox": mailbox, "cursor": after}


@dataclass(frozen=True, slots=True)
class _Names:
    """Turns ids of the archive into ours: those of its mailbox before them, its top folder into ROOT_ID."""

    mailbox: str
    root: str

    def outer(self, own: str) -> str:
        return ROOT_ID if own == self.root else f"{self.mailbox}/{own}"

    def change(self, each: Change) -> Change:
        match each:
            case Upsert():
                return self.upsert(each)
            case Removal():
                parent_id = None if each.parent_id is None else self.outer(each.parent_id)
                return Removal(self.outer(each.remote_id), parent_id)
            case FoldersListed():
                return each
            case _:
                return replace(each, folder_id=self.outer(each.folder_id))

    def upsert(self, each: Upsert) -> Upsert:
        if each.remote_id == self.root:
            return ROOT
        parent = ROOT_ID if each.parent_id is None else self.outer(each.parent_id)
        known = _WELL_KNOWN.get(each.well_known, "")
        return each._replace(remote_id=self.outer(each.remote_id), parent_id=parent, well_known=known)


async def find_archive(graph: GraphClient, user: str, *, pool: Pool) -> str:
    """Return the mailbox id of somebody's in-place archive, "" when there is none. Raises what Graph says."""
    request = Request("GET", f"/users/{segment(user)}/settings/exchange", {}, beta=True)
    said = await graph.send_for_json(request, pool=pool)
    several = said.get("value")  # Microsoft's own page shows a list, the service answers with the one
    if isinstance(several, list):
        said = next((each for each in several if isinstance(each, dict)), {})
    found = said.get("inPlaceArchiveMailboxId") or ""
    if found and not (isinstance(found, str) and ARCHIVE_MAILBOX.fullmatch(found)):
        raise Malformed("Microsoft names the in-place archive in a way that we do not know.")
    return str(found)


def archive_of(remote_id: str) -> tuple[str, str]:
    """Cut an id into the archive's mailbox ("" for the visible mailbox) and the id in there."""
    mailbox, slash, own = remote_id.partition("/")
    return (mailbox, own) if slash and ARCHIVE_MAILBOX.fullmatch(mailbox) else ("", remote_id)


async def fetch_anywhere(
    graph: GraphClient, entity: EntityRef, remote_ids: Sequence[str]
) -> AsyncIterator[Fetched | FetchProblem]:
    """Yield one answer per id, of the mailbox or of its archive, which the task may leave out.

    Raises what `fetch_mail` does, but an archive that is not reached fails its own mail only.
    """
    for mailbox, ids in _by_mailbox(remote_ids).items():
        if not mailbox:
            async for answer in fetch_mail(graph, entity.remote_id, ids):
                yield answer
        elif entity.archive:
            async for answer in _fetch_archived(graph, mailbox, ids, pool=graph.pool(entity.remote_id)):
                yield answer
        else:
            for each in ids:
                said = "The settings of the backup task leave the in-place archive out."
                yield FetchProblem(f"{mailbox}/{each}", said, skip=SkipCause.GONE)


async def _fetch_archived(
    graph: GraphClient, mailbox: str, ids: Sequence[str], *, pool: Pool
) -> AsyncIterator[Fetched | FetchProblem]:
    waiting = dict.fromkeys(ids)
    try:
        async for answer in fetch_mail(graph, mailbox, ids, pool=pool):
            waiting.pop(answer.remote_id, None)
            yield _renamed(answer, f"{mailbox}/{answer.remote_id}")
    except (ConsentLost, Throttled):
        raise
    except EverkeepError as error:
        for each in waiting:
            yield FetchProblem(f"{mailbox}/{each}", f"{_NOT_READ} {error.what}", _UNSUPPORTED, code=error.code)


def _renamed(answer: Fetched | FetchProblem, remote_id: str) -> Fetched | FetchProblem:
    if isinstance(answer, Fetched):
        return answer._replace(remote_id=remote_id)
    return replace(answer, remote_id=remote_id)


async def list_anywhere(graph: GraphClient, entity: EntityRef, remote_ids: Sequence[str]) -> dict[str, Upsert]:
    """Return by id what is there of these, in the mailbox or in its archive."""
    found: dict[str, Upsert] = {}
    for mailbox, ids in _by_mailbox(remote_ids).items():
        user = entity.remote_id
        listed = await list_mail(graph, mailbox or user, ids, pool=graph.pool(user))
        names = _Names(mailbox, "")
        found |= {names.outer(key): names.upsert(it) for key, it in listed.items()} if mailbox else listed
    return found


def _by_mailbox(remote_ids: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for remote_id in remote_ids:
        mailbox, own = archive_of(remote_id)
        found.setdefault(mailbox, []).append(own)
    return found


def _folders(kept: dict[str, Any]) -> list[str]:
    """Name the folders that a kept cursor knows."""
    return list(MailCursor.read(kept.get("cursor")).mail)


def _as_before(kept: dict[str, Any], named: set[str]) -> dict[str, Any]:
    """Keep the cursor as it was before a round that failed, with the folders that it has named since.

    They are stored, so that they have gone is to be noticed.
    """
    if not kept.get("mailbox"):
        return {"mailbox": ""}
    cursor = MailCursor.read(kept.get("cursor"))
    for folder_id in named:
        cursor.mail.setdefault(folder_id, None)
    return {**kept, "cursor": cursor.to_json()}


_NOT_READ: Final = "The in-place archive could not be read."


def _failed(error: Exception, advice: str) -> FolderFailed:
    if not isinstance(error, EverkeepError):
        error = Malformed("Microsoft's answer cannot be understood.")
    said = folder_failed(ROOT_ID, error)
    return replace(said, what=f"{_NOT_READ} {error.what}", do=advice, whole=True)
