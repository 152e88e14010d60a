"""From MIME to what Graph creates a message of: a JSON message and its attachments.

Everything in the MIME comes back: one body (HTML before text), and each other part as an attachment. Not kept
is the text alternative of an HTML body, which Exchange makes itself, and the signature's validity of signed
mail, whose parts all come back.
"""

import base64
import quopri
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from typing import Any, Final

from apps.core.errors import Malformed
from apps.core.mime import CUTTING

from .mime_text import (
    MimePart,
    addresses,
    body_text,
    filename_of,
    header_text,
    payload_bytes,
    raw_header,
)

_POLICY: Final = CUTTING.clone(linesep="\r\n", max_line_length=None)
_EXTENSIONS: Final = {
    "text/plain": "txt",
    "text/html": "html",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/gif": "gif",
    "application/pdf": "pdf",
    "application/pkcs7-signature": "p7s",
    "application/pkcs7-mime": "p7m",
    "message/rfc822": "eml",
}
SIGNED: Final = "Its signature can no longer be checked"
SEALED: Final = "It was encrypted: it is a plain message now, with what was sealed as a file"
MEETING: Final = "The message about a meeting is a plain one now, with the meeting as a file"
_SPECIAL: Final = {
    "multipart/signed": SIGNED,
    "multipart/encrypted": SEALED,
    "multipart/report": "The report of delivery or reading is a plain message now",
}
SENSITIVITIES: Final = {"personal": 1, "private": 2, "company-confidential": 3}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a message: raw content; inline ones are shown in the body by their content id."""

    name: str
    content_type: str
    content: bytes
    content_id: str = ""
    inline: bool = False


@dataclass(slots=True)
class Letter:
    """A message as read from MIME. `headers` is the block of transport headers as text.

    `special`: in words, what kind of message it was that cannot be made of fields.
    """

    subject: str = ""
    body: str = ""
    body_is_html: bool = False
    people: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    message_id: str = ""
    in_reply_to: str = ""
    references: str = ""
    sensitivity: int = 0
    headers: str = ""
    attachments: list[Attachment] = field(default_factory=list)
    special: str = ""


_PEOPLE: Final = ("from", "sender", "to", "cc", "bcc", "reply-to")


def read_letter(mime: bytes) -> Letter:
    """Read a message. Raises Malformed for one that is nested beyond reading, and for nothing else."""
    try:
        return _read_letter(mime)
    except RecursionError as error:
        raise Malformed(
            "The message is nested too deeply to be composed anew.", do="Export it instead."
        ) from error


def _read_letter(mime: bytes) -> Letter:
    message: MimePart = BytesParser(Message, policy=_POLICY).parsebytes(mime)
    letter = Letter(
        subject=header_text(message, "subject"),
        people={name: addresses(message, name) for name in _PEOPLE},
        message_id=raw_header(message, "message-id"),
        in_reply_to=raw_header(message, "in-reply-to"),
        references=raw_header(message, "references"),
        sensitivity=SENSITIVITIES.get(raw_header(message, "sensitivity").lower(), 0),
        headers=_header_block(mime),
    )
    body = _body_part(message)
    if body is not None:
        letter.body, letter.body_is_html = body_text(body), body.get_content_type() == "text/html"
    letter.attachments = list(_attachments(message, body))
    letter.special = _special(message)
    return letter


def _special(message: MimePart) -> str:
    outside = message.get_content_type()
    if outside.startswith("application/") and "pkcs7-mime" in outside:
        kind = message.get_param("smime-type")
        return SIGNED if kind == "signed-data" else SEALED
    if outside in _SPECIAL:
        return _SPECIAL[outside]
    asks = (part for part in _leaves(message) if part.get_content_type() == "text/calendar")
    return MEETING if any(map(_is_about_a_meeting, asks)) else ""


def _is_about_a_meeting(part: MimePart) -> bool:
    method = str(part.get_param("method") or "").lower()
    return method not in ("", "publish") and part.get_content_disposition() != "attachment"


def _header_block(mime: bytes) -> str:
    ends = [at for at in (mime.find(b"\r\n\r\n"), mime.find(b"\n\n")) if at >= 0]
    block = mime[: min(ends)] if ends else b""
    return block.decode("utf-8", "replace").replace("\r\n", "\n").replace("\n", "\r\n").replace("\x00", "")


def _body_part(message: MimePart) -> "MimePart | None":
    """Return the part that is shown: the best text that is no attachment, HTML before plain."""
    texts = [part for part in _leaves(message) if _may_be_body(part)]
    first = texts[0] if texts else None
    if first is None or first.get_content_type() == "text/html":
        return first
    for alternative in message.walk():
        if alternative.get_content_type() == "multipart/alternative":
            inside = list(alternative.walk())
            if any(part is first for part in inside):
                html = [p for p in texts if p.get_content_type() == "text/html" and any(p is i for i in inside)]
                return html[0] if html else first
    return first


def _may_be_body(part: MimePart) -> bool:
    if part.get_content_type() not in ("text/plain", "text/html"):
        return False
    return part.get_content_disposition() != "attachment" and not filename_of(part)


def _leaves(part: MimePart) -> Iterator[MimePart]:
    """Yield the leaves; a message inside the message counts as one."""
    if part.get_content_type() == "message/rfc822" or not part.is_multipart():
        yield part
        return
    for child in _children(part):
        yield from _leaves(child)


def _children(part: MimePart) -> list[MimePart]:
    payload: Any = part.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []


def _attachments(message: MimePart, body: "MimePart | None") -> Iterator[Attachment]:
    shown = _alternatives_of(message, body)
    for number, part in enumerate(_leaves(message), 1):
        if part is body or any(part is other for other in shown):
            continue
        content = _content(part)
        if part is message and not content:
            continue  # a message without a body
        yield _attachment(part, content, number)


def _alternatives_of(message: MimePart, body: "MimePart | None") -> list[MimePart]:
    """Return the other texts of the alternative that the body was chosen from: the same words again."""
    for part in message.walk():
        if part.get_content_type() == "multipart/alternative":
            inside = [each for each in _leaves(part) if _may_be_body(each)]
            if any(each is body for each in inside):
                return inside
    return []


def _content(part: MimePart) -> bytes:
    if part.get_content_type() != "message/rfc822":
        return payload_bytes(part)
    children = _children(part)
    if not children:
        return payload_bytes(part)
    try:
        inner = children[0].as_bytes(policy=_POLICY)
    except (UnicodeError, LookupError, ValueError, KeyError):
        inner = str(children[0]).encode("utf-8", "replace")
    return _unpacked(inner, raw_header(part, "content-transfer-encoding").lower())


def _unpacked(inner: bytes, encoding: str) -> bytes:
    """Undo the encoding of a nested message: the standard forbids it, but it is seen."""
    try:
        if encoding == "base64":
            return base64.b64decode(inner, validate=False)
        if encoding == "quoted-printable":
            return quopri.decodestring(inner)
    except ValueError:
        return inner
    return inner


def _attachment(part: MimePart, content: bytes, number: int) -> Attachment:
    content_type = part.get_content_type()
    content_id = raw_header(part, "content-id").strip("<>")
    name = filename_of(part) or _name_for(part, content_type, number)
    inline = bool(content_id) and part.get_content_disposition() != "attachment"
    return Attachment(name[:255], content_type, content, content_id, inline)


def _name_for(part: MimePart, content_type: str, number: int) -> str:
    children = _children(part)
    if content_type == "message/rfc822" and children:
        subject = header_text(children[0], "subject")
        return f"{subject[:100] or 'message'}.eml"
    if content_type == "text/calendar":
        return "invitation.ics"
    return f"part-{number}.{_EXTENSIONS.get(content_type, 'bin')}"
