"""Reading a stored message for a preview: RFC 5322 and MIME as they come, however broken.

Nothing in here raises because of what a message contains. The strict parser of the standard library does
(broken addresses, unknown charsets), hence the lenient one, and decoding of our own on top.
"""

import codecs
import email
import email.errors
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.header import decode_header
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import collapse_rfc2231_value, getaddresses, parsedate_to_datetime

from apps.core.mime import CUTTING

MAX_DEPTH = 20
MAX_PARTS = 500
_FALLBACKS = ("utf-8", "windows-1252", "latin-1")
# Names that mailers write and Python does not know.
_ALIASES = {
    "cp-850": "cp850",
    "x-sjis": "shift_jis",
    "ks_c_5601-1987": "cp949",
    "x-gbk": "gbk",
    "unicode-1-1-utf-7": "utf-7",
}
# No charsets of mail: they read what a stranger wrote in quadratic time, or as Python source.
_NEVER = {"punycode", "idna", "unicode-escape", "raw-unicode-escape"}
_LONGEST_WORDS = 65_536  # the decoder of the standard library takes quadratic time
_SHOWN_AS_BODY = ("text/plain", "text/html")


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of a message. `number` counts leaves from 0 and names the part in addresses."""

    number: int
    content_type: str
    file_name: str
    content_id: str
    size: int
    attached: bool


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as a person reads it. `html` and `text` are the bodies, "" when there is none of that kind."""

    subject: str
    sender: str
    to: str
    cc: str
    bcc: str
    date: datetime | None
    html: str
    text: str
    parts: list[Part] = field(default_factory=list)

    @property
    def attachments(self) -> list[Part]:
        return [part for part in self.parts if part.attached]


def read_letter(data: bytes) -> Letter:
    """Take a message apart. Memory: a few times its size."""
    message = _parse(data)
    leaves = list(_leaves(message))
    bodies = _bodies(leaves)
    parts = [_part(number, leaf, attached=number not in bodies) for number, leaf in enumerate(leaves)]
    html = "\n".join(_text(leaves[n]) for n in bodies if _type(leaves[n]) == "text/html")
    text = "\n".join(_text(leaves[n]) for n in bodies if _type(leaves[n]) != "text/html")
    return Letter(
        subject=header(message, "subject"),
        sender=_people(message, "from"),
        to=_people(message, "to"),
        cc=_people(message, "cc"),
        bcc=_people(message, "bcc"),
        date=_date(message),
        html=html,
        text=text,
        parts=_without_inline(parts, html),
    )


def read_part(data: bytes, number: int) -> tuple[Part, bytes] | None:
    """Return a leaf and its decoded bytes; None when there is no such leaf."""
    for index, leaf in enumerate(_leaves(_parse(data))):
        if index == number:
            return _part(index, leaf, attached=True), _bytes(leaf)
    return None


def images_by_content_id(data: bytes) -> dict[str, bytes]:
    """Return what the message carries for `cid:` references."""
    found: dict[str, bytes] = {}
    for leaf in _leaves(_parse(data)):
        content_id = _content_id(leaf)
        if content_id and content_id not in found:
            found[content_id] = _bytes(leaf)
    return found


def original_headers(data: bytes) -> str:
    """Return the header block as it was sent, as text."""
    end = min((at for mark in (b"\r\n\r\n", b"\n\n") if (at := data.find(mark)) >= 0), default=len(data))
    return _decode(data[: min(end, 256 * 1024)], "")


def header(message: Message, name: str) -> str:
    """Return a header as text on one line; "" when there is none."""
    raw = message.get(name)
    return "" if raw is None else " ".join(_decode_words(raw).split())


def _parse(data: bytes) -> Message:
    try:
        return email.message_from_bytes(data, policy=CUTTING)
    except RecursionError:  # nested hundreds of times, by no mailer: its headers can still be read
        return BytesHeaderParser(policy=CUTTING).parsebytes(data)


def _leaves(message: Message, depth: int = 0) -> Iterator[Message]:
    """Yield the leaves in order. An enclosed message is a leaf: it is offered as a file, not mixed in."""
    count = 0
    stack: list[tuple[Message, int]] = [(message, depth)]
    while stack and count < MAX_PARTS:
        at, level = stack.pop()
        children = _children(at)
        if children and _type(at).startswith("multipart/") and level < MAX_DEPTH:
            stack += [(child, level + 1) for child in reversed(children)]
        else:
            count += 1
            yield at


def _children(message: Message) -> list[Message]:
    payload = message.get_payload() if message.is_multipart() else []
    return [child for child in payload if isinstance(child, Message)]


def _type(leaf: Message) -> str:
    try:
        return leaf.get_content_type()
    except (ValueError, TypeError, AttributeError, IndexError):
        return "application/octet-stream"


def _bodies(leaves: list[Message]) -> set[int]:
    """Return the numbers of the leaves that are read, not attached."""
    return {
        number
        for number, leaf in enumerate(leaves)
        if _type(leaf) in _SHOWN_AS_BODY and not _file_name(leaf) and _disposition(leaf) != "attachment"
    }


def _without_inline(parts: list[Part], html: str) -> list[Part]:
    """Mark pictures that the text itself shows as not attached."""
    return [
        Part(p.number, p.content_type, p.file_name, p.content_id, p.size, attached=False)
        if p.content_id and f"cid:{p.content_id}" in html
        else p
        for p in parts
    ]


def _part(number: int, leaf: Message, *, attached: bool) -> Part:
    kind = _type(leaf)
    name = _file_name(leaf)
    if not name and attached:
        name = "Enclosed message.eml" if kind == "message/rfc822" else f"Part {number + 1}"
    return Part(number, kind, name, _content_id(leaf), len(_bytes(leaf)), attached)


def _bytes(leaf: Message) -> bytes:
    if leaf.is_multipart():  # message/rfc822 and the like
        return b"".join(_as_bytes(child) for child in _children(leaf))
    try:
        decoded = leaf.get_payload(decode=True)
    except (ValueError, TypeError, LookupError, AttributeError):
        decoded = None
    return decoded if isinstance(decoded, bytes) else b""


def _as_bytes(message: Message) -> bytes:
    try:
        return message.as_bytes()
    except (ValueError, TypeError, LookupError, AttributeError, KeyError, RecursionError):
        return "\n".join(f"{k}: {v}" for k, v in message.raw_items()).encode("utf-8", "replace")


def _text(leaf: Message) -> str:
    try:
        charset = leaf.get_content_charset() or ""
    except (ValueError, TypeError, LookupError, AttributeError):
        charset = ""
    return _decode(_bytes(leaf), charset)


def _decode(data: bytes, charset: str) -> str:
    charset = _ALIASES.get(charset.lower(), charset)
    if charset:
        try:
            if codecs.lookup(charset).name not in _NEVER:
                # Not the codec's own decode: that would also run zlib and friends on a stranger's word.
                return _clean(data.decode(charset, "replace"))
        except (LookupError, ValueError, TypeError, UnicodeError):
            pass
    for fallback in _FALLBACKS:
        try:
            return _clean(data.decode(fallback))
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 decodes everything")


def _clean(text: object) -> str:
    return str(text).encode("utf-8", "replace").decode("utf-8").replace("\x00", "\N{REPLACEMENT CHARACTER}")


def _decode_words(raw: object) -> str:
    text = str(raw)
    if not text.isascii() and isinstance(raw, str):
        # Bytes that the sender put in unencoded arrive as surrogates.
        text = _decode(raw.encode("utf-8", "surrogateescape"), "")
    if len(text) > _LONGEST_WORDS:
        return _clean(text)
    try:
        words = decode_header(text)
    except (ValueError, TypeError, AttributeError, IndexError, email.errors.HeaderParseError):
        return _clean(text)
    return "".join(
        _decode(word, charset or "") if isinstance(word, bytes) else _clean(word) for word, charset in words
    )


def _people(message: Message, name: str) -> str:
    values = [str(value) for value in message.get_all(name, [])]
    try:
        pairs = getaddresses(values)
    except (ValueError, TypeError, IndexError, AttributeError, RecursionError):
        pairs = []
    shown = [_person(_decode_words(label), address) for label, address in pairs if label or address]
    return ", ".join(shown) or header(message, name)


def _person(label: str, address: str) -> str:
    label, address = " ".join(label.split()), _clean(address)
    return f"{label} <{address}>" if label and address and label != address else label or address


def _date(message: Message) -> datetime | None:
    try:
        moment = parsedate_to_datetime(header(message, "date"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _disposition(leaf: Message) -> str:
    try:
        return (leaf.get_content_disposition() or "").lower()
    except (ValueError, TypeError, AttributeError, IndexError):
        return ""


def _file_name(leaf: Message) -> str:
    for holder, key in (("content-disposition", "filename"), ("content-type", "name")):
        try:
            value = leaf.get_param(key, None, holder)
            text = "" if value is None else _decode_words(collapse_rfc2231_value(value))
        except (ValueError, TypeError, LookupError, AttributeError):
            continue
        if text.strip():
            return " ".join(text.split())
    return ""


def _content_id(leaf: Message) -> str:
    return header(leaf, "content-id").strip("<> ")
