"""Read a MIME message into the fields that Graph shows. Nothing a mail contains makes this raise."""

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC
from email import message_from_bytes
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

from ..state.clock import stamp
from . import text

_REPLY_MARK = re.compile(r"^\s*((re|fw|fwd|aw|wg|sv|vs|tr|rif)(\[\d+\])?\s*:\s*)+", re.I)
MEETING_TYPES = {"REQUEST": "meetingRequest", "CANCEL": "meetingCancelled", "REPLY": "meetingAccepted"}


@dataclass(slots=True)
class Attachment:
    """One attachment; `kind` is file, item (a mail in the mail) or reference (a link)."""

    kind: str
    name: str
    content_type: str
    data: bytes
    is_inline: bool = False
    content_id: str | None = None
    doc: dict[str, Any] | None = None


@dataclass(slots=True)
class Letter:
    """The parts of a message that do not change when people handle it.

    `props` holds the JSON members that are neither columns of their own nor the body.
    """

    subject: str | None
    internet_id: str | None
    sent: str | None
    received: str | None
    sender: str | None
    importance: str
    conversation: str
    has_attachments: bool
    props: dict[str, Any]
    body_type: str = "text"
    body: str = ""
    attachments: list[Attachment] = field(default_factory=list)


def _date(value: object) -> str | None:
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(str(value))
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return stamp(moment) if 1970 <= moment.astimezone(UTC).year <= 9999 else None
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _received(message: Message) -> str | None:
    for value in message.get_all("Received", [])[:1]:
        return _date(str(value).rpartition(";")[2].strip() or None)
    return None


def _payload(part: Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        data = None
    if isinstance(data, bytes):
        return data
    return str(part.get_payload()).encode("utf-8", "surrogateescape")


def _file_name(part: Message) -> str | None:
    try:
        name = part.get_filename()
    except (ValueError, LookupError, UnicodeError):
        return None
    return text.header_text(name) if name else None


def _content_type(part: Message) -> str:
    try:
        return part.get_content_type()
    except (ValueError, LookupError):
        return "application/octet-stream"


def _charset(part: Message) -> str | None:
    try:
        value = part.get_param("charset")
    except (ValueError, LookupError, UnicodeError):
        return None
    return value[2] if isinstance(value, tuple) else value


class _Reader:
    """Walks the parts once: the first HTML and first plain text are the body, the rest are attachments."""

    def __init__(self) -> None:
        self.html: str | None = None
        self.plain: str | None = None
        self.meeting: str | None = None
        self.attachments: list[Attachment] = []

    def visit(self, part: Message, *, related: bool = False) -> None:
        kind = _content_type(part)
        if kind == "message/rfc822":
            self._visit_item(part)
        elif part.is_multipart():
            for child in part.get_payload():
                if isinstance(child, Message):
                    self.visit(child, related=kind == "multipart/related")
        else:
            self._visit_leaf(part, kind, related)

    def _visit_item(self, part: Message) -> None:
        children = part.get_payload()
        inner = children[0] if isinstance(children, list) and children else None
        data = inner.as_bytes() if isinstance(inner, Message) else _payload(part)
        name = (text.header(inner, "Subject") if isinstance(inner, Message) else None) or "Attached message"
        self.attachments.append(Attachment("item", name, "message/rfc822", data))

    def _visit_leaf(self, part: Message, kind: str, related: bool) -> None:
        disposition = str(part.get("Content-Disposition", "")).lower()
        attached, name = disposition.startswith("attachment"), _file_name(part)
        if kind == "text/calendar" and self.meeting is None:
            self.meeting = str(part.get_param("method") or "").upper() or None
        if not attached and not name and kind in ("text/html", "text/plain") and self._take_body(part, kind):
            return
        content_id = str(part["Content-ID"]).strip("<> \t") if part["Content-ID"] else None
        inline = not attached and (disposition.startswith("inline") or (related and content_id is not None))
        if kind == "text/calendar" and not attached and not name:
            return
        self.attachments.append(
            Attachment("file", name or "attachment", kind, _payload(part), inline, content_id)
        )

    def _take_body(self, part: Message, kind: str) -> bool:
        slot = "html" if kind == "text/html" else "plain"
        if getattr(self, slot) is not None:
            return False
        setattr(self, slot, text.clean(text.decode_bytes(_payload(part), _charset(part))))
        return True


def _importance(message: Message) -> str:
    word = str(message.get("Importance", "")).strip().lower()
    if word in ("low", "high"):
        return word
    return {"1": "high", "2": "high", "4": "low", "5": "low"}.get(
        str(message.get("X-Priority", "")).strip()[:1], "normal"
    )


def conversation_of(message: Message, subject: str | None) -> str:
    """A thread's id: its first reference, else its subject without the reply marks."""
    references = str(message.get("References") or message.get("In-Reply-To") or "").split()
    root = references[0] if references else str(message.get("Message-ID") or "").strip()
    return digest_id(root or _REPLY_MARK.sub("", subject or ""))


def digest_id(text_: str) -> str:
    digest = hashlib.sha256(text_.encode("utf-8", "surrogateescape")).digest()
    return "AAQkAD" + b64encode(digest, b"-_").decode()[:42]


def _props(message: Message, meeting: str | None, preview: str) -> dict[str, Any]:
    author = text.addresses(message, "From") or text.addresses(message, "Sender")
    props: dict[str, Any] = {
        "from": author[0] if author else None,
        "sender": next(iter(text.addresses(message, "Sender") or author), None),
        "bodyPreview": preview,
        "isDeliveryReceiptRequested": "Return-Receipt-To" in message,
        "isReadReceiptRequested": "Disposition-Notification-To" in message,
    }
    names = {"To": "toRecipients", "Cc": "ccRecipients", "Bcc": "bccRecipients", "Reply-To": "replyTo"}
    props.update({json_name: text.addresses(message, name) for name, json_name in names.items()})
    if meeting:
        request = meeting == "REQUEST"
        props["@odata.type"] = "#microsoft.graph.eventMessage" + ("Request" if request else "")
        props["meetingMessageType"] = MEETING_TYPES.get(meeting, "none")
    return props


def parse_mime(data: bytes) -> Letter:
    message = message_from_bytes(data)
    reader = _Reader()
    reader.visit(message)
    is_html = reader.html is not None
    body = (reader.html if is_html else reader.plain) or ""
    subject = text.header(message, "Subject")
    preview = text.preview(body, is_html=is_html)
    props = _props(message, reader.meeting, preview)
    return Letter(
        subject=subject,
        internet_id=text.header(message, "Message-ID"),
        sent=_date(message.get("Date")),
        received=_received(message),
        sender=props["from"]["emailAddress"]["address"] if props["from"] else None,
        importance=_importance(message),
        conversation=conversation_of(message, subject),
        has_attachments=any(not attachment.is_inline for attachment in reader.attachments),
        props=props,
        body_type="html" if is_html else "text",
        body=body,
        attachments=reader.attachments,
    )


def header_list(data: bytes) -> list[dict[str, str]]:
    """All header lines in their order, as `internetMessageHeaders` shows them."""
    message = message_from_bytes(data)
    return [{"name": text.clean(name), "value": text.header_text(value)} for name, value in message.raw_items()]
