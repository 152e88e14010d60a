"""The words of a message as it was sent: its people, its text with what it quotes, the names of its files."""

from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from typing import Any, Final

from apps.core.mime import CUTTING

from .extracted import Extracted, File
from .plain import LONGEST, clean, html_bytes_text, text_of

_LONGEST_HEADER: Final = 65_536
_MOST_PEOPLE: Final = 262_144  # letters of all headers of one name
_MOST_PARTS: Final = 2_000
_TO: Final = ("to", "cc", "bcc")
Part = Message


def read_mail(data: bytes) -> Extracted:
    """Return the words of a message. What is broken in it costs itself."""
    message = message_from_bytes(data, policy=CUTTING)
    found = Extracted(
        senders=_people(message, "from", "sender"),
        recipients=_people(message, *_TO),
    )
    texts: list[str] = []
    for part in _leaves(message):
        _read(part, texts, found)
    found.text = "\n".join(texts)[:LONGEST]
    return found


def _leaves(message: Part) -> Iterator[Part]:
    """Yield parts in their order; of alternatives the one that says most. No recursion: depth is theirs."""
    waiting, seen = [message], 0
    while waiting and seen < _MOST_PARTS:
        part, seen = waiting.pop(), seen + 1
        inner = part.get_payload() if part.is_multipart() else None
        if not isinstance(inner, list):
            yield part
            continue
        if part.get_content_type() == "message/rfc822":
            yield part
        children = [each for each in inner if isinstance(each, Message)]
        if part.get_content_type() == "multipart/alternative":
            children = _best(children)
        waiting.extend(reversed(children))


def _best(alternatives: list[Part]) -> list[Part]:
    """HTML says what people saw; plain text beside it says the same again. Calendars are read with neither."""
    kinds = {part.get_content_type() for part in alternatives}
    if kinds & {"text/html", "multipart/related", "multipart/mixed"}:
        return [part for part in alternatives if part.get_content_type() not in ("text/plain", "text/calendar")]
    return alternatives


def _read(part: Part, texts: list[str], found: Extracted) -> None:
    if part.get_content_type() == "message/rfc822":
        texts.extend(_header(inner, "subject") for inner in _inside(part))
        return
    name = _name(part)
    is_text = part.get_content_maintype() == "text" and part.get_content_type() != "text/calendar"
    if is_text and not name:
        texts.append(_text(part))
    elif name:
        found.names.append(name)
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes) and payload:
            found.files.append(File(name, part.get_content_type(), payload))


def _inside(part: Part) -> list[Part]:
    inner = part.get_payload()
    return [each for each in inner if isinstance(each, Message)] if isinstance(inner, list) else []


def _text(part: Part) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    charset = _parameter(part, "charset")
    if part.get_content_type() == "text/html":
        return html_bytes_text(payload, charset)
    return text_of(payload, charset)


def _name(part: Part) -> str:
    """Return the name of a file, "" for what is none."""
    try:
        return _words(part.get_filename() or "")
    except (LookupError, ValueError, TypeError, AttributeError):  # odd RFC 2231 charsets and parameters
        return _words(_parameter(part, "name")) or "attachment"


def _parameter(part: Part, name: str) -> str:
    try:
        said = part.get_param(name)
    except (LookupError, ValueError, TypeError, AttributeError):
        return ""
    return said[2] if isinstance(said, tuple) else str(said or "")


def _people(message: Part, *names: str) -> tuple[str, ...]:
    """Return "Name <address>" of everybody in these headers, each once."""
    people: dict[str, None] = {}
    for name in names:
        left = _MOST_PEOPLE
        for header in message.get_all(name, []):
            text = str(header)[: min(_LONGEST_HEADER, left)]
            left -= len(text)
            try:
                pairs = getaddresses([text])
            except (ValueError, TypeError, IndexError, RecursionError):
                pairs = [("", "")]
            if not any(address for _, address in pairs):
                people[_words(text)] = None  # not written as addresses are: still words to look for
            for person, address in pairs:
                said = _words(person)
                if address:
                    people[f"{said} <{clean(address)}>" if said else clean(address)] = None
    people.pop("", None)
    return tuple(people)


def _header(message: Part, name: str) -> str:
    return _words(message.get(name, ""))


def _words(value: Any) -> str:
    """Return a header's words, decoded as far as they can be."""
    text = str(value)[:_LONGEST_HEADER]
    if "=?" not in text:
        return clean(text)
    try:
        pieces = decode_header(text)
    except (HeaderParseError, ValueError, LookupError):
        return clean(text)
    return clean(
        "".join(text_of(said, charset or "") if isinstance(said, bytes) else said for said, charset in pieces)
    )
