"""Bytes and HTML of strangers as plain text. Nothing here fails, and nothing takes more than linear time."""

import codecs
import html
import re
from typing import Final

LONGEST: Final = 2_000_000  # letters of one text: what comes after is not searched

_TAGGED: Final = re.compile(r"<!--|<(script|style|template|title)\b", re.I)
_ENDS: Final = {
    name: re.compile(rf"</{name}\b[^<>]*>", re.I) for name in ("script", "style", "template", "title")
}
_BREAK: Final = re.compile(
    r"</?(?:p|div|br|tr|td|th|li|h[1-6]|table|ul|ol|dl|dt|dd|hr|pre|blockquote|section|article|header|footer"
    r"|center|address|option|caption|figcaption|body|head|html|img)\b[^<>]*>",
    re.I,
)
_TAG: Final = re.compile(r"<[/!?a-zA-Z][^<>]*>")
_LONE: Final = re.compile("[\ud800-\udfff\0]")
_META: Final = re.compile(rb"<meta[^<>]{0,200}?charset\s*=\s*[\"']?([\w-]{1,40})", re.I)
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
# What these are called is not what people write in them.
_WIDER: Final = {"us-ascii": "", "ascii": "", "iso-8859-1": "cp1252", "latin-1": "cp1252", "gb2312": "gb18030"}
# No charsets of mail: they read what a stranger wrote in quadratic time, or as Python source.
_NEVER: Final = frozenset({"punycode", "idna", "unicode-escape", "raw-unicode-escape"})


def text_of(data: bytes, charset: str = "") -> str:
    """Return bytes as text: by their mark, by what was said of them, as UTF-8, or as what is left."""
    data = data[: 4 * LONGEST]
    marked = next((name for mark, name in _MARKS if data.startswith(mark)), "")
    said = charset.strip().strip("\"'").lower()
    for name in (marked, _WIDER.get(said, said), "utf-8"):
        if name:
            try:
                if codecs.lookup(name).name not in _NEVER:
                    return clean(data.decode(name))
            except (UnicodeError, LookupError, ValueError):
                continue
    return clean(data.decode("cp1252", errors="replace"))


def html_text(source: str) -> str:
    """Return what a reader of this HTML sees, and no more."""
    source = source[: 2 * LONGEST]
    kept, at = [], 0
    while found := _TAGGED.search(source, at):
        kept.append(source[at : found.start()])
        name = (found[1] or "").lower()
        if name:
            end = _ENDS[name].search(source, found.end())
            at = end.end() if end else len(source)
        else:
            close = source.find("-->", found.end())
            at = close + 3 if close >= 0 else len(source)
    kept.append(source[at:])
    text = _TAG.sub("", _BREAK.sub("\n", " ".join(kept)))
    return clean(html.unescape(text) if "&" in text else text)


def html_bytes_text(data: bytes, charset: str = "") -> str:
    """Return the text of an HTML part; the page itself may say its charset when the part does not."""
    if not charset and (found := _META.search(data[:4096])):
        charset = found[1].decode("ascii", "replace")
    return html_text(text_of(data, charset))


def clean(text: str) -> str:
    """Return text that every part of the way can carry: no half letters, no zero bytes, not too long."""
    text = text[:LONGEST]
    return _LONE.sub(" ", text) if not text.isascii() or "\0" in text else text
