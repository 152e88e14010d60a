"""The lines of a journal: JSON arrays, one to a line, whose first value says what kind (docs/vault-format.md).

["v", ...]          a version of a node, all its columns
["e", remote id]    the open version of that node ends with this snapshot
["i", {...}]        an item that the run could not store
["s", {...}]        in a base journal: an earlier snapshot that is kept
"""

from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
import pybase64

from .errors import JournalCorrupt


class VersionLine(NamedTuple):
    """One state of a folder or an item, from snapshot `first` until before `gone`.

    `content` is a content list (content.py), `props` the connector's JSON as it is, `size` in bytes.
    """

    remote_id: str
    parent_id: str | None
    is_folder: bool
    well_known: str
    name: str
    author: str
    recipients: str
    time: datetime | None
    size: int
    has_attachments: bool
    etag: str
    content: bytes
    props: bytes
    first: int
    gone: int | None


class EndLine(NamedTuple):
    """What was open of this node has ended."""

    remote_id: str


class IssueLine(NamedTuple):
    """An item that could not be stored, as the portal keeps it."""

    data: dict[str, Any]


class SnapshotLine(NamedTuple):
    """An earlier snapshot of the same chain: what its own head said."""

    data: dict[str, Any]


Line = VersionLine | EndLine | IssueLine | SnapshotLine

_TEXT = (str, type(None))
_NUMBER = (int, type(None))
_COLUMNS: Final[tuple[Any, ...]] = (
    str,
    _TEXT,
    bool,
    str,
    str,
    str,
    str,
    _TEXT,
    int,
    bool,
    str,
    str,
    str,
    int,
    _NUMBER,
)


def encode_line(line: Line) -> bytes:
    """Return the line with its line feed."""
    values: list[Any]
    match line:
        case VersionLine():
            values = [
                "v", *line[:11], pybase64.b64encode_as_string(line.content), line.props.decode(),
                line.first, line.gone,
            ]  # fmt: skip
        case EndLine():
            values = ["e", line.remote_id]
        case IssueLine():
            values = ["i", line.data]
        case SnapshotLine():
            values = ["s", line.data]
    return orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE)


def decode_line(text: bytes) -> Line:
    """Return what a line says. Raises JournalCorrupt."""
    try:
        match orjson.loads(text):
            case ["v", *values] if len(values) == len(_COLUMNS) and _fit(values):
                return _version(values)
            case ["e", str(remote_id)]:
                return EndLine(remote_id)
            case ["i", dict(data)]:
                return IssueLine(data)
            case ["s", dict(data)]:
                return SnapshotLine(data)
    except ValueError as error:
        raise JournalCorrupt(f"A line of a journal does not parse: {error}.") from error
    raise JournalCorrupt("A line of a journal is of a kind that this release does not know.")


def _fit(values: list[Any]) -> bool:
    return all(isinstance(value, kind) for value, kind in zip(values, _COLUMNS, strict=True))


def _version(values: list[Any]) -> VersionLine:
    time = None if values[7] is None else datetime.fromisoformat(values[7])
    if time is not None and time.tzinfo is None:
        raise JournalCorrupt("A line of a journal gives a time without its zone.")
    (remote_id, parent_id, is_folder, well_known, name, author, recipients, _, size, has_attachments, etag) = (
        values[:11]
    )
    content, props, first, gone = values[11:]
    return VersionLine(
        remote_id, parent_id, is_folder, well_known, name, author, recipients, time, size, has_attachments,
        etag, pybase64.b64decode(content, validate=True), props.encode(), first, gone,
    )  # fmt: skip
