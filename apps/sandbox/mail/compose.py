"""Write a message that was made of fields as MIME: the same fields give the same bytes, always."""

import hashlib
import re
from base64 import b64encode
from email.header import Header
from email.utils import format_datetime
from typing import Any

from ..state.clock import parse
from .parse import Attachment

CRLF = "\r\n"
_STRUCTURAL = ("mime-version", "content-type", "content-transfer-encoding", "content-disposition")
_SPECIALS = re.compile(r'[()<>@,:;".\[\]\\]')


def _encoded(text: str) -> str:
    clean = text.replace("\r", " ").replace("\n", " ")
    return clean if clean.isascii() else Header(clean, "utf-8", maxlinelen=70).encode(linesep=CRLF)


def _person(recipient: dict[str, Any] | None) -> str:
    address = (recipient or {}).get("emailAddress") or {}
    name, mail = str(address.get("name") or ""), str(address.get("address") or "")
    if not name or name == mail:
        return f"<{mail}>" if mail else ""
    shown = _encoded(name)
    if shown == name and _SPECIALS.search(name):
        shown = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{shown} <{mail}>"


def _people(recipients: list[dict[str, Any]] | None) -> str:
    return f",{CRLF}\t".join(_person(recipient) for recipient in recipients or [])


def _own_headers(
    subject: str | None,
    internet_id: str | None,
    sent: str,
    importance: str,
    props: dict[str, Any],
    headers: list[dict[str, str]],
) -> list[str]:
    pairs = [
        ("From", _person(props.get("from"))),
        ("Sender", _person(props.get("sender")) if props.get("sender") != props.get("from") else ""),
        ("To", _people(props.get("toRecipients"))),
        ("Cc", _people(props.get("ccRecipients"))),
        ("Bcc", _people(props.get("bccRecipients"))),
        ("Reply-To", _people(props.get("replyTo"))),
        ("Subject", _encoded(subject or "")),
        ("Date", format_datetime(parse(sent))),
        ("Message-ID", internet_id or ""),
        ("Importance", "" if importance == "normal" else importance),
    ]
    lines = [f"{name}: {value}" for name, value in pairs if value]
    return lines + [f"{one['name']}: {_encoded(str(one.get('value') or ''))}" for one in headers]


def _transport_headers(text: str) -> list[str]:
    """The header lines that came with the message, without those that describe its old structure."""
    lines: list[str] = []
    keep = True
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line.strip():
            continue
        if line[0] not in " \t":
            keep = not line.lower().startswith(_STRUCTURAL)
        if keep:
            lines.append(line)
    return lines


def _base64(data: bytes) -> str:
    text = b64encode(data).decode()
    return CRLF.join(text[at : at + 76] for at in range(0, len(text), 76))


def _part(headers: list[str], data: bytes) -> str:
    return CRLF.join([*headers, "Content-Transfer-Encoding: base64", "", _base64(data)])


def _file_part(one: Attachment) -> str:
    name = _encoded(one.name or "attachment").replace('"', "'")
    if one.kind == "item":
        return CRLF.join(
            ["Content-Type: message/rfc822", "Content-Disposition: attachment", "", one.data.decode("latin-1")]
        )
    headers = [f'Content-Type: {one.content_type or "application/octet-stream"}; name="{name}"']
    headers.append(f'Content-Disposition: {"inline" if one.is_inline else "attachment"}; filename="{name}"')
    if one.content_id:
        headers.append(f"Content-ID: <{one.content_id}>")
    return _part(headers, one.data)


def _multipart(kind: str, parts: list[str], seed: str) -> str:
    digest = hashlib.sha256((kind + seed).encode("utf-8", "surrogateescape")).hexdigest()[:24]
    boundary = f"_000_{digest}_"
    inner = "".join(f"--{boundary}{CRLF}{part}{CRLF}" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"{CRLF}{CRLF}{inner}--{boundary}--{CRLF}'


def compose(
    *,
    subject: str | None,
    internet_id: str | None,
    sent: str,
    importance: str,
    props: dict[str, Any],
    body: dict[str, Any],
    attachments: list[Attachment],
    headers: list[dict[str, str]],
    transport: str | None,
) -> bytes:
    """`transport` are the original header lines (property 0x007D); without them they are made of the fields."""
    is_html = str(body.get("contentType") or "text").lower() == "html"
    kind = "html" if is_html else "plain"
    content = str(body.get("content") or "").encode("utf-8", "replace")
    part = _part([f"Content-Type: text/{kind}; charset=utf-8"], content)
    seed = f"{internet_id}{sent}{subject}"
    inline = [_file_part(one) for one in attachments if one.is_inline]
    if inline:
        part = _multipart("related", [part, *inline], seed)
    attached = [_file_part(one) for one in attachments if not one.is_inline]
    if attached:
        part = _multipart("mixed", [part, *attached], seed)
    own = (
        _transport_headers(transport)
        if transport
        else _own_headers(subject, internet_id, sent, importance, props, headers)
    )
    text = CRLF.join([*own, "MIME-Version: 1.0", part])
    return text.encode("latin-1") if _is_latin(text) else text.encode("utf-8", "surrogateescape")


def _is_latin(text: str) -> bool:
    """Item attachments come in as Latin-1 text so that their bytes survive."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True
