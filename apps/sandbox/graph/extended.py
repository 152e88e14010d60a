"""Extended (MAPI) properties of messages: `Integer 0x0E07`, `String {guid} Name Something` and kin."""

import re
from typing import Any

from ..state.database import Database
from .errors import bad_request

_QUOTED = re.compile(r"'((?:[^']|'')*)'")
FLAGS, DELIVERED, SUBMITTED, SIZE, TRANSPORT = (
    "integer 0xe07", "systemtime 0xe06", "systemtime 0x39", "integer 0xe08", "string 0x7d",
)  # fmt: skip
READ, SUBMIT, UNSENT, HAS_ATTACH = 0x1, 0x4, 0x8, 0x10
SIZES = {SIZE, "long 0xe08"}
# Positions in messages.COLUMNS that computed properties need.
_ID, _RECEIVED, _SENT, _IS_READ, _IS_DRAFT, _HAS_ATTACHMENTS, _SIZE = 0, 5, 6, 9, 10, 11, 17


def tag_of(name: str) -> str:
    """One spelling per property: lower case, and hexadecimal tags without leading zeros."""
    kind, _, rest = name.strip().partition(" ")
    rest = rest.strip()
    if rest.lower().startswith("0x"):
        try:
            return f"{kind.lower()} 0x{int(rest, 16):x}"
        except ValueError as error:
            raise bad_request(f"'{name}' is no property.", "ErrorInvalidExtendedProperty") from error
    return f"{kind.lower()} {' '.join(rest.lower().split())}"


def wanted_tags(expand: str) -> tuple[str, ...]:
    """The property names in `singleValueExtendedProperties($filter=id eq '…' or id eq '…')`."""
    _, found, rest = expand.partition("singleValueExtendedProperties(")
    return tuple(text.replace("''", "'") for text in _QUOTED.findall(rest)) if found else ()


def message_flags(row: tuple[Any, ...]) -> int:
    value = (READ if row[_IS_READ] else 0) | (UNSENT if row[_IS_DRAFT] else SUBMIT)
    return value | (HAS_ATTACH if row[_HAS_ATTACHMENTS] else 0)


def _computed(tag: str, row: tuple[Any, ...]) -> str | None:
    if tag == FLAGS:
        return str(message_flags(row))
    if tag == DELIVERED:
        return str(row[_RECEIVED])
    if tag == SUBMITTED:
        return str(row[_SENT])
    return str(row[_SIZE]) if tag in SIZES else None


def expanded_values(row: tuple[Any, ...], names: tuple[str, ...], db: Database) -> list[dict[str, str]]:
    """Those of the named properties that the message has."""
    found = []
    for name in names:
        tag = tag_of(name)
        value = _computed(tag, row)
        if value is None:
            stored = db.one("SELECT value FROM extended WHERE message = ? AND tag = ?", (row[_ID], tag))
            value = str(stored[0]) if stored else None
        if value is not None:
            found.append({"id": name, "value": value})
    return found


def store(db: Database, message: int, properties: list[dict[str, Any]]) -> None:
    rows = [(message, tag_of(str(p["id"])), str(p["id"]), str(p.get("value") or "")) for p in properties]
    db.executemany("INSERT OR REPLACE INTO extended VALUES (?, ?, ?, ?)", rows)
