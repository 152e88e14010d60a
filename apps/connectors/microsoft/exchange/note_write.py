"""Writing notes back: subject, text, categories and files."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pybase64

from apps.connectors.base import Upsert
from apps.connectors.documents import PART, props_of, read_document
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.writing import NewItem, WriteItem, Written

from .item_document import list_of, moment_of, text_of
from .item_write import (
    create_once,
    first_of_each,
    has_key,
    quoted,
    remove_item,
    those_there,
    with_key,
)
from .note_changes import FOLDER, Notes
from .note_fetch import files_of

FILE_SENT: Final = 2_900_000
"""One request carries a file below 3 MB."""
FILES_SENT: Final = 2_900_000
"""And all files of the creating request together, since a request carries 4 MB of base64."""


class NoteWriter:
    """Writes notes into one mailbox (`base.ItemWriter`). There is one folder of them."""

    def __init__(self, graph: GraphClient, user: str) -> None:
        self._graph, self._pool = graph, graph.pool(user)
        self._user, self._path = user, f"/users/{segment(user)}/notes"

    async def folders(self) -> list[Upsert]:
        return await Notes(self._graph, self._user, self._pool).folders()

    async def ensure_folder(self, parent_id: str | None, name: str) -> str:
        return FOLDER

    async def remove_folder(self, remote_id: str) -> bool:
        return False

    async def find_restored(self, folder_id: str, restore_keys: Sequence[str]) -> dict[str, str]:
        found = await self._search({key: has_key(key) for key in restore_keys}, "id")
        return {key: str(entries[0]["id"]) for key, entries in found.items() if entries}

    async def find_existing(self, folder_id: str, items: Sequence[tuple[str, bytes]]) -> dict[str, str]:
        """The same note if it is still there, else one of the same subject that begins alike."""
        paths = {each: f"{self._note(each)}?$select=id" for each in dict(items)}
        live = {
            key: str(each["id"])
            for key, each in (await those_there(self._graph, paths, pool=self._pool)).items()
        }
        wanted = {key: props_of(props) for key, props in items if key not in live}
        queries = {
            key: f"subject eq {quoted(text_of(props.get('subject')))}"
            for key, props in wanted.items()
            if props.get("subject")
        }
        for key, entries in (await self._search(queries, "id,bodyPreview")).items():
            begins = text_of(wanted[key].get("preview"))
            alike = [each for each in entries if _begins(each) == begins]
            if alike:
                live[key] = str(alike[0]["id"])
        return live

    async def _search(self, queries: Mapping[str, str], select: str) -> dict[str, list[dict[str, Any]]]:
        base = f"{self._path}?$select={select}&$top=20&$filter="
        paths = {key: base + segment(query) for key, query in queries.items()}
        return await first_of_each(self._graph, paths, pool=self._pool)

    async def write(self, item: WriteItem) -> NewItem:
        """Create the note with its files in one request, so that it is whole or not there."""
        document = read_document(item.content)
        body, lost = compose_note(document, item.attachments, tags=item.tags)
        body |= with_key(item.restore_key)

        async def look() -> str | None:
            return (await self.find_restored(FOLDER, [item.restore_key])).get(item.restore_key)

        new_id = await create_once(self._graph, self._path, body, pool=self._pool, look=look)
        return NewItem(new_id, tuple(lost))

    async def read_back(self, items: Mapping[str, WriteItem | None]) -> dict[str, Written]:
        there = await those_there(self._graph, {each: self._note(each) for each in items}, pool=self._pool)
        found: dict[str, Written] = {}
        for remote_id, entry in there.items():
            item = items[remote_id]
            found[remote_id] = Written(
                remote_id=remote_id,
                folder_id=FOLDER,
                name=text_of(entry.get("subject")),
                time=moment_of(entry.get("lastModifiedDateTime")),
                state=str(entry.get("changeKey") or ""),
                faults=tuple(_faults(item, entry)) if item else (),
            )
        return found

    async def remove(self, remote_id: str) -> None:
        await remove_item(self._graph, self._note(remote_id), pool=self._pool)

    def _note(self, remote_id: str) -> str:
        return f"{self._path}/{segment(remote_id)}"


def compose_note(
    document: Mapping[str, Any], parts: Sequence[bytes], *, tags: Sequence[str] = ()
) -> tuple[dict[str, Any], list[str]]:
    """Return the body of the creating request, and in words what of the note it cannot carry."""
    lost = ["The days of creation and change: Microsoft sets them to the day of the restore."]
    body: dict[str, Any] = {"subject": text_of(document.get("subject"))}
    if isinstance(document.get("body"), dict):
        body["body"] = document["body"]
    categories = [*list_of(document.get("categories"))]
    body["categories"] = [*categories, *(tag for tag in tags if tag not in categories)]
    room, files = FILES_SENT, list[dict[str, Any]]()
    for entry in files_of(dict(document)):
        number, name = entry.get(PART), text_of(entry.get("name")) or "a file"
        if not isinstance(number, int) or not 0 <= number < len(parts):
            lost.append(f"{name}: it could not be backed up.")
        elif len(parts[number]) > min(room, FILE_SENT):
            lost.append(f"{name}: larger than Microsoft Graph carries together with a note (3 MB).")
        else:
            room -= len(parts[number])
            files.append(_file(entry, parts[number]))
    if files:
        body["attachments"] = files
    return body, lost


def _file(entry: Mapping[str, Any], content: bytes) -> dict[str, Any]:
    kept = {name: entry[name] for name in ("name", "contentType", "isInline", "contentId") if name in entry}
    data = pybase64.b64encode(content).decode()
    return {"@odata.type": "#microsoft.graph.fileAttachment", **kept, "contentBytes": data}


def _begins(entry: Mapping[str, Any]) -> str:
    return " ".join(text_of(entry.get("bodyPreview")).split())[:200]


def _faults(item: WriteItem, entry: Mapping[str, Any]) -> list[str]:
    wanted, _ = compose_note(read_document(item.content), item.attachments, tags=item.tags)
    text, there = wanted.get("body") or {}, entry.get("body") or {}
    faults = ["Subject"] if text_of(entry.get("subject")) != wanted["subject"] else []
    if text.get("contentType") == "text" and there.get("content") != text.get("content"):
        faults.append("Text")
    if set(list_of(entry.get("categories"))) != set(wanted["categories"]):
        faults.append("Categories")
    if wanted.get("attachments") and not entry.get("hasAttachments"):
        faults.append("Files")
    return faults
