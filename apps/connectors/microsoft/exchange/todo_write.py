"""Writing tasks back: list, fields, checklist, links and files; an open extension carries our key."""

import base64
import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from apps.connectors.base import Upsert
from apps.connectors.documents import PART, canonical, read_document
from apps.connectors.microsoft.client import GraphClient, Request
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.paging import pages
from apps.connectors.microsoft.time_zones import moment_of as moment_of_zoned
from apps.connectors.writing import NewItem, WriteItem, Written, passing_key
from apps.core.errors import Gone, Malformed, RemoteError, Unavailable

from .item_document import moment_of, text_of
from .item_write import create_once, first_of_each, quoted, remove_item, those_there
from .mail_upload import files_there
from .todo_changes import list_task_lists, split_id, task_id, task_path, task_paths
from .todo_compose import compose_task, maps, steps_of, task_faults

logger = logging.getLogger(__name__)

MARK: Final = "com.everkeep.restore"
MARK_ID: Final = f"microsoft.graph.openTypeExtension.{MARK}"
UPLOAD_FROM: Final = 3 * 1024 * 1024 - 64 * 1024
LARGEST: Final = 25 * 1024 * 1024
CHUNK: Final = 10 * 320 * 1024
SESSION_TRIES: Final = 3
_PARTS: Final = ("checklistItems", "linkedResources", "attachments")
_TELLING: Final = ("id", "displayName", "isChecked", "name", "size", "webUrl", "applicationName", "externalId")
_MARKED: Final = segment(f"extensions/any(f:f/id eq {quoted(MARK_ID)})")
_WITH_MARK: Final = segment(f"extensions($filter=id eq {quoted(MARK_ID)})")

Files = list[tuple[str, str, bytes]]


class TaskWriter:
    """Writes tasks into one mailbox (`base.ItemWriter`)."""

    def __init__(self, graph: GraphClient, user: str) -> None:
        self._graph, self._pool, self._user_id = graph, graph.pool(user), user
        self._lists = f"/users/{segment(user)}/todo/lists"

    async def folders(self) -> list[Upsert]:
        return await list_task_lists(self._graph, self._user_id, pool=self._pool)

    async def ensure_folder(self, parent_id: str | None, name: str) -> str:
        """Return the list of that name. Lists do not nest: one below another is named after both."""
        live = await self.folders()
        above = next((each.name for each in live if each.remote_id == parent_id), "")
        wanted = f"{above}, {name}" if above else name

        async def look() -> str | None:
            alike = (each for each in await self.folders() if each.name.casefold() == wanted.casefold())
            return next((each.remote_id for each in alike), None)

        if found := await look():
            return found
        return await create_once(self._graph, self._lists, {"displayName": wanted}, pool=self._pool, look=look)

    async def remove_folder(self, remote_id: str) -> bool:
        path = f"{self._lists}/{segment(remote_id)}"
        try:
            if (await self._graph.get_json(f"{path}/tasks?$top=1", pool=self._pool)).get("value"):
                return False
            await self._graph.write_json("DELETE", path, None, pool=self._pool, repeatable=True)
        except Gone:
            logger.info("a list to be removed has gone already")
        return True

    async def find_restored(self, folder_id: str, restore_keys: Sequence[str]) -> dict[str, str]:
        """Read the marked tasks of the list: Graph filters by the name of an extension, not by what it says."""
        wanted, found = set(restore_keys), dict[str, str]()
        path = f"{self._lists}/{segment(folder_id)}/tasks?$filter={_MARKED}&$expand={_WITH_MARK}&$top=100"
        async for page in pages(self._graph, path, pool=self._pool):
            for entry in page:
                for mark in maps(entry.get("extensions")):
                    if mark.get("key") in wanted:
                        found[str(mark["key"])] = task_id(folder_id, str(entry["id"]))
        return found

    async def find_existing(self, folder_id: str, items: Sequence[tuple[str, bytes]]) -> dict[str, str]:
        """Map remote ids to live ids: the same task if still in this list. A title identifies nothing."""
        here = [each for each, _ in items if each.partition("/")[0] == folder_id]
        paths = task_paths(self._user_id, here)
        return {each: each for each in await those_there(self._graph, paths, pool=self._pool)}

    async def write(self, item: WriteItem) -> NewItem:
        """Create the task. With steps or files it comes under a passing key, until it is whole."""
        document = read_document(item.content)
        body, lost = compose_task(document, name=item.name, tags=item.tags)
        files, left_out = _files_of(document, item.attachments)
        steps = steps_of(document)
        said = (*lost, *left_out)
        if not files and not steps:
            return NewItem(await self._create(item.folder_id, body, item.restore_key), said)
        passing = passing_key(item.restore_key)
        for left in (await self.find_restored(item.folder_id, [passing])).values():
            await self.remove(left)
        new_id = await self._create(item.folder_id, body, passing)
        path = task_path(self._user_id, new_id)
        try:
            for step in steps:
                await self._graph.write_json("POST", f"{path}/checklistItems", step, pool=self._pool)
            for file in files:
                await self._attach(path, *file)
            final = {
                "@odata.type": "microsoft.graph.openTypeExtension",
                "extensionName": MARK,
                "key": item.restore_key,
            }
            await self._graph.write_json(
                "PATCH", f"{path}/extensions/{MARK_ID}", final, pool=self._pool, repeatable=True
            )
        except RemoteError:
            await self.remove(new_id)
            raise
        return NewItem(new_id, said)

    async def _create(self, list_id: str, body: dict[str, Any], key: str) -> str:
        path = f"{self._lists}/{segment(list_id)}/tasks"
        mark = {"@odata.type": "microsoft.graph.openTypeExtension", "extensionName": MARK, "key": key}

        async def look() -> str | None:
            found = (await self.find_restored(list_id, [key])).get(key)
            return split_id(found)[1] if found else None

        made = await create_once(self._graph, path, {**body, "extensions": [mark]}, pool=self._pool, look=look)
        return task_id(list_id, made)

    async def _attach(self, path: str, name: str, kind: str, content: bytes) -> None:
        """A task made a moment ago can be answered with 404: it is tried again (quirk 56)."""
        for attempt in range(1, self._graph.patience.tries + 1):
            try:
                if len(content) >= UPLOAD_FROM:
                    await self._upload(path, name, kind, content)
                    return
                entry = {
                    "@odata.type": "#microsoft.graph.taskFileAttachment",
                    "name": name,
                    "contentType": kind,
                    "contentBytes": base64.b64encode(content).decode("ascii"),
                }
                await self._graph.write_json("POST", f"{path}/attachments", entry, pool=self._pool)
                return
            except Gone:
                if attempt == self._graph.patience.tries:
                    raise
            await self._graph.pause(self._graph.patience.wait_before(attempt))

    async def _upload(self, path: str, name: str, kind: str, content: bytes) -> None:
        """Upload in ranges. Unlike mail's, the session lies at Graph itself and wants the token."""
        before = await files_there(self._graph, path, pool=self._pool)
        info = {"attachmentType": "file", "name": name, "size": len(content), "contentType": kind}
        for attempt in range(1, SESSION_TRIES + 1):
            answer = await self._graph.write_json(
                "POST", f"{path}/attachments/createUploadSession", {"attachmentInfo": info}, pool=self._pool,
                repeatable=True,
            )  # fmt: skip
            try:
                await self._put_ranges(str(answer.json().get("uploadUrl") or ""), content)
                return
            except (Unavailable, Malformed):
                if await files_there(self._graph, path, pool=self._pool) - before:  # only the answer is lost
                    return
                if attempt == SESSION_TRIES:
                    raise
            await self._graph.pause(self._graph.patience.wait_before(attempt))

    async def _put_ranges(self, url: str, content: bytes) -> None:
        place = self._graph.endpoints.path_of(url)
        size, status = len(content), 0
        for start in range(0, size, CHUNK):
            chunk = content[start : start + CHUNK]
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Range": f"bytes {start}-{start + len(chunk) - 1}/{size}",
            }
            request = Request("PUT", f"{place}/content", headers, chunk, repeatable=False)
            status = (await self._graph.send(request, pool=self._pool)).status
        if status != 201:
            raise Unavailable("Microsoft did not confirm that a file is complete.")

    async def read_back(self, items: Mapping[str, WriteItem | None]) -> dict[str, Written]:
        real = [each for each in items if "/" in each]
        there = await those_there(self._graph, task_paths(self._user_id, real), pool=self._pool)
        for name in _PARTS:
            paths = task_paths(self._user_id, list(there), f"/{name}?$top=100")
            lists = await first_of_each(self._graph, paths, pool=self._pool)
            for each, entries in lists.items():
                there[each][name] = entries
        return {each: _written(each, entry, items[each]) for each, entry in there.items()}

    async def remove(self, remote_id: str) -> None:
        await remove_item(self._graph, task_path(self._user_id, remote_id), pool=self._pool)


def _written(remote_id: str, entry: Mapping[str, Any], item: WriteItem | None) -> Written:
    faults: list[str] = []
    if item is not None:
        document = read_document(item.content)
        faults = task_faults(compose_task(document, name=item.name, tags=item.tags)[0], document, entry)
        wanted = sorted((name, len(content)) for name, _, content in _files_of(document, item.attachments)[0])
        found = sorted(text_of(each.get("name")) for each in maps(entry.get("attachments")))
        if [name for name, _ in wanted] != found:
            faults.append("Files")
    return Written(
        remote_id=remote_id,
        folder_id=split_id(remote_id)[0],
        name=text_of(entry.get("title")),
        time=moment_of_zoned(entry.get("dueDateTime")) or moment_of(entry.get("createdDateTime")),
        state=_state_of(entry),
        faults=tuple(faults),
    )


def _state_of(entry: Mapping[str, Any]) -> str:
    """Name the task's state with what hangs on it: Graph does not say that this moves the task's own."""
    parts = {
        name: sorted(
            ([str(each.get(key) or "") for key in _TELLING] for each in maps(entry.get(name))),
        )
        for name in _PARTS
    }
    own = entry.get("@odata.etag") or entry.get("lastModifiedDateTime") or ""
    return f"{own} {hashlib.sha256(canonical(parts)).hexdigest()[:32]}"


def _files_of(document: Mapping[str, Any], parts: Sequence[bytes]) -> tuple[Files, list[str]]:
    """Return name, type and bytes of the files, and in words those that cannot be put back."""
    files: Files = []
    lost: list[str] = []
    for entry in maps(document.get("attachments")):
        name, number = text_of(entry.get("name")) or "File", entry.get(PART)
        if not isinstance(number, int) or not 0 <= number < len(parts):
            lost.append(f"{name}: it could not be backed up.")
        elif len(parts[number]) > LARGEST:
            lost.append(f"{name}: it is larger than To Do takes (25 MB).")
        else:
            files.append((name, text_of(entry.get("contentType")) or "application/octet-stream", parts[number]))
    return files, lost
