"""First half of a round: what changed among the folders of a mailbox."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

from apps.connectors.base import Change, ChangePage, FolderCount, FoldersListed, Removal, Upsert
from apps.connectors.microsoft.batch import Part, PartAnswer, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.faults import Fault
from apps.connectors.microsoft.governor import Pool
from apps.connectors.microsoft.paging import Page, get_changes, get_page, read_changes, read_page
from apps.core.errors import CursorLost, Gone, Malformed, QuotaExceeded

from .folders import FOLDER_SELECT, ROOT, WELL_KNOWN, folder_upsert, hidden_below, is_left_out, walk_folders
from .mail_cursor import MailCursor

Entry = dict[str, Any]


class FolderRound:
    """Brings `cursor` up to date with the folder tree and yields the changes.

    1. One batch asks for the changes since the link (or all folders), the hidden folders, and, when there is
       no link yet, the ids of the well-known folders.
    2. Further pages are followed. A refused link starts over without one; a mailbox over quota, which cannot
       keep a list of changes (quirk 24), is walked level by level.
    3. After a full list, folders that were known and not named have gone.
    """

    def __init__(self, graph: GraphClient, user: str, cursor: MailCursor, *, pool: Pool) -> None:
        self._graph, self._user, self._cursor, self._pool = graph, user, cursor, pool
        self._path = f"/users/{segment(user)}/mailFolders"
        self._named: set[str] = set()
        self._root: Any = None

    async def pages(self) -> AsyncIterator[ChangePage]:
        """Yield the changes. Raises Gone when there is no mailbox."""
        if self._cursor.folders is not None:
            try:
                async for page in self._changes(self._cursor.folders):
                    yield page
                return
            except (CursorLost, QuotaExceeded):
                self._cursor.folders = None
                self._named.clear()
        known_before = set(self._cursor.mail)
        try:
            async for page in self._changes(None):
                yield page
        except QuotaExceeded:
            self._cursor.folders = None
            async for page in self._walk():
                yield page
        for folder_id in known_before - self._named:
            self._cursor.mail.pop(folder_id, None)
        yield ChangePage([FoldersListed()])

    async def _changes(self, link: str | None) -> AsyncIterator[ChangePage]:
        answers = await self._open(link)
        page: Page | None = await self._first_changes(answers["folders"], self._delta_path(link))
        yield ChangePage([*self._root_change(), *[each async for each in self._hidden(answers)]])
        while page is not None:
            yield ChangePage([each async for each in self._read(page.entries)])
            if page.next_path is None:
                self._cursor.folders = page.delta_path
            page = await get_changes(self._graph, page.next_path, pool=self._pool) if page.next_path else None

    async def _open(self, link: str | None) -> dict[str, PartAnswer]:
        parts = [
            Part("folders", self._delta_path(link)),
            Part("hidden", self._hidden_path),
        ]
        if link is None:
            parts += [Part(name, f"{self._path}/{name}?$select={FOLDER_SELECT}") for name in WELL_KNOWN]
        answers = {each.key: each for each in await run_batch(self._graph, parts, pool=self._pool)}
        if link is None:
            self._learn_names(answers)
            self._root = _body(answers[ROOT])  # what is not named in a full list has gone, with all below it
            if not isinstance(self._root, dict):
                raise Malformed("Microsoft does not show the top folder of the mailbox.")
        for key in ("folders", "hidden"):
            _body(answers[key])
        return answers

    async def _first_changes(self, answer: PartAnswer, path: str) -> Page:
        """As `_first_page`, of a list of changes."""
        try:
            return read_changes(self._graph, _body(answer))
        except Malformed:
            return await get_changes(self._graph, path, pool=self._pool)

    async def _first_page(self, answer: PartAnswer, path: str) -> Page:
        """Read a page out of the batch; one that cannot be read is asked for by itself."""
        try:
            return read_page(self._graph, _body(answer))
        except Malformed:
            return await get_page(self._graph, path, pool=self._pool)

    def _delta_path(self, link: str | None) -> str:
        return link or f"{self._path}/delta?$select={FOLDER_SELECT}"

    @property
    def _hidden_path(self) -> str:
        return f"{self._path}?includeHiddenFolders=true&$top=250&$select={FOLDER_SELECT}"

    def _learn_names(self, answers: dict[str, PartAnswer]) -> None:
        """Keep the well-known folders by id: names follow the language of the mailbox (quirk 62).

        What is not asked for here stays known, and what gives no answer just now.
        """
        found = {name: answers[name].body for name in WELL_KNOWN if isinstance(answers[name].body, dict)}
        told = {name for name in WELL_KNOWN if name in found or _is_not_there(answers[name])}
        kept = {each: name for each, name in self._cursor.well_known.items() if name not in told}
        self._cursor.well_known = kept | {
            str(body["id"]): name for name, body in found.items() if isinstance(body.get("id"), str)
        }

    def _root_change(self) -> Iterable[Change]:
        return self._one(self._root) if isinstance(self._root, dict) else []

    async def _hidden(self, answers: dict[str, PartAnswer]) -> AsyncIterator[Change]:
        """Name hidden folders that are new or changed: the list of changes does not hold them."""
        page: Page | None = await self._first_page(answers["hidden"], self._hidden_path)
        while page is not None:
            for entry in page.entries:
                if not entry.get("isHidden"):
                    continue
                for change in self._one_hidden(entry):
                    yield change
                async for below in hidden_below(self._graph, self._user, entry, pool=self._pool):
                    for change in self._one_hidden(below):
                        yield change
            page = await get_page(self._graph, page.next_path, pool=self._pool) if page.next_path else None

    def _one_hidden(self, entry: Entry) -> Iterable[Change]:
        changes = list(self._one(entry))
        told = next((each.etag for each in changes if isinstance(each, Upsert)), "")
        if told and self._cursor.folders is not None and self._cursor.hidden.get(entry["id"]) == told:
            return []
        self._cursor.hidden[entry["id"]] = told
        return changes

    async def _walk(self) -> AsyncIterator[ChangePage]:
        yield ChangePage(list(self._root_change()))
        async for entry in walk_folders(self._graph, self._user, pool=self._pool):
            yield ChangePage(list(self._one(entry)))

    async def _read(self, entries: list[Entry]) -> AsyncIterator[Change]:
        if any(self._is_new(entry) for entry in entries) and self._cursor.folders is not None:
            parts = [Part(name, f"{self._path}/{name}?$select={FOLDER_SELECT}") for name in WELL_KNOWN]
            self._learn_names({each.key: each for each in await run_batch(self._graph, parts, pool=self._pool)})
        for entry in entries:
            if "@removed" not in entry and "displayName" not in entry:  # a fragment: ask for the whole
                path = f"{self._path}/{segment(entry['id'])}?$select={FOLDER_SELECT}"
                entry = await self._graph.get_json(path, pool=self._pool)  # noqa: PLW2901
            for change in self._one(entry):
                yield change

    def _is_new(self, entry: Entry) -> bool:
        return "@removed" not in entry and entry.get("id") not in self._cursor.mail

    def _one(self, entry: Entry) -> Iterable[Change]:
        folder_id = entry.get("id")
        if not isinstance(folder_id, str):
            return
        if "@removed" in entry:
            if self._cursor.mail.pop(folder_id, "unknown") != "unknown":
                yield Removal(folder_id)
            return
        if is_left_out(entry, self._cursor.well_known):
            return
        self._named.add(folder_id)
        self._cursor.mail.setdefault(folder_id, None)
        name = self._cursor.well_known.get(folder_id, "")
        yield folder_upsert(entry, well_known=name, root=self._cursor.root)
        if isinstance(entry.get("totalItemCount"), int):
            self._cursor.counts[folder_id] = entry["totalItemCount"]
            yield FolderCount(folder_id, entry["totalItemCount"])


def _body(answer: PartAnswer) -> Any:
    if isinstance(answer.fault, Fault):
        raise answer.fault.error()
    return answer.body


def _is_not_there(answer: PartAnswer) -> bool:
    return answer.fault is not None and answer.fault.kind is Gone and not answer.fault.passing
