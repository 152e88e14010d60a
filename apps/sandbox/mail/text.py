"""Turn whatever a mail contains into text: encoded words, odd or wrong charsets, HTML to a preview."""

import codecs
import html
import re
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses

_TAGS = re.compile(r"<(script|style|head)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>", re.S | re.I)
_SPACE = re.compile(r"\s+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
PREVIEW_LENGTH = 255


def decode_bytes(data: bytes, charset: str | None) -> str:
    """Decode with the named charset; when that is unknown or wrong, with UTF-8, then Windows-1252."""
    for name in (charset, "utf-8"):
        if not name:
            continue
        try:
            return data.decode(codecs.lookup(name.strip("\"' ")).name)
        except (LookupError, UnicodeError, ValueError):
            continue
    return data.decode("cp1252", "replace")


def clean(text: str) -> str:
    """Without lone surrogates and control characters, which JSON or Exchange would refuse."""
    return _CONTROL.sub("", text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def header_text(value: object) -> str:
    """A header's value with its encoded words decoded and raw 8-bit bytes read as UTF-8 or Windows-1252."""
    raw = str(value).encode("utf-8", "surrogateescape")
    plain = _SPACE.sub(" ", decode_bytes(raw, None)).strip()
    if "=?" not in plain:
        return clean(plain)
    try:
        parts = decode_header(plain)
    except (ValueError, LookupError, MessageError):
        return clean(plain)
    words = [decode_bytes(part, charset) if isinstance(part, bytes) else part for part, charset in parts]
    return clean("".join(words))


def raw_values(message: Message, name: str) -> list[str]:
    """The header's values as they came in: `get` would lose raw 8-bit bytes."""
    wanted = name.lower()
    return [str(value) for key, value in message.raw_items() if key.lower() == wanted]


def header(message: Message, name: str) -> str | None:
    values = raw_values(message, name)
    return header_text(values[0]) if values else None


def addresses(message: Message, name: str) -> list[dict[str, dict[str, str]]]:
    """All people of a header as Graph recipients."""
    raw = [decode_bytes(v.encode("utf-8", "surrogateescape"), None) for v in raw_values(message, name)]
    people = []
    for display, address in getaddresses(raw):
        if not display and not address:
            continue
        shown = header_text(display) if display else clean(address)
        people.append({"emailAddress": {"name": shown, "address": clean(address)}})
    return people


def plain_from_html(text: str) -> str:
    return html.unescape(_TAGS.sub(" ", text))


def preview(text: str, *, is_html: bool) -> str:
    plain = plain_from_html(text) if is_html else text
    return _SPACE.sub(" ", plain[:20000]).strip()[:PREVIEW_LENGTH]
