"""Fetching tasks as documents: their checklist, links and files with them."""

import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from apps.connectors.base import ContentForm, Fetched, FetchProblem
from apps.connectors.documents import PART, canonical
from apps.connectors.microsoft.batch import Part, PartAnswer, in_batches, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.faults import is_mailbox_missing
from apps.connectors.microsoft.paging import pages, read_page
from apps.core.errors import (
    Blocked,
    ConsentLost,
    EverkeepError,
    Gone,
    Malformed,
    RemoteError,
    Throttled,
    TooLarge,
    Unavailable,
)

from .item_document import plain, text_of
from .mail_fetch import BATCH_TRIES, missing_file, problem_of
from .todo_changes import split_id, task_path

logger = logging.getLogger(__name__)

ON_A_TASK: Final = ("checklistItems", "linkedResources")
BATCH: Final = 6
"""Three parts a task."""
FILE_LIMIT: Final = 40 * 1024 * 1024
"""To Do takes files of up to 25 MB (https://learn.microsoft.com/graph/todo-attachments)."""
_STOPS_ALL: Final = (ConsentLost, Throttled)
_FILE_STAYS_BEHIND: Final = (Blocked, Gone, TooLarge)

Answer = Fetched | FetchProblem
Document = dict[str, Any]


async def fetch_tasks(graph: GraphClient, user: str, remote_ids: Sequence[str]) -> AsyncIterator[Answer]:
    """Yield exactly one answer per id, in any order.

    Raises what concerns all: ConsentLost, Throttled, and Gone when the mailbox itself is not reached.
    """
    fetcher = _Fetcher(graph, user)
    for few in in_batches(list(dict.fromkeys(remote_ids)), BATCH):
        for remote_id, document in (await fetcher.batch(few)).items():
            yield await fetcher.one(remote_id, document)


class _Fetcher:
    def __init__(self, graph: GraphClient, user: str) -> None:
        self._graph, self._pool, self._user = graph, graph.pool(user), user

    async def batch(self, remote_ids: Sequence[str]) -> dict[str, Document | None]:
        """Fetch a few at once, without their files; None for those that must be asked for alone."""
        found: dict[str, Document | None] = dict.fromkeys(remote_ids)
        real = [each for each in remote_ids if "/" in each]
        parts = [Part(each, task_path(self._user, each)) for each in real]
        parts += [
            Part(f"{name} {each}", f"{task_path(self._user, each)}/{name}?$top=100")
            for each in real
            for name in ON_A_TASK
        ]
        try:
            answers = await run_batch(self._graph, parts, pool=self._pool, tries=BATCH_TRIES) if parts else []
        except (TooLarge, Unavailable, Malformed):
            return found
        by_key = {answer.key: answer for answer in answers}
        for each in real:
            children = {name: by_key[f"{name} {each}"] for name in ON_A_TASK}
            found[each] = self._together(by_key[each], children)
        return found

    def _together(self, task: PartAnswer, children: dict[str, PartAnswer]) -> Document | None:
        if task.fault is not None and task.fault.no_mailbox:
            raise task.fault.error()
        if task.fault is not None or not isinstance(task.body, dict):
            return None
        document = task_document(task.body)
        for name, answer in children.items():
            try:
                page = read_page(self._graph, answer.body)
            except Malformed:
                return None
            if answer.fault is not None or page.next_path is not None:
                return None
            _put(document, name, page.entries)
        return document

    async def one(self, remote_id: str, document: Document | None) -> Answer:
        """Complete one by its files, or fetch it by itself."""
        contents: list[bytes] = []
        missing: list[FetchProblem] = []
        try:
            split_id(remote_id)
            if document is None:
                document = await self._alone(remote_id)
            if document.get("hasAttachments"):
                document["attachments"] = await self._files(remote_id, contents, missing)
        except _STOPS_ALL:
            raise
        except EverkeepError as error:
            if is_mailbox_missing(error):
                raise
            return problem_of(remote_id, error)
        return Fetched(remote_id, canonical(document), ContentForm.DOCUMENT, tuple(contents), tuple(missing))

    async def _alone(self, remote_id: str) -> Document:
        path = task_path(self._user, remote_id)
        document = task_document(await self._graph.get_json(path, pool=self._pool))
        for name in ON_A_TASK:
            found: list[Document] = []
            async for page in pages(self._graph, f"{path}/{name}?$top=100", pool=self._pool):
                found += page
            _put(document, name, found)
        return document

    async def _files(
        self, remote_id: str, contents: list[bytes], missing: list[FetchProblem]
    ) -> list[Document]:
        """Read the files one by one; one that Microsoft does not hand out is named without its bytes."""
        found: list[Document] = []
        base = f"{task_path(self._user, remote_id)}/attachments"
        async for page in pages(self._graph, base, pool=self._pool):
            for listed in page:
                entry = {key: value for key, value in plain(listed).items() if key != "contentBytes"}
                path = f"{base}/{segment(str(listed.get('id')))}/$value"
                try:
                    content = (await self._graph.get(path, pool=self._pool, limit=FILE_LIMIT)).body
                except _FILE_STAYS_BEHIND as error:
                    if is_mailbox_missing(error):
                        raise
                    code = error.provider_code if isinstance(error, RemoteError) else error.code
                    logger.info("a file of a task stays behind: %s", code)
                    missing.append(missing_file(remote_id, text_of(listed.get("name")), error))
                    found.append({**entry, "unreadable": code})
                    continue
                found.append({**entry, PART: len(contents)})
                contents.append(content)
        return found


def task_document(entry: Document) -> Document:
    """Return what is kept of a task; what is on it comes by its own lists."""
    return {key: value for key, value in plain(entry).items() if key not in (*ON_A_TASK, "extensions")}


def _put(document: Document, name: str, entries: list[Document]) -> None:
    if entries:
        document[name] = [plain(each) for each in entries]
