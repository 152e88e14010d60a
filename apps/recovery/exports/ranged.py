"""A file in the pieces a browser asks for: a broken download goes on where it stopped (RFC 9110, 14)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

CHUNK = 256 * 1024
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes from `start` up to and with `end`."""

    start: int
    end: int


def ranged_response(request: HttpRequest, path: Path, name: str) -> HttpResponseBase:
    """Answer with the whole file, one range of it, or 416. Several ranges at once get the whole file."""
    stat = path.stat()
    etag = f'"{stat.st_size:x}-{stat.st_mtime_ns:x}"'
    asked = request.headers.get("Range", "")
    if request.headers.get("If-Range", etag) != etag:
        asked = ""
    span = _span(asked, stat.st_size)
    if span == "unsatisfiable":
        response: HttpResponseBase = HttpResponse(status=416)
        response["Content-Range"] = f"bytes */{stat.st_size}"
    else:
        whole = Span(0, stat.st_size - 1)
        part = span if isinstance(span, Span) else whole
        response = StreamingHttpResponse(_chunks(path, part), status=206 if isinstance(span, Span) else 200)
        response["Content-Length"] = str(part.end - part.start + 1)
        if isinstance(span, Span):
            response["Content-Range"] = f"bytes {part.start}-{part.end}/{stat.st_size}"
    response["Content-Type"] = "application/zip"
    response["Accept-Ranges"], response["ETag"] = "bytes", etag
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response


def begins_at_start(response: HttpResponseBase) -> bool:
    """Tell whether an answer begins with the first byte: a download that begins, not one that goes on."""
    return response.status_code == 200 or response.get("Content-Range", "").startswith("bytes 0-")


def _span(asked: str, size: int) -> Span | str:
    """Return the one range that is meant; "" for the whole; "unsatisfiable"."""
    found = _RANGE.fullmatch(asked.strip())
    if found is None or not (found[1] or found[2]):
        return ""
    if not found[1]:
        length = int(found[2])
        return Span(max(size - length, 0), size - 1) if length and size else "unsatisfiable"
    start, end = int(found[1]), min(int(found[2] or size - 1), size - 1)
    if start >= size:
        return "unsatisfiable"
    return Span(start, end) if start <= end else ""


def _chunks(path: Path, span: Span) -> Iterator[bytes]:
    left = span.end - span.start + 1
    with path.open("rb") as stream:
        stream.seek(span.start)
        while left > 0:
            chunk = stream.read(min(CHUNK, left))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk
