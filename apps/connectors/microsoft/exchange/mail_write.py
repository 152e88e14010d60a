"""Writing mail back: a JSON message that is no draft, with its dates, flags and files, told apart by our key.

There is no way to put a received message into a mailbox as MIME: that makes drafts, and swallows those above
2.2 MB. A message is created of fields, and extended (MAPI) properties make it what it was (quirk 54).
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from apps.connectors.base import NewItem, Upsert, WriteItem, Written, passing_key
from apps.connectors.microsoft.batch import Part, in_batches, run_batch
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.endpoints import segment
from apps.core.errors import Gone, RemoteError, TooLarge

from .folder_write import ensure_folder, list_folders, remove_folder
from .item_write import RESTORE_KEY, WITH_KEY, create_once, first_of_each, has_key, is_whole, quoted, with_key
from .mail_compose import Attachment, Letter, read_letter
from .mail_upload import UPLOAD_FROM, attach, file_json

logger = logging.getLogger(__name__)

_READ_BACK: Final = "id,parentFolderId,subject,receivedDateTime,isDraft,changeKey"
INLINE_TOTAL: Final = 2_000_000
"""Raw bytes of attachments that go into the creating request: a request carries 4 MB, base64 takes a third."""
BODY_LIMIT: Final = 3_500_000
HEADERS_LIMIT: Final = 30_000
_FLAGS, _DELIVERED, _SUBMITTED = "Integer 0x0E07", "SystemTime 0x0E06", "SystemTime 0x0039"
_HEADERS, _IN_REPLY_TO, _REFERENCES = "String 0x007D", "String 0x1042", "String 0x1039"
_SENSITIVITY: Final = "Integer 0x0036"
_READ, _SUBMITTED_FLAG = 1, 4
_PEOPLE: Final = {"to": "toRecipients", "cc": "ccRecipients", "bcc": "bccRecipients", "reply-to": "replyTo"}
_COPIED: Final = (
    "categories",
    "importance",
    "inferenceClassification",
    "isReadReceiptRequested",
    "isDeliveryReceiptRequested",
)


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
        for few in in_batches(list(dict(items))):
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
        used = set(live.values())
        for remote_id, entries in (await self._search(folder_id, queries)).items():
            alike = [str(each["id"]) for each in entries if is_whole(each)]
            if alike:
                live[remote_id] = next((each for each in alike if each not in used), alike[0])
                used.add(live[remote_id])
        return live

    async def _search(self, folder_id: str, queries: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
        base = f"{self._user}/mailFolders/{segment(folder_id)}/messages?$select=id&{WITH_KEY}&$top=20&$filter="
        paths = {key: base + segment(query) for key, query in queries.items()}
        return await first_of_each(self._graph, paths, pool=self._pool)

    async def read_back(self, items: Mapping[str, WriteItem | None]) -> dict[str, Written]:
        """Return what the mailbox shows of these messages; those that are not there are left out."""
        found: dict[str, Written] = {}
        for few in in_batches(list(items)):
            parts = [Part(each, f"{self._user}/messages/{segment(each)}?$select={_READ_BACK}") for each in few]
            for answer in await run_batch(self._graph, parts, pool=self._pool):
                if isinstance(answer.body, dict) and answer.fault is None:
                    found[answer.key] = _written(answer.key, answer.body)
                elif answer.fault is not None and not isinstance(answer.fault.error(), Gone):
                    raise answer.fault.error()
        return found

    async def write(self, item: WriteItem) -> NewItem:
        """Create the message.

        1. Small files go into the creating request, so that the message is whole at once, and carries the key.
        2. With larger files it is created under a passing key; files follow; the key comes last. So a message
           that is found by its key is whole, and one that an interrupted try left is removed by the next.
        Raises TooLarge, QuotaExceeded, Forbidden, Refused, Unavailable.
        """
        letter, kept = read_letter(item.content), read_props(item.props)
        folder_id, restore_key = item.folder_id, item.restore_key
        if item.name:  # as Exchange showed it: broken headers can be read in more than one way
            letter = replace(letter, subject=item.name)
        if item.tags:
            kept["categories"] = [*kept.get("categories", ()), *item.tags]
        if len(letter.body.encode("utf-8", "replace")) > BODY_LIMIT:
            raise TooLarge("The text of the message is larger than Microsoft Graph carries.")
        together, later = _split(letter.attachments)
        passing = passing_key(restore_key)
        if not later:
            return NewItem(await self._create(folder_id, letter, kept, together, restore_key))
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
        return NewItem(new_id)

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


def _written(remote_id: str, body: Mapping[str, Any]) -> Written:
    moment = _moment(body.get("receivedDateTime"))
    return Written(
        remote_id=remote_id,
        folder_id=str(body.get("parentFolderId") or ""),
        name=str(body.get("subject") or ""),
        time=datetime.fromisoformat(moment) if moment else None,
        is_draft=bool(body.get("isDraft")),
        state=str(body.get("changeKey") or ""),
    )


def read_props(props: bytes) -> dict[str, Any]:
    """Read what `mail_props.props_of` kept."""
    kept = orjson.loads(props) if props else {}
    return kept if isinstance(kept, dict) else {}


def message_json(
    letter: Letter, kept: Mapping[str, Any], attachments: Sequence[Attachment], restore_key: str
) -> dict[str, Any]:
    """Build the body of the creating request."""
    message: dict[str, Any] = {
        "subject": letter.subject.replace("\x00", ""),
        "body": {
            "contentType": "html" if letter.body_is_html else "text",
            "content": letter.body.replace("\x00", ""),
        },
        "isRead": bool(kept.get("isRead")),
        **{name: kept[name] for name in _COPIED if kept.get(name)},
        **_people(letter, kept),
    }
    if message_id := kept.get("internetMessageId") or letter.message_id:
        message["internetMessageId"] = message_id
    if isinstance(kept.get("flag"), dict):
        message["flag"] = kept["flag"]
    if attachments:
        message["attachments"] = [file_json(each) for each in attachments]
    message["singleValueExtendedProperties"] = [
        {"id": name, "value": value} for name, value in _properties(letter, kept, restore_key).items()
    ]
    return message


def _properties(letter: Letter, kept: Mapping[str, Any], restore_key: str) -> dict[str, str]:
    """Name the MAPI properties that fields cannot set; without the flags, a draft stays one."""
    found = {RESTORE_KEY: restore_key}
    if not kept.get("isDraft"):
        found[_FLAGS] = str(_SUBMITTED_FLAG + (_READ if kept.get("isRead") else 0))
    sent, received = _moment(kept.get("sentDateTime")), _moment(kept.get("receivedDateTime"))
    if received or sent:
        found[_DELIVERED] = received or sent
    if sent or received:
        found[_SUBMITTED] = sent or received
    if letter.headers and len(letter.headers) <= HEADERS_LIMIT:
        found[_HEADERS] = letter.headers
    for name, value in ((_IN_REPLY_TO, letter.in_reply_to), (_REFERENCES, letter.references)):
        if value:
            found[name] = value[:HEADERS_LIMIT]
    if letter.sensitivity:
        found[_SENSITIVITY] = str(letter.sensitivity)
    return found


def _people(letter: Letter, kept: Mapping[str, Any]) -> dict[str, Any]:
    """Address fields; people without an address Exchange takes are left out (quirk 55), headers keep them."""
    found: dict[str, Any] = {}
    for header, name in _PEOPLE.items():
        people = [_recipient(*person) for person in letter.people.get(header, []) if _is_valid(person[1])]
        if people:
            found[name] = people
    if kept.get("bccRecipients") and "bccRecipients" not in found:
        found["bccRecipients"] = kept["bccRecipients"]
    author = [_recipient(*who) for who in letter.people.get("from", []) if _is_valid(who[1])]
    sender = [_recipient(*who) for who in letter.people.get("sender", []) if _is_valid(who[1])] or author
    if author:
        found["from"] = author[0]
    if sender:
        found["sender"] = sender[0]
    return found


def _recipient(name: str, address: str) -> dict[str, Any]:
    return {"emailAddress": {"name": name or address, "address": address}}


def _is_valid(address: str) -> bool:
    if address.lower().startswith("/o="):
        return True
    local, at, domain = address.rpartition("@")
    return bool(local and at and domain) and not any(character.isspace() for character in address)


def _split(attachments: Sequence[Attachment]) -> tuple[list[Attachment], list[Attachment]]:
    """Share the files out: those that fit into the creating request together, and those that follow."""
    together: list[Attachment] = []
    later: list[Attachment] = []
    room = INLINE_TOTAL
    for attachment in attachments:
        if len(attachment.content) <= min(room, UPLOAD_FROM - 1):
            room -= len(attachment.content)
            together.append(attachment)
        else:
            later.append(attachment)
    return together, later


def _moment(value: Any) -> str:
    """Write a time as extended properties take it; "" when there is none."""
    if not isinstance(value, str):
        return ""
    try:
        return datetime.fromisoformat(value).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except ValueError:
        return ""
