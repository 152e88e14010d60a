"""New messages: of JSON fields (also as received mail, by extended properties) or of MIME (always a draft)."""

import uuid
from base64 import b64decode
from binascii import Error as Base64Error
from typing import Any

from ..mail import text
from ..mail.parse import Letter, digest_id
from ..state import folders as folder_rows
from ..state import messages as rows
from ..state.clock import parse, stamp
from ..state.mailboxes import Mailbox
from . import errors, extended, shape
from .attachments import add_from_json
from .folders import find
from .messages import SELECT, one
from .request import Request, Response

MIME_LIMIT = 4 * 1024 * 1024
SILENT_LIMIT = 2_200_000
ATTACHMENT_LIMIT = 3 * 1024 * 1024


def create_in_drafts(request: Request, box: Mailbox) -> Response:
    return _create(request, box, folder_rows.well_known(request.cloud.db, box.id, "drafts").id)


def create_in_folder(request: Request, box: Mailbox, name: str) -> Response:
    return _create(request, box, find(request, box, name).id)


def _create(request: Request, box: Mailbox, folder: int) -> Response:
    if len(request.body) > MIME_LIMIT:
        raise errors.too_large()
    if request.headers.get("content-type", "").startswith("text/plain"):
        return _from_mime(request, box, folder)
    return _from_json(request, box, folder)


def _from_mime(request: Request, box: Mailbox, folder: int) -> Response:
    try:
        data = b64decode(request.body, validate=False)
    except Base64Error as error:
        raise errors.bad_request(
            "The MIME content is not valid base64.", "ErrorMimeContentInvalidBase64String"
        ) from error
    if b":" not in data[:2000]:
        raise errors.bad_request("The MIME content is invalid.", "ErrorMimeContentInvalid")
    if len(data) > SILENT_LIMIT and request.cloud.switches.drop_large_mime:
        return Response(status=200, raw=b"")
    cloud = request.cloud
    key = rows.deliver_mime(
        cloud.db, mailbox=box.id, folder=folder, data=data, now=cloud.clock.stamp(),
        received=cloud.clock.stamp(), is_draft=True, is_read=True,
    )  # fmt: skip
    return one(request, box, cloud.db.one(f"{SELECT} WHERE id = ?", (key,)), 201)


def _from_json(request: Request, box: Mailbox, folder: int) -> Response:
    wanted, cloud = shape.message(request.json(), "message"), request.cloud
    properties = wanted.get("singleValueExtendedProperties") or []
    tags = {extended.tag_of(one_["id"]): one_["value"] for one_ in properties}
    now = cloud.clock.stamp()
    letter = _letter(wanted, tags, now)
    flags = _integer(tags.get(extended.FLAGS))
    body = _body(wanted)
    content = {"body": body, "headers": _custom_headers(wanted)}
    size = len(body["content"]) + 500
    flag = wanted.get("flag")
    with cloud.db.transaction():
        key = rows.insert(
            cloud.db,
            mailbox=box.id,
            folder=folder,
            letter=letter,
            received=_time(tags.get(extended.DELIVERED)) or now,
            mime=None,
            size=size,
            modified=now,
            is_read=bool(flags & extended.READ) if flags is not None else bool(wanted.get("isRead", True)),
            is_draft=flags is None or bool(flags & extended.UNSENT),
            flag=flag if flag and flag.get("flagStatus") != "notFlagged" else None,
            categories=wanted.get("categories") or None,
            content=content,
        )
        extended.store(cloud.db, key, [p for p in properties if _is_stored(str(p["id"]))])
        for attachment in wanted.get("attachments") or []:
            add_from_json(request, key, attachment)
    return one(request, box, cloud.db.one(f"{SELECT} WHERE id = ?", (key,)), 201)


def _is_stored(name: str) -> bool:
    return extended.tag_of(name) not in {
        extended.FLAGS,
        extended.DELIVERED,
        extended.SUBMITTED,
        *extended.SIZES,
    }


def _integer(value: str | None) -> int | None:
    if value is None:
        return None
    try:
        return int(value)
    except ValueError as error:
        raise errors.bad_request(f"'{value}' is no integer.", "ErrorInvalidExtendedPropertyValue") from error


def _time(value: str | None) -> str | None:
    if not value:
        return None
    try:
        return stamp(parse(value))
    except ValueError as error:
        raise errors.bad_request(f"'{value}' is no valid time.", "ErrorInvalidExtendedPropertyValue") from error


def _body(wanted: dict[str, Any]) -> dict[str, str]:
    body = wanted.get("body") or {}
    return {
        "contentType": str(body.get("contentType") or "text").lower(),
        "content": str(body.get("content") or ""),
    }


def _custom_headers(wanted: dict[str, Any]) -> list[dict[str, str]]:
    """Only custom headers survive a creation; the others are dropped without a word."""
    given = wanted.get("internetMessageHeaders") or []
    return [header for header in given if str(header.get("name", "")).lower().startswith("x-")]


def _letter(wanted: dict[str, Any], tags: dict[str, str], now: str) -> Letter:
    body = _body(wanted)
    internet_id = wanted.get("internetMessageId") or f"<{uuid.uuid4().hex}@sandbox.prod.outlook.example>"
    references = tags.get("string 0x1039") or tags.get("string 0x1042") or internet_id
    sender = wanted.get("from") or wanted.get("sender")
    props = {
        "from": sender,
        "sender": wanted.get("sender") or sender,
        "bodyPreview": text.preview(body["content"], is_html=body["contentType"] == "html"),
        "isDeliveryReceiptRequested": bool(wanted.get("isDeliveryReceiptRequested")),
        "isReadReceiptRequested": bool(wanted.get("isReadReceiptRequested")),
        "inferenceClassification": wanted.get("inferenceClassification") or "focused",
    }
    for name in ("toRecipients", "ccRecipients", "bccRecipients", "replyTo"):
        props[name] = [_recipient(person) for person in wanted.get(name) or []]
    return Letter(
        subject=wanted.get("subject"),
        internet_id=internet_id,
        sent=_time(tags.get(extended.SUBMITTED)) or now,
        received=None,
        sender=((sender or {}).get("emailAddress") or {}).get("address"),
        importance=str(wanted.get("importance") or "normal").lower(),
        conversation=digest_id(references.split()[0]),
        has_attachments=False,
        props=props,
    )


def _recipient(person: dict[str, Any]) -> dict[str, Any]:
    """Refuses what Exchange refuses: an address that is neither SMTP nor an Exchange DN."""
    address = (person.get("emailAddress") or {}).get("address") or ""
    if address and "@" not in address and not address.lower().startswith("/o="):
        text_ = f"At least one recipient isn't valid., Recipient '{address}' isn't valid."
        raise errors.bad_request(text_, "ErrorInvalidRecipients")
    return person
