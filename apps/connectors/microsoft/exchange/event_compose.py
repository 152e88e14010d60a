"""From a stored event to what Graph creates an event of: everybody stays uninvited.

A request that names attendees makes Exchange send invitations, and nothing silences it: people who took part
are written below the text instead (quirk 59). What the service makes itself is left out (quirk 58).
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from apps.connectors.microsoft.time_zones import UTC_ZONE, moment_of, stamp, wall_clock, zone_named

from .event_props import person_of

_COPIED: Final = (
    "importance",
    "sensitivity",
    "isReminderOn",
    "reminderMinutesBeforeStart",
    "responseRequested",
    "allowNewTimeProposals",
    "hideAttendees",
)
_CHANGED_DATE: Final = (*_COPIED, "subject", "showAs", "categories", "isAllDay")
"""What one date of a series may have of its own, besides time, text, place and people."""
_ANSWERS: Final = {
    "accepted": "accepted",
    "tentativelyAccepted": "tentatively accepted",
    "declined": "declined",
    "organizer": "organizer",
}
_DATES: Final = "The dates of creation and last change are those of the restore: Microsoft sets them."
_PEOPLE: Final = "Attendees are named in the text: Microsoft would invite them again."

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ComposedEvent:
    """Body of the creating request, and in words what Microsoft lets nobody set."""

    body: dict[str, Any]
    not_possible: tuple[str, ...]


def compose_event(document: Document, *, name: str = "", tags: Sequence[str] = ()) -> ComposedEvent:
    """Build a single event or a series, without files and without its changed dates."""
    lost = [_DATES]
    body = {
        "subject": name or document.get("subject") or "",
        **{field: document[field] for field in _COPIED if document.get(field) is not None},
        **_times(document, lost),
        **_text(document, lost),
        **_places(document),
        **_show_as(document),
        "isAllDay": document.get("isAllDay") is True,
        "categories": _tagged(document.get("categories"), tags),
    }
    if isinstance(document.get("recurrence"), Mapping):
        body["recurrence"] = _recurrence(document["recurrence"], body)
    lost += _lost(document)
    return ComposedEvent(body, tuple(dict.fromkeys(lost)))


def compose_exception(exception: Document, series: Document, tags: Sequence[str] = ()) -> ComposedEvent:
    """Build the change of one date of a series: what differs from the series, and always its time."""
    lost: list[str] = []
    zones = ("originalStartTimeZone", "originalEndTimeZone")
    zone = {field: exception.get(field) or series.get(field) for field in zones}
    body: dict[str, Any] = {
        field: exception[field]
        for field in _CHANGED_DATE
        if exception.get(field) is not None and exception.get(field) != series.get(field)
    }
    if "categories" in body:
        body["categories"] = _tagged(body["categories"], tags)
    body.update(_times({**exception, **zone}, lost))
    for fields in (("body", "attendees", "organizer"), ("location", "locations")):
        if any(exception.get(field) != series.get(field) for field in fields):
            body.update(_text(exception, lost) if "body" in fields else _places(exception))
    return ComposedEvent(body, tuple(lost + _lost(exception)))


def _times(document: Document, lost: list[str]) -> dict[str, Any]:
    """Write start and end on the clock of the event's own time zone, so that a series keeps to it in summer."""
    found: dict[str, Any] = {}
    for field, zone_field in (("start", "originalStartTimeZone"), ("end", "originalEndTimeZone")):
        named = str(document.get(zone_field) or document.get("originalStartTimeZone") or "UTC")
        moment = moment_of(document.get(field))
        if moment is None:
            continue
        kind = "days" if document.get("isAllDay") is True else "series" if document.get("recurrence") else ""
        found[field] = _clock(moment, named, lost, kind)
    if "end" in found and document.get("isAllDay") is True:  # both must name one zone
        found["end"]["timeZone"] = found["start"]["timeZone"]
    return found


def _clock(moment: datetime, named: str, lost: list[str], kind: str) -> dict[str, str]:
    zone = zone_named(named)
    if zone is None:
        lost.append(f"The time zone {named} is one of Outlook's own making: the times are written in UTC.")
        named, zone = "UTC", UTC_ZONE
    if kind == "days":  # days have no zone: midnight stays midnight
        return {"dateTime": moment.strftime("%Y-%m-%dT00:00:00"), "timeZone": named}
    local = wall_clock(moment, zone)
    if local is None and kind == "series":  # its clock counts, not the one hour that comes twice in autumn
        local = moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")
    if local is None:
        return {"dateTime": stamp(moment).rstrip("Z"), "timeZone": "UTC"}
    return {"dateTime": local, "timeZone": named}


def _recurrence(recurrence: Document, body: Document) -> dict[str, Any]:
    """Copy pattern and range; Exchange wants the range to begin on the first day, in the zone of the start."""
    pattern, span = dict(recurrence.get("pattern") or {}), dict(recurrence.get("range") or {})
    span["recurrenceTimeZone"] = body["start"]["timeZone"]
    span["startDate"] = body["start"]["dateTime"][:10]
    return {
        "pattern": {key: value for key, value in pattern.items() if "@" not in key},
        "range": {key: value for key, value in span.items() if "@" not in key},
    }


def _text(document: Document, lost: list[str]) -> dict[str, Any]:
    """Return the text, with the people below it when there are others than the owner."""
    given = document.get("body")
    body = given if isinstance(given, Mapping) else {}
    kind = "html" if str(body.get("contentType") or "text").lower() == "html" else "text"
    content = str(body.get("content") or "").replace("\x00", "")
    people = people_lines(document)
    if people:
        lost.append(_PEOPLE)
        content = _with_people(content, people, is_html=kind == "html")
    return {"body": {"contentType": kind, "content": content}}


def people_lines(document: Document) -> list[str]:
    """Return who organised and took part, one a line; [] for what concerns the owner alone."""
    attendees = document.get("attendees")
    lines = [line for line in map(_attendee, attendees if isinstance(attendees, list) else []) if line]
    organizer = person_of(document.get("organizer"))
    if organizer and (lines or document.get("isOrganizer") is False):
        lines.insert(0, f"Organizer: {organizer}")
    return lines


def _attendee(attendee: Any) -> str:
    person = person_of(attendee)
    if not person:
        return ""
    kind = str(attendee.get("type") or "required").capitalize()
    status = attendee.get("status")
    answer = _ANSWERS.get(str(status.get("response")) if isinstance(status, Mapping) else "", "")
    return f"{kind}: {person}" + (f" ({answer})" if answer else "")


def _with_people(content: str, people: Sequence[str], *, is_html: bool) -> str:
    if not is_html:
        return "\n".join([content.rstrip(), "", "People, from the backup:", *people]).lstrip("\n")
    rows = "".join(f"<br>{html.escape(line)}" for line in people)
    block = f"<div><hr>People, from the backup:{rows}</div>"
    at = content.lower().rfind("</body>")
    return content + block if at < 0 else content[:at] + block + content[at:]


def _places(document: Document) -> dict[str, Any]:
    """Return all places, else the one. An empty place is no place."""
    places = [_plain(place) for place in document.get("locations") or () if _is_place(place)]
    if places:
        return {"locations": places}
    place = document.get("location")
    return {"location": _plain(place)} if _is_place(place) else {"location": {"displayName": ""}}


def _is_place(place: Any) -> bool:
    return isinstance(place, Mapping) and bool(place.get("displayName") or place.get("address"))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items() if "@" not in key and each is not None}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _show_as(document: Document) -> dict[str, Any]:
    shown = document.get("showAs")
    return {"showAs": shown} if shown not in (None, "unknown") else {}


def _tagged(categories: Any, tags: Sequence[str]) -> list[str]:
    """Add the tags that it does not have: what was restored with one may be restored again."""
    given = _strings(categories)
    return [*given, *(tag for tag in tags if tag not in given)]


def _strings(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _lost(document: Document) -> list[str]:
    found = []
    if document.get("isOrganizer") is False and person_of(document.get("organizer")):
        found.append("The organizer is the mailbox itself now: Microsoft lets nobody set another one.")
    if document.get("isOnlineMeeting") or document.get("onlineMeeting"):
        found.append("The online meeting is not joined to the event any more; its link stays in the text.")
    if document.get("isCancelled"):
        found.append("The mark that the meeting was cancelled: Microsoft sets it itself.")
    if document.get("isDraft"):
        found.append("It was a draft of an invitation; it is an ordinary event now.")
    return found
