"""Reading headers and text of mail that follows no rule: odd charsets, broken encodings, missing parts.

Nothing here raises: what cannot be decoded properly is decoded as well as possible.
"""

import codecs
import re
from email.header import decode_header
from email.message import Message
from email.utils import collapse_rfc2231_value, getaddresses
from typing import Any, Final, TypeAlias

_FALLBACKS: Final = ("utf-8", "cp1252")
_ALIASES: Final = {"iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8", "unicode-1-1-utf-7": "utf-7"}
# No charsets of mail: they read what a stranger wrote in quadratic time, or as Python source.
_NEVER: Final = frozenset({"punycode", "idna", "unicode-escape", "raw-unicode-escape"})
_LONGEST_WORDS: Final = 65_536  # the decoder of the standard library takes quadratic time
_FOLD: Final = re.compile(r"\r?\n[ \t]+|[\r\n]+")

MimePart: TypeAlias = "Message[str, str]"


def decode_bytes(raw: bytes, charset: str) -> str:
    """Decode with the declared charset if Python knows it and it fits, else as UTF-8, else as Windows-1252."""
    named = _ALIASES.get(charset.lower().strip(), charset.strip())
    for candidate in (named, *_FALLBACKS):
        try:
            codec = codecs.lookup(candidate).name
            if codec not in _NEVER:
                return raw.decode(codec)
        except (LookupError, ValueError):
            continue
    return raw.decode("latin-1")


def header_text(part: MimePart, name: str) -> str:
    """Return a header decoded and unfolded; "" when it is missing."""
    return decode_words(raw_header(part, name))


def raw_header(part: MimePart, name: str) -> str:
    """Return a header as it stands, unfolded."""
    value: Any = part.get(name)
    return _FOLD.sub(" ", _readable(value)).strip() if value is not None else ""


def decode_words(raw: str) -> str:
    """Decode `=?charset?b?...?=` words."""
    if "=?" not in raw or len(raw) > _LONGEST_WORDS:
        return raw
    try:
        pieces = decode_header(raw)
    except (ValueError, LookupError):  # includes binascii.Error: the words are broken
        return raw
    return "".join(
        piece if isinstance(piece, str) else decode_bytes(piece, charset or "ascii")
        for piece, charset in pieces
    )


def addresses(part: MimePart, name: str) -> list[tuple[str, str]]:
    """Return (name, address) of an address header, names decoded after the list was split at its commas."""
    raw = [_FOLD.sub(" ", _readable(value)) for value in part.get_all(name, [])]
    try:
        people = getaddresses(raw)
    except RecursionError:  # brackets in brackets by the thousand: it stays in the block of headers only
        return []
    return [(decode_words(who).strip(), address.strip()) for who, address in people if who or address]


def filename_of(part: MimePart) -> str:
    """Return the file name of a part; "" when it has none."""
    value: Any = part.get_param("filename", None, "content-disposition") or part.get_param("name", None)
    if value is None:
        return ""
    try:
        text = collapse_rfc2231_value(value)
    except (ValueError, LookupError, TypeError):
        text = str(value[-1]) if isinstance(value, tuple) else str(value)
    return decode_words(_FOLD.sub(" ", _readable(text))).strip()


def body_text(part: MimePart) -> str:
    """Return the text of a text part."""
    return decode_bytes(payload_bytes(part), declared_charset(part))


def declared_charset(part: MimePart) -> str:
    value: Any = part.get_param("charset", "")
    return str(value[-1] if isinstance(value, tuple) else value or "").strip("\"' ")


def payload_bytes(part: MimePart) -> bytes:
    """Return the decoded content of a leaf; of broken base64 as much as can be decoded."""
    payload: Any = part.get_payload(decode=True)
    if isinstance(payload, bytes):
        return payload
    text: Any = part.get_payload()
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else b""


def _readable(value: Any) -> str:
    """Raw 8-bit bytes in headers arrive as surrogates: read them as UTF-8 or Windows-1252."""
    text = str(value)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return decode_bytes(text.encode("utf-8", "surrogateescape"), "utf-8")
    return text
