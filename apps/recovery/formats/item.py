"""One stored item as formats see it: its fields, and the files that hang on it."""

import re
from dataclasses import dataclass, field
from typing import Any

from apps.core.errors import Malformed

# Many readers end a line at each of these, whatever the standards say.
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_NOT_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


class NotConvertible(Malformed):
    """The item has no such form: a field of it makes no sense. Its original JSON is always there."""

    code = "not_convertible"


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of an item. `data` is there when it is small; `path` leads to it from the item's own file."""

    name: str
    content_type: str
    size: int
    path: str = ""
    data: bytes | None = None
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """`key` names the item for good; `document` is what the provider told (`connectors.documents`).

    `path` is where its file lies in an archive.
    """

    key: str
    name: str
    document: dict[str, Any]
    files: list[Attached] = field(default_factory=list)
    path: str = ""


def text_of(value: object) -> str:
    """Return a field as text without characters that no text format carries; "" for what is no text."""
    if not isinstance(value, str):
        return ""
    return _NOT_TEXT.sub("", _LINE_ENDS.sub("\n", value))


def line_of(value: object) -> str:
    """Return a field as text on one line."""
    return " ".join(text_of(value).split())


def texts_of(value: object) -> list[str]:
    """Return a list of texts without empty ones; [] for what is no list."""
    return [text for each in value if (text := line_of(each))] if isinstance(value, list) else []


def maps_of(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list; [] for what is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def map_of(value: object) -> dict[str, Any]:
    """Return an object; {} for what is none."""
    return value if isinstance(value, dict) else {}


def address_of(value: object) -> tuple[str, str]:
    """Return name and address of Graph's `{"emailAddress": {…}}` or `{"name", "address"}`."""
    found = map_of(value)
    found = map_of(found.get("emailAddress")) or found
    return line_of(found.get("name")), line_of(found.get("address"))
