"""Finding base64 bodies in a message without parsing it, and taking them out when the exact bytes come back.

The scanner looks for a Content-Transfer-Encoding header that says base64, goes to the end of that block of
headers, and takes what stands up to the next boundary or the end. It knows nothing of structure and needs to
know nothing: a hole is made only when encoding its decoded bytes again gives what stood there, byte for byte.
What it misses or misjudges is stored as it is. It only goes forward, so the time is linear in the size.
"""

import binascii
import re
from dataclasses import dataclass
from typing import Final

import pybase64

from .recipe import MAX_LINE, MAX_SKELETON_BYTES, Hole, encode

SHORTEST_HOLE: Final = 256  # encoded bytes; less is not worth its entry
OWN_BLOB_FROM: Final = 2048  # decoded bytes: what is often sent again is kept once; less stays in the skeleton

_NEEDLE: Final = b"ransfer-"  # of the header's name in every usual spelling: finding it is much faster
_BEFORE: Final = len(b"Content-T")
_HEADER: Final = re.compile(rb'Content-Transfer-Encoding:[ \t]*"?base64"?[ \t]*\r?\n', re.IGNORECASE)
_END_OF_HEADERS: Final = re.compile(rb"\n\r?\n[\r\n]*")
_OTHER: Final = b"-"  # not a character of base64, and how a boundary begins
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]{4}")


@dataclass(frozen=True, slots=True)
class Split:
    """A message taken apart. Each hole has its body, or None where that stands in the skeleton.

    `blobs` of the holes is still 0.
    """

    skeleton: bytes
    holes: tuple[tuple[Hole, bytes | None], ...]


def split(data: bytes) -> Split | None:
    """Take a message apart, None when that is no gain. Memory: about another copy of it. Never raises."""
    kept: list[bytes] = []
    holes: list[tuple[Hole, bytes | None]] = []
    done = at = 0
    while (found := data.find(_NEEDLE, at)) >= 0:
        at = found + len(_NEEDLE)
        header = _HEADER.match(data, max(found - _BEFORE, 0))
        if header is None:
            continue
        # One step back: an empty line may follow at once.
        if (blank := _END_OF_HEADERS.search(data, header.end() - 1)) is None:
            break
        start = at = blank.end()
        if not _BASE64.match(data, start):
            continue
        end = boundary if (boundary := data.find(_OTHER, start)) >= 0 else len(data)
        at = end
        text = data[start:end].rstrip(b"\r\n")
        if (filled := _hole(text, start - done)) is None:
            continue
        hole, body = filled
        kept.append(data[done:start])
        if hole.size < OWN_BLOB_FROM:
            kept.append(body)
            holes.append((hole, None))
        else:
            holes.append((hole, body))
        done = start + len(text)
    if not holes:
        return None
    kept.append(data[done:])
    skeleton = b"".join(kept)
    return Split(skeleton, tuple(holes)) if 0 < len(skeleton) <= MAX_SKELETON_BYTES else None


def _hole(text: bytes, skip: int) -> tuple[Hole, bytes] | None:
    """Return the hole that `text` leaves and its decoded bytes, None unless they give exactly `text` again."""
    if len(text) < SHORTEST_HOLE:
        return None
    line = text.find(b"\n")
    if line < 0:
        line, ending = 0, b""
    elif text[line - 1 : line] == b"\r":
        line, ending = line - 1, b"\r\n"
    else:
        ending = b"\n"
    if line % 4 or line > MAX_LINE:
        return None
    try:
        body = pybase64.b64decode(text)
    except binascii.Error:
        return None
    if not body:
        return None
    hole = Hole(skip, len(body), line, ending, 0)
    if hole.encoded_size != len(text) or b"".join(encode(hole, (body,))) != text:
        return None
    return hole, body
