"""Attachments of a message: list, get, content, add, delete."""

from base64 import b64decode
from binascii import Error as Base64Error
from typing import Any

import orjson

from ..mail.compose import compose
from ..mail.parse import Attachment, parse_mime
from ..state import ids
from ..state import messages as rows
from ..state.mailboxes import Mailbox
from . import errors, shape
from .attachment_source import Found, attachments_of, show
from .folders import decoded
from .messages import detach_from_mime, find_message
from .odata import matches, parse_filter
from .render import MIME, Row
from .request import Request, Response, no_content

DIRECT_LIMIT = 3 * 1024 * 1024


def _context(request: Request, box: Mailbox, row: Row, rest: str = "") -> str:
    message = ids.encode(box.guid, ids.MUTABLE, row[0], row[3])
    return f"{request.base_url}/v1.0/$metadata#users('{box.guid}')/messages('{message}')/attachments{rest}"


def _selected(request: Request, item: dict[str, Any]) -> dict[str, Any]:
    raw = request.query.get("$select")
    if not raw:
        return item
    wanted = {name.strip().rpartition("/")[2].lower() for name in raw.split(",")} | {"id"}
    return {key: value for key, value in item.items() if "@" in key or key.lower() in wanted}


def _shown(request: Request, box: Mailbox, row: Row, found: Found) -> dict[str, Any]:
    item = _selected(request, show(found, box, row[0], contents=True))
    if found.attachment.kind == "item" and "itemattachment/item" in request.query.get("$expand", "").lower():
        item["item"] = _inner_message(found)
    return item


def _inner_message(found: Found) -> dict[str, Any]:
    letter = parse_mime(found.attachment.data)
    props = {
        key: value for key, value in letter.props.items() if "@" not in key and key != "meetingMessageType"
    }
    return {
        "@odata.type": "#microsoft.graph.message",
        "id": "",
        "subject": letter.subject,
        "internetMessageId": letter.internet_id,
        "sentDateTime": letter.sent,
        "receivedDateTime": letter.received or letter.sent,
        "hasAttachments": letter.has_attachments,
        "importance": letter.importance,
        "isRead": True,
        "isDraft": False,
        "body": {"contentType": letter.body_type, "content": letter.body},
        **props,
    }


def list_attachments(request: Request, box: Mailbox, text: str) -> Response:
    row = find_message(request, box, text)
    items = [_shown(request, box, row, found) for found in attachments_of(row, request.cloud.db)]
    if "$filter" in request.query:
        node = parse_filter(request.query["$filter"])
        items = [item for item in items if matches(node, item)]
    return Response({"@odata.context": _context(request, box, row), "value": items})


def _find(request: Request, box: Mailbox, text: str, attachment: str) -> tuple[Row, Found]:
    row = find_message(request, box, text)
    item = decoded(box, attachment, ids.ATTACHMENT)
    for found in attachments_of(row, request.cloud.db):
        if item.key == row[0] and found.number == item.version:
            return row, found
    raise errors.not_found("ErrorItemNotFound", "The specified attachment was not found in the store.")


def get_attachment(request: Request, box: Mailbox, text: str, attachment: str) -> Response:
    row, found = _find(request, box, text, attachment)
    shown = _shown(request, box, row, found)
    return Response({"@odata.context": _context(request, box, row, "/$entity"), **shown})


def get_content(request: Request, box: Mailbox, text: str, attachment: str) -> Response:
    _, found = _find(request, box, text, attachment)
    one = found.attachment
    if one.kind == "reference":
        raise errors.GraphError(405, "ErrorInvalidRequest", "A reference attachment has no content.")
    kind = "text/plain" if one.kind == "item" else one.content_type or "application/octet-stream"
    return Response(raw=one.data, content_type=kind)


def add_attachment(request: Request, box: Mailbox, text: str) -> Response:
    row, wanted = find_message(request, box, text), request.json()
    with request.cloud.db.transaction():
        if row[MIME] is not None:
            detach_from_mime(request, row)
        number = add_from_json(request, row[0], wanted)
        touch(request, row)
    row = find_message(request, box, ids.encode(box.guid, ids.IMMUTABLE, row[0]))
    found = next(one for one in attachments_of(row, request.cloud.db) if one.number == number)
    item = show(found, box, row[0], contents=True)
    return Response({"@odata.context": _context(request, box, row, "/$entity"), **item}, status=201)


def touch(request: Request, row: Row) -> None:
    """The message's list of attachments has changed: say so in its row and in the change log."""
    db = request.cloud.db
    has = db.one("SELECT EXISTS (SELECT 1 FROM attachments WHERE message = ? AND is_inline = 0)", (row[0],))[0]
    size = db.one("SELECT COALESCE(SUM(size), 0) FROM attachments WHERE message = ?", (row[0],))[0]
    body = len(str((rows.content_of(db, row[0]).get("body") or {}).get("content", "")))
    columns = {"has_attachments": bool(has), "size": body + 500 + size}
    rows.change(db, row[0], request.cloud.clock.stamp(), columns)


def add_from_json(request: Request, message: int, wanted: dict[str, Any]) -> int:
    """Store one attachment and return its number within the message. Raises GraphError."""
    wanted = shape.attachment(wanted, "attachment")
    kind = str(wanted.get("@odata.type", "")).rpartition(".")[2].removesuffix("Attachment")
    if kind == "file":
        data = _contents(wanted)
    elif kind == "item":
        data = _compose_item(wanted.get("item") or {})
    elif kind == "reference":
        data = b""
    else:
        raise errors.bad_request("The attachment needs an @odata.type.", "ErrorInvalidRequest")
    one = Attachment(
        kind=kind,
        name=str(wanted.get("name") or ""),
        content_type=str(
            wanted.get("contentType") or ("message/rfc822" if kind == "item" else "application/octet-stream")
        ),
        data=data,
        is_inline=bool(wanted.get("isInline")),
        content_id=wanted.get("contentId"),
        doc={key: value for key, value in wanted.items() if key not in ("contentBytes", "item")},
    )
    return add_row(request, message, one)


def add_row(request: Request, message: int, one: Attachment) -> int:
    db = request.cloud.db
    number = int(
        db.one("SELECT COALESCE(MAX(number), 0) + 1 FROM attachments WHERE message = ?", (message,))[0]
    )
    db.execute(
        "INSERT INTO attachments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (message, number, one.kind, one.name, one.content_type, one.is_inline, one.content_id, len(one.data),
         request.cloud.clock.stamp(), orjson.dumps(one.doc), one.data),
    )  # fmt: skip
    if not one.is_inline:
        db.execute("UPDATE messages SET has_attachments = 1 WHERE id = ?", (message,))
    db.execute("UPDATE messages SET size = size + ? WHERE id = ?", (len(one.data), message))
    return number


def _contents(wanted: dict[str, Any]) -> bytes:
    try:
        data = b64decode(str(wanted.get("contentBytes") or ""), validate=True)
    except Base64Error as error:
        raise errors.bad_request("contentBytes is not valid base64.", "ErrorInvalidRequest") from error
    if len(data) > DIRECT_LIMIT:
        text = "The attachment is larger than 3 MB: use an upload session."
        raise errors.GraphError(413, "ErrorAttachmentSizeLimitExceeded", text)
    return data


def _compose_item(item: dict[str, Any]) -> bytes:
    for refused in ("id", "isDraft", "isOrganizer", "changeKey"):
        if refused in item:
            raise errors.bad_request(f"The property '{refused}' cannot be set here.", "ErrorInvalidPropertySet")
    return compose(
        subject=item.get("subject"),
        internet_id=item.get("internetMessageId"),
        sent=str(item.get("sentDateTime") or "2000-01-01T00:00:00Z"),
        importance=str(item.get("importance") or "normal").lower(),
        props=item,
        body=item.get("body") or {},
        attachments=[],
        headers=[],
        transport=None,
    )


def delete_attachment(request: Request, box: Mailbox, text: str, attachment: str) -> Response:
    row, found = _find(request, box, text, attachment)
    with request.cloud.db.transaction():
        if row[MIME] is not None:
            detach_from_mime(request, row)
        request.cloud.db.execute(
            "DELETE FROM attachments WHERE message = ? AND number = ?", (row[0], found.number)
        )
        touch(request, row)
    return no_content()
