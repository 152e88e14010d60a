"""Attachments of a message, whether they lie in their own rows or inside its MIME."""

from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

from ..mail.parse import Attachment, parse_mime
from ..state import ids, messages
from ..state.database import Database
from ..state.mailboxes import Mailbox

_ID, _MODIFIED, _MIME = 0, 8, 18


@dataclass(frozen=True, slots=True)
class Found:
    """An attachment with its number within the message."""

    number: int
    modified: str
    attachment: Attachment


@lru_cache(maxsize=64)
def _parsed(mime: int, data: bytes) -> tuple[Attachment, ...]:
    return tuple(parse_mime(data).attachments)


def attachments_of(row: tuple[Any, ...], db: Database) -> list[Found]:
    """`row` has messages.COLUMNS."""
    if row[_MIME] is not None:
        data = messages.mime_bytes(db, row[_ID]) or b""
        return [Found(n, row[_MODIFIED], one) for n, one in enumerate(_parsed(row[_MIME], data), 1)]
    sql = (
        "SELECT number, modified, kind, name, content_type, data, is_inline, content_id, doc "
        "FROM attachments WHERE message = ? ORDER BY number"
    )
    return [
        Found(
            r[0],
            r[1],
            Attachment(r[2], r[3], r[4], r[5], bool(r[6]), r[7], orjson.loads(r[8]) if r[8] else None),
        )
        for r in db.all(sql, (row[_ID],))
    ]


def attachment_id(box: Mailbox, message: int, number: int) -> str:
    return ids.encode(box.guid, ids.ATTACHMENT, message, number)


def show(found: Found, box: Mailbox, message: int, *, contents: bool) -> dict[str, Any]:
    one = found.attachment
    item: dict[str, Any] = {
        "@odata.type": f"#microsoft.graph.{one.kind}Attachment",
        "@odata.mediaContentType": one.content_type,
        "id": attachment_id(box, message, found.number),
        "lastModifiedDateTime": found.modified,
        "name": one.name,
        "contentType": None if one.kind == "item" else one.content_type,
        "size": len(one.data) + 180,
        "isInline": one.is_inline,
    }
    if one.kind == "file":
        item |= {"contentId": one.content_id, "contentLocation": None}
        if contents:
            item["contentBytes"] = b64encode(one.data).decode()
    return item


def attachment_list(
    row: tuple[Any, ...], db: Database, box: Mailbox, *, contents: bool
) -> list[dict[str, Any]]:
    return [show(found, box, row[_ID], contents=contents) for found in attachments_of(row, db)]
