"""The words of items that a provider serves as documents: events, contacts, tasks, notes, settings."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from .extracted import Extracted, File
from .plain import LONGEST, clean, html_text

_ID: Final = re.compile(r"[A-Za-z0-9+/=_-]{60,}")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d[\d:.]*(?:Z|[+-]\d\d:?\d\d)?")
_DEEPEST: Final = 8
# Ids, states and bookkeeping: nobody looks for these words.
_LEFT_OUT: Final = frozenset((
    "id", "iCalUId", "uid", "seriesMasterId", "transactionId", "contentBytes", "contentType", "contentId",
    "parentFolderId", "calendar", "changeKey", "type", "showAs", "sensitivity", "importance",
    "responseStatus", "response", "status", "allowNewTimeProposals", "timeZone", "originalStartTimeZone",
    "originalEndTimeZone", "locationType", "locationUri", "flag", "color", "odata", "part", "size",
    "cancelledOccurrences", "extensions", "singleValueExtendedProperties", "multiValueExtendedProperties",
    "bodyPreview", "preview", "recurrence", "pattern", "range", "hideAttendees", "uniqueId", "uniqueIdType",
    "lastModifiedBy", "attachments", "attachment",
))  # fmt: skip


def read_document(document: Mapping[str, Any], props: Mapping[str, Any], files: Sequence[bytes]) -> Extracted:
    """Return the words of a document, whatever it is; fields that people never see are left out."""
    found = Extracted(
        senders=_people(document.get("organizer")) + _addresses(document.get("emailAddresses")),
        recipients=tuple(person for each in _list(document.get("attendees")) for person in _people(each)),
        place=" ".join(_places(document)),
    )
    found.text = clean("\n".join([*_words(document), *_words({"props": props})]))[:LONGEST]
    for entry in _list(document.get("attachments")):
        name = entry.get("name") if isinstance(entry, Mapping) else None
        if not isinstance(name, str) or not name:
            continue
        found.names.append(clean(name))
        part, kind = entry.get("part"), entry.get("contentType")
        if isinstance(part, int) and 0 <= part < len(files):
            found.files.append(File(clean(name), kind if isinstance(kind, str) else "", files[part]))
    return found


def _words(value: Any, key: str = "", depth: int = 0) -> Iterator[str]:
    if key in _LEFT_OUT or key.startswith("@") or depth > _DEEPEST:
        return
    if isinstance(value, str):
        text = html_text(value) if "<" in value and ">" in value else value
        if text.strip() and not _ID.fullmatch(text) and not _MOMENT.fullmatch(text):
            yield text
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _words(each, str(name), depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _words(each, key, depth + 1)


def _people(value: Any) -> tuple[str, ...]:
    """Read {"emailAddress": {"name", "address"}}."""
    inner = value.get("emailAddress") if isinstance(value, Mapping) else None
    return _addresses([inner]) if inner else ()


def _addresses(value: Any) -> tuple[str, ...]:
    found = []
    for each in _list(value):
        if isinstance(each, Mapping):
            name, address = (str(each.get(key) or "") for key in ("name", "address"))
            said = f"{name} <{address}>" if name and address and name != address else address or name
            found.append(clean(said))
    return tuple(filter(None, found))


def _places(document: Mapping[str, Any]) -> Iterator[str]:
    for each in [*_list(document.get("locations")), document.get("location")]:
        name = each.get("displayName") if isinstance(each, Mapping) else None
        if isinstance(name, str) and name:
            yield clean(name)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
