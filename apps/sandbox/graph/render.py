"""From a row of `messages` to JSON. A plan is made once per $select and used for every row."""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from ..mail import parse
from ..state import ids, messages
from ..state.database import Database
from ..state.mailboxes import Mailbox
from .attachment_source import attachment_list
from .extended import expanded_values, wanted_tags
from .folders import folder_id

# Positions in messages.COLUMNS.
(ID, MAILBOX, FOLDER, VERSION, SEQ, RECEIVED, SENT, CREATED, MODIFIED, IS_READ, IS_DRAFT, HAS_ATTACHMENTS,
 IMPORTANCE, SUBJECT, INTERNET_ID, CONVERSATION, SENDER, SIZE, MIME, FLAG,
 CATEGORIES, PROPS) = range(22)  # fmt: skip

Row = tuple[Any, ...]
DEFAULT = (
    "createdDateTime", "lastModifiedDateTime", "changeKey", "categories", "receivedDateTime", "sentDateTime",
    "hasAttachments", "internetMessageId", "subject", "bodyPreview", "importance", "parentFolderId",
    "conversationId", "conversationIndex", "isDeliveryReceiptRequested", "isReadReceiptRequested", "isRead",
    "isDraft", "webLink", "inferenceClassification", "body", "sender", "from", "toRecipients", "ccRecipients",
    "bccRecipients", "replyTo", "flag",
)  # fmt: skip
IN_PROPS = {
    "bodyPreview", "isDeliveryReceiptRequested", "isReadReceiptRequested", "sender", "from", "toRecipients",
    "ccRecipients", "bccRecipients", "replyTo",
}  # fmt: skip
UNFLAGGED = {"flagStatus": "notFlagged"}


@dataclass(frozen=True)
class Context:
    db: Database
    box: Mailbox
    immutable: bool


Getter = Callable[[Row, dict[str, Any], Context], Any]

_GETTERS: dict[str, Getter] = {
    "createdDateTime": lambda row, props, context: row[CREATED],
    "lastModifiedDateTime": lambda row, props, context: row[MODIFIED],
    "changeKey": lambda row, props, context: ids.change_key(row[SEQ]),
    "categories": lambda row, props, context: orjson.loads(row[CATEGORIES]) if row[CATEGORIES] else [],
    "receivedDateTime": lambda row, props, context: row[RECEIVED],
    "sentDateTime": lambda row, props, context: row[SENT],
    "hasAttachments": lambda row, props, context: bool(row[HAS_ATTACHMENTS]),
    "internetMessageId": lambda row, props, context: row[INTERNET_ID],
    "subject": lambda row, props, context: row[SUBJECT],
    "importance": lambda row, props, context: row[IMPORTANCE],
    "parentFolderId": lambda row, props, context: folder_id(context.box, row[FOLDER]),
    "conversationId": lambda row, props, context: row[CONVERSATION],
    "conversationIndex": lambda row, props, context: _conversation_index(row),
    "isRead": lambda row, props, context: bool(row[IS_READ]),
    "isDraft": lambda row, props, context: bool(row[IS_DRAFT]),
    "webLink": lambda row, props, context: (
        "https://outlook.office365.com/owa/?ItemID="
        + message_id(row, context)
        + "&exvsurl=1&viewmodel=ReadMessageItem"
    ),
    "inferenceClassification": lambda row, props, context: props.get("inferenceClassification", "focused"),
    "flag": lambda row, props, context: orjson.loads(row[FLAG]) if row[FLAG] else UNFLAGGED,
    "body": lambda row, props, context: body_of(row, context.db),
    "uniqueBody": lambda row, props, context: body_of(row, context.db),
    "internetMessageHeaders": lambda row, props, context: headers_of(row, context.db),
}


def _conversation_index(row: Row) -> str:
    digest = hashlib.md5(row[CONVERSATION].encode(), usedforsecurity=False).digest()
    return base64.b64encode(b"\x01\xdc" + digest + b"\x00\x00\x00\x00").decode()


def _from_props(name: str) -> Getter:
    return lambda row, props, context: props.get(name)


for _name in IN_PROPS:
    _GETTERS[_name] = _from_props(_name)
_OF_ATTACHMENTS = re.compile(r"attachments\(\$select=([\w,]+)\)", re.IGNORECASE)
_LOW = {name.lower(): name for name in _GETTERS}


def message_id(row: Row, context: Context) -> str:
    if context.immutable:
        return ids.encode(context.box.guid, ids.IMMUTABLE, row[ID])
    return ids.encode(context.box.guid, ids.MUTABLE, row[ID], row[VERSION])


def removed_id(key: int, version: int, context: Context) -> str:
    if context.immutable:
        return ids.encode(context.box.guid, ids.IMMUTABLE, key)
    return ids.encode(context.box.guid, ids.MUTABLE, key, version)


@dataclass(frozen=True)
class Plan:
    """What to show of each message."""

    getters: tuple[tuple[str, Getter], ...]
    tags: tuple[str, ...]
    attachments: bool
    of_attachments: frozenset[str]
    meeting: bool


@lru_cache(maxsize=256)
def plan(select: str | None, expand: str | None) -> Plan:
    """Unknown names of $select are left out, as the service does for open types."""
    raw = [name.strip().lower() for name in select.split(",")] if select else [n.lower() for n in DEFAULT]
    names = [_LOW[name] for name in raw if name in _LOW]
    found = _OF_ATTACHMENTS.search(expand or "")
    return Plan(
        getters=tuple((name, _GETTERS[name]) for name in names),
        tags=wanted_tags(expand) if expand else (),
        attachments="attachments" in (expand or "").lower(),
        of_attachments=frozenset(found[1].lower().split(",")) if found else frozenset(),
        meeting=select is None or "meetingmessagetype" in raw,
    )


def show(row: Row, how: Plan, context: Context) -> dict[str, Any]:
    props: dict[str, Any] = orjson.loads(row[PROPS])
    item: dict[str, Any] = {}
    kind = props.get("@odata.type")
    if kind:
        item["@odata.type"] = kind
        if how.meeting:
            item["meetingMessageType"] = props.get("meetingMessageType")
    item["@odata.etag"] = f'W/"{ids.change_key(row[SEQ])}"'
    item["id"] = message_id(row, context)
    for name, getter in how.getters:
        item[name] = getter(row, props, context)
    if how.tags:
        values = expanded_values(row, how.tags, context.db)
        if values:
            item["singleValueExtendedProperties"] = values
    if how.attachments:
        files = attachment_list(row, context.db, context.box, contents=not how.of_attachments)
        item["attachments"] = [_narrowed(file, how.of_attachments) for file in files]
    return item


def _narrowed(file: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {key: value for key, value in file.items() if not names or "@" in key or key.lower() in names}


def body_of(row: Row, db: Database) -> dict[str, str]:
    """From the stored fields, else from the MIME: parsed when asked for, since backups rarely ask."""
    if row[MIME] is None:
        return dict(messages.content_of(db, row[ID]).get("body") or {"contentType": "text", "content": ""})
    letter = parse.parse_mime(messages.mime_bytes(db, row[ID]) or b"")
    return {"contentType": letter.body_type, "content": letter.body}


def headers_of(row: Row, db: Database) -> list[dict[str, str]]:
    if row[MIME] is None:
        transport = db.one("SELECT value FROM extended WHERE message = ? AND tag = 'string 0x7d'", (row[ID],))
        if transport:
            return parse.header_list(str(transport[0]).encode("utf-8", "surrogateescape"))
        return list(messages.content_of(db, row[ID]).get("headers") or [])
    return parse.header_list(messages.mime_bytes(db, row[ID]) or b"")
