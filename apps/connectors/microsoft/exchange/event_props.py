"""How a calendar and a list entry of an event become changes; what lists of events show."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from apps.connectors.base import Upsert
from apps.connectors.documents import canonical
from apps.connectors.microsoft.time_zones import moment_of, stamp

from .recurrence_words import recurrence_words

CALENDAR_SELECT: Final = "id,name,color,hexColor,isDefaultCalendar,canEdit,owner"
EVENT_SELECT: Final = (
    "id,changeKey,subject,organizer,attendees,start,end,originalStartTimeZone,isAllDay,type,recurrence,"
    "location,isCancelled,iCalUId,bodyPreview,hasAttachments,seriesMasterId"
)
PREVIEW: Final = 200
DEFAULT: Final = "calendar"

Entry = Mapping[str, Any]


def calendar_upsert(entry: Entry, group: str) -> Upsert:
    """Turn a calendar into a change. Calendars do not nest; the name of their group is kept beside them."""
    kept = {name: entry[name] for name in ("color", "hexColor") if entry.get(name) not in (None, "", "auto")}
    props = canonical(
        {**kept, **({"group": group} if group else {}), "canEdit": entry.get("canEdit") is not False}
    )
    name = text_of(entry.get("name"))
    well_known = DEFAULT if entry.get("isDefaultCalendar") else ""
    state = b"\0".join((name.encode("utf-8", "replace"), well_known.encode(), props))
    return Upsert(
        remote_id=str(entry["id"]),
        parent_id=None,
        is_folder=True,
        name=name,
        etag=hashlib.blake2b(state, digest_size=12).hexdigest(),
        props=props,
        well_known=well_known,
    )


def is_whole(entry: Entry) -> bool:
    """Tell whether an entry has what lists need: the list of changes tells id, type, start and end only."""
    return "changeKey" in entry and "subject" in entry


def event_upsert(entry: Entry, calendar_id: str) -> Upsert:
    """Turn a whole entry of a single event or of a series into a change.

    Exchange keeps the changed and cancelled dates of a series inside it: its change key moves with them.
    """
    start = moment_of(entry.get("start"))
    return Upsert(
        remote_id=str(entry["id"]),
        parent_id=calendar_id,
        is_folder=False,
        name=text_of(entry.get("subject")),
        etag=str(entry.get("changeKey") or ""),
        props=event_props(entry),
        author=person_of(entry.get("organizer")),
        recipients=", ".join(filter(None, map(person_of, _list(entry.get("attendees"))))),
        time=start,
        has_attachments=entry.get("hasAttachments") is True,
    )


def event_props(entry: Entry) -> bytes:
    """Return what a list of events shows, as canonical JSON."""
    start, end = moment_of(entry.get("start")), moment_of(entry.get("end"))
    location = entry.get("location")
    return canonical(
        {
            "start": _stamp(start),
            "end": _stamp(end),
            "timeZone": text_of(entry.get("originalStartTimeZone")),
            "isAllDay": entry.get("isAllDay") is True,
            "type": text_of(entry.get("type")) or "singleInstance",
            "recurrence": recurrence_words(entry.get("recurrence")),
            "location": text_of(location.get("displayName")) if isinstance(location, Mapping) else "",
            "isCancelled": entry.get("isCancelled") is True,
            "iCalUId": text_of(entry.get("iCalUId")),
            "preview": text_of(entry.get("bodyPreview"))[:PREVIEW],
        }
    )


def person_of(recipient: Any) -> str:
    """Write `Name <address>`, or the one of them that is there."""
    address = recipient.get("emailAddress") if isinstance(recipient, Mapping) else None
    if not isinstance(address, Mapping):
        return ""
    name, mail = text_of(address.get("name")), text_of(address.get("address"))
    return f"{name} <{mail}>" if name and mail and name != mail else mail or name


def text_of(value: Any) -> str:
    """Return text that any database takes: PostgreSQL refuses NUL."""
    return value.replace("\x00", "") if isinstance(value, str) else ""


def _stamp(moment: datetime | None) -> str:
    return stamp(moment) if moment else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
