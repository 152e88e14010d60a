"""Writing mail back: a JSON message that is no draft, with its dates, flags and files, told apart by our key.

There is no way to put a received message into a mailbox as MIME: that makes drafts, and swallows those above
2.2 MB. A message is created of fields, and extended (MAPI) properties make it what it was (quirk 54).
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import orjson

from apps.connectors.base import Upsert
from apps.connectors.microsoft.batch import Part, in_batches, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.connectors.writing import Listing, NewItem, WriteItem, Written, passing_key
from apps.core.errors import Gone, RemoteError, TooLarge

from .folder_write import ensure_folder, list_folders, remove_folder
from .item_write import (
    WITH_KEY,
    create_once,
    first_of_each,
    has_key,
    is_whole,
    quoted,
    those_there,
    with_key,
)
from .mail_archive import archive_of
from .mail_compare import COMPARED, FILES, Document, mail_faults, mail_lost
from .mail_compose import Attachment, Letter
from .mail_fields import composed_of, message_json, moment_text, read_props
from .mail_listed import list_folder, one_for_each
from .mail_upload import UPLOAD_FROM, attach, file_json

logger = logging.getLogger(__name__)

_READ_BACK: Final = "id,parentFolderId,subject,receivedDateTime,isDraft,changeKey"
REQUEST: Final = 4_000_000
"""Bytes that a creating request carries."""
INLINE_TOTAL: Final = 2_000_000
"""Raw bytes of attachments that go into it at most: base64 takes a third more."""


class MailWriter:
    """Writes messages into one mailbox (`base.ItemWriter`)."""

    def __init__(self, graph: GraphClient, user: str) -> None:
        self._graph, self._pool, self._user_id = graph, graph.pool(user), user
        self._user = f"/users/{segment(user)}"

    async def folders(self) -> list[Upsert]:
        return await list_folders(self._graph, self._user_id, pool=self._pool)

    async def ensure_folder(self, parent_id: str | None, name: str) -> str:
        return await ensure_folder(self._graph, self._user_id, parent_id, name, pool=self._pool)

    async def remove_folder(self, remote_id: str) -> bool:
        return await remove_folder(self._graph, self._user_id, remote_id, pool=self._pool)

    async def find_restored(self, folder_id: str, restore_keys: Sequence[str]) -> dict[str, str]:
        """Map keys to ids of what was written before, in this folder."""
        queries = {key: has_key(key) for key in restore_keys}
        found = await self._search(folder_id, queries)
        return {key: str(entries[0]["id"]) for key, entries in found.items() if entries}

    async def find_existing(self, folder_id: str, items: Sequence[tuple[str, bytes]]) -> dict[str, str]:
        """Map remote ids to live ids: the same item if still in this folder, else one of its message id.

        Copies of one message are mapped to one live copy each, as far as there are as many.
        """
        live: dict[str, str] = {}
        for few in in_batches([each for each in dict(items) if not archive_of(each)[0]]):
            parts = [
                Part(each, f"{self._user}/messages/{segment(each)}?$select=id,parentFolderId") for each in few
            ]
            for answer in await run_batch(self._graph, parts, pool=self._pool):
                if isinstance(answer.body, dict) and answer.body.get("parentFolderId") == folder_id:
                    live[answer.key] = str(answer.body["id"])
        queries = {}
        for remote_id, props in items:
            message_id = read_props(props).get("internetMessageId")
            if remote_id not in live and isinstance(message_id, str):
                queries[remote_id] = f"internetMessageId eq {quoted(message_id)}"
        found = await self._search(folder_id, queries)
        alike = {key: [str(each["id"]) for each in entries if is_whole(each)] for key, entries in found.items()}
        return one_for_each(alike, live)

    async def places(self, remote_ids: Sequence[str]) -> dict[str, str]:
        paths = {
            each: f"{self._user}/messages/{segment(each)}?$select=id,parentFolderId"
            for each in remote_ids
            if not archive_of(each)[0]
        }
        there = await those_there(self._graph, paths, pool=self._pool)
        return {remote_id: str(entry.get("parentFolderId") or "") for remote_id, entry in there.items()}

    async def list_folder(self, folder_id: str) -> Listing:
        return await list_folder(self._graph, self._user_id, folder_id)

    def find_listed(self, listing: Listing, items: Sequence[tuple[str, bytes]]) -> dict[str, str]:
        live = {each: each for each, _ in items if each in listing.etags}
        wanted = {each: read_props(props).get("internetMessageId") for each, props in items if each not in live}
        return one_for_each({each: listing.alike.get(str(name), ()) for each, name in wanted.items()}, live)

    async def _search(self, folder_id: str, queries: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
        base = f"{self._user}/mailFolders/{segment(folder_id)}/messages?$select=id&{WITH_KEY}&$top=20&$filter="
        paths = {key: base + segment(query) for key, query in queries.items()}
        return await first_of_each(self._graph, paths, pool=self._pool)

    async def read_back(self, items: Mapping[str, WriteItem | None]) -> dict[str, Written]:
        """Return what the mailbox shows of these messages; those that are not there are left out."""
        found: dict[str, Written] = {}
        composed = {each: composed_of(item) for each, item in items.items() if item}
        for few in in_batches(list(items)):
            parts = [Part(each, self._shown(each, composed.get(each))) for each in few]
            for answer in await run_batch(self._graph, parts, pool=self._pool):
                if isinstance(answer.body, dict) and answer.fault is None:
                    known = composed.get(answer.key)
                    faults = mail_faults(*known, answer.body) if known else []
                    found[answer.key] = _written(answer.key, answer.body, faults)
                elif answer.fault is not None and not isinstance(answer.fault.error(), Gone):
                    raise answer.fault.error()
        return found

    def _shown(self, remote_id: str, composed: tuple[Letter, Document] | None) -> str:
        """Name what is read of a message: to be compared it is all fields, and names and sizes of its files."""
        path = f"{self._user}/messages/{segment(remote_id)}?$select={_READ_BACK}"
        if composed is None:
            return path
        return f"{path},{COMPARED}" + (f"&{FILES}" if composed[0].attachments else "")

    async def write(self, item: WriteItem) -> NewItem:
        """Create the message.

        1. Small files go into the creating request, so that the message is whole at once, and carries the key.
        2. With larger files it is created under a passing key; files follow; the key comes last. So a message
           that is found by its key is whole, and one that an interrupted try left is removed by the next.
        Raises TooLarge, QuotaExceeded, Forbidden, Refused, Unavailable.
        """
        letter, kept = composed_of(item)
        folder_id, restore_key, lost = item.folder_id, item.restore_key, tuple(mail_lost(letter))
        passing = passing_key(restore_key)
        room = REQUEST - len(orjson.dumps(message_json(letter, kept, [], passing)))
        if room < 0:
            raise TooLarge("The text of the message is larger than Microsoft Graph carries.")
        together, later = _split(letter.attachments, room)
        if not later:
            return NewItem(await self._create(folder_id, letter, kept, together, restore_key), lost)
        for left in (await self.find_restored(folder_id, [passing])).values():
            await self.remove(left)
        new_id = await self._create(folder_id, letter, kept, together, passing)
        message = f"{self._user}/messages/{segment(new_id)}"
        try:
            for attachment in later:
                await attach(self._graph, message, attachment, pool=self._pool)
            final = with_key(restore_key)
            await self._graph.write_json("PATCH", message, final, pool=self._pool, repeatable=True)
        except RemoteError:
            await self.remove(new_id)
            raise
        return NewItem(new_id, lost)

    async def remove(self, remote_id: str) -> None:
        """Delete a message; one that has gone already is no error."""
        path = f"{self._user}/messages/{segment(remote_id)}"
        try:
            await self._graph.write_json("DELETE", path, None, pool=self._pool, repeatable=True)
        except Gone:
            logger.info("a message to be removed has gone already")

    async def _create(
        self, folder_id: str, letter: Letter, kept: dict[str, Any], together: list[Attachment], key: str
    ) -> str:
        path = f"{self._user}/mailFolders/{segment(folder_id)}/messages"
        body = message_json(letter, kept, together, key)

        async def look() -> str | None:
            return (await self.find_restored(folder_id, [key])).get(key)

        return await create_once(self._graph, path, body, pool=self._pool, look=look, thing="message")


def _written(remote_id: str, body: Mapping[str, Any], faults: Sequence[str]) -> Written:
    moment = moment_text(body.get("receivedDateTime"))
    return Written(
        remote_id=remote_id,
        folder_id=str(body.get("parentFolderId") or ""),
        name=str(body.get("subject") or ""),
        time=datetime.fromisoformat(moment) if moment else None,
        is_draft=bool(body.get("isDraft")),
        state=str(body.get("changeKey") or ""),
        faults=tuple(faults),
    )


def _split(attachments: Sequence[Attachment], room: int) -> tuple[list[Attachment], list[Attachment]]:
    """Share the files out: those that fit into the rest of the creating request, and those that follow."""
    together: list[Attachment] = []
    later: list[Attachment] = []
    raw = INLINE_TOTAL
    for attachment in attachments:
        named = len(orjson.dumps(file_json(replace(attachment, content=b""))))
        needs = named + len(attachment.content) * 4 // 3 + 4
        if len(attachment.content) <= min(raw, UPLOAD_FROM - 1) and needs < room:
            raw, room = raw - len(attachment.content), room - needs - 1
            together.append(attachment)
        else:
            later.append(attachment)
    return together, later
