"""Short notes of a mailbox as changes: one folder, which Graph does not show, and a list of changes."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from apps.connectors.base import ChangePage, Cursor, NotOffered, Upsert
from apps.connectors.documents import canonical
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.microsoft.faults import is_mailbox_missing
from apps.connectors.microsoft.governor import Pool
from apps.core.errors import Gone, InvalidRequest

from .item_changes import ItemRound
from .item_document import moment_of, text_of
from .item_write import those_there

FOLDER: Final = "notes"
NOTE_SELECT: Final = "id,subject,bodyPreview,changeKey,hasAttachments,createdDateTime,lastModifiedDateTime"
PREVIEW: Final = 200

Entry = Mapping[str, Any]


def note_changes(graph: GraphClient, user: str, cursor: Cursor | None) -> AsyncIterator[ChangePage]:
    """Yield what changed among the notes of one mailbox. Raises NotOffered where Graph has none."""
    pool = graph.pool(user)
    return ItemRound(graph, pool, Notes(graph, user, pool), cursor).pages()


class Notes:
    """Notes as a kind of items (`item_changes.ItemKind`)."""

    select = NOTE_SELECT

    def __init__(self, graph: GraphClient, user: str, pool: Pool) -> None:
        self._graph, self._pool = graph, pool
        self._path = f"/users/{segment(user)}/notes"

    async def folders(self) -> list[Upsert]:
        """Return the one folder, after the least of questions: the interface is new, and not everywhere."""
        try:
            await self._graph.get_json(f"{self._path}?$top=1", pool=self._pool)
        except (Gone, InvalidRequest) as error:
            if isinstance(error, Gone) and is_mailbox_missing(error):
                raise
            raise NotOffered("Microsoft Graph offers no notes of this mailbox.") from error
        return [note_folder()]

    def items_path(self, folder_id: str) -> str:
        return self._path

    async def complete(self, entries: list[dict[str, Any]], folder_id: str) -> list[dict[str, Any]]:
        return entries

    def upsert(self, entry: Entry, folder_id: str) -> Upsert:
        preview = " ".join(text_of(entry.get("bodyPreview")).split())[:PREVIEW]
        subject = text_of(entry.get("subject"))
        return Upsert(
            remote_id=str(entry["id"]),
            parent_id=FOLDER,
            is_folder=False,
            name=subject or preview[:80],
            etag=str(entry.get("changeKey") or entry.get("@odata.etag") or ""),
            props=canonical({"preview": preview, "subject": subject, "created": entry.get("createdDateTime")}),
            time=moment_of(entry.get("lastModifiedDateTime") or entry.get("createdDateTime")),
            has_attachments=entry.get("hasAttachments") is True,
        )

    def remote_id(self, entry_id: str, folder_id: str) -> str:
        return entry_id


async def list_notes(graph: GraphClient, user: str, remote_ids: Sequence[str]) -> dict[str, Upsert]:
    """Return by id what is there of these notes; those that are not are left out."""
    pool = graph.pool(user)
    kind = Notes(graph, user, pool)
    base = kind.items_path(FOLDER)
    paths = {each: f"{base}/{segment(each)}?$select={NOTE_SELECT}" for each in dict.fromkeys(remote_ids)}
    there = await those_there(graph, paths, pool=pool)
    return {remote_id: kind.upsert(entry, FOLDER) for remote_id, entry in there.items()}


def note_folder() -> Upsert:
    return Upsert(FOLDER, None, True, "Notes", "1", b"{}", well_known=FOLDER)
