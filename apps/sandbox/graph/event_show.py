"""An event, a series and its dates as Graph tells them, on the clock that the client prefers (else UTC)."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..calendar.series import Occurrence, local, moment, occurrence
from ..calendar.zones import from_utc
from ..mail import text as words
from ..state import directory, ids
from ..state import things as rows
from ..state.clock import stamp
from ..state.mailboxes import Mailbox
from ..state.things import Thing
from .request import Request
from .things import Document, change_key, folder_id

_PREFERRED_ZONE = re.compile(r'outlook\.timezone="([^"]+)"', re.IGNORECASE)
NOBODY_ANSWERED = {"response": "none", "time": "0001-01-01T00:00:00Z"}
_DEFAULTS: Document = {
    "subject": "",
    "body": {"contentType": "html", "content": ""},
    "importance": "normal",
    "sensitivity": "normal",
    "isAllDay": False,
    "isCancelled": False,
    "isDraft": False,
    "isOrganizer": True,
    "responseRequested": True,
    "seriesMasterId": None,
    "showAs": "busy",
    "onlineMeetingUrl": None,
    "isOnlineMeeting": False,
    "onlineMeetingProvider": "unknown",
    "allowNewTimeProposals": True,
    "hideAttendees": False,
    "recurrence": None,
    "onlineMeeting": None,
    "transactionId": None,
    "isReminderOn": True,
    "reminderMinutesBeforeStart": 15,
    "categories": [],
    "attendees": [],
}
_KEPT_INSIDE = {"exceptions", "cancelled", "location", "locations", "start", "end"}


def event_id(box: Mailbox, key: int, ordinal: int = 0) -> str:
    """`ordinal`: that of the original date, for one date of a series."""
    return ids.encode(box.guid, ids.THING, key, ordinal)


def owner_of(request: Request, box: Mailbox) -> Document:
    user = directory.find_user(request.cloud.db, box.guid)
    doc = user.doc if user else {}
    return {"name": doc.get("displayName"), "address": doc.get("mail") or doc.get("userPrincipalName")}


def show(request: Request, box: Mailbox, thing: Thing) -> Document:
    """A single event or a series."""
    kind = "seriesMaster" if thing.doc.get("recurrence") else "singleInstance"
    item = _shown(request, box, thing, thing.doc, event_id(box, thing.id), "attachment")
    return {**item, "type": kind, **_times(request, thing.doc["start"], thing.doc["end"], thing.doc)}


def show_date(request: Request, box: Mailbox, thing: Thing, one: Occurrence) -> Document:
    """One date of a series: an occurrence, or an exception with what differs."""
    ordinal, changes = one.day.toordinal(), one.changes
    doc = {**thing.doc, **(changes or {}), "recurrence": None}
    item = _shown(request, box, thing, doc, event_id(box, thing.id, ordinal), role_of(one))
    usual = occurrence({**thing.doc, "exceptions": {}}, one.day)
    return {
        **item,
        "type": "occurrence" if changes is None else "exception",
        "seriesMasterId": event_id(box, thing.id),
        "originalStart": stamp(moment(usual.start, all_day=bool(thing.doc.get("isAllDay")))),
        **_times(request, one.start, one.end, doc),
    }


def role_of(one: Occurrence | None) -> str:
    """What files hang on: the event, or one changed date of it."""
    return "attachment" if one is None or one.changes is None else f"date {one.day}"


def _shown(request: Request, box: Mailbox, thing: Thing, doc: Document, item_id: str, role: str) -> Document:
    files = rows.files(request.cloud.db, thing, role)
    key = change_key(thing.seq)
    item = {
        "@odata.etag": f'W/"{key}"',
        "id": item_id,
        "createdDateTime": thing.created,
        "lastModifiedDateTime": thing.modified,
        "changeKey": key,
        **_DEFAULTS,
        "organizer": {"emailAddress": owner_of(request, box)},
        "responseStatus": {"response": "organizer", "time": "0001-01-01T00:00:00Z"},
        **{name: value for name, value in doc.items() if name not in _KEPT_INSIDE and value is not None},
        "originalStartTimeZone": doc["start"]["timeZone"],
        "originalEndTimeZone": doc["end"]["timeZone"],
        "hasAttachments": any(not file.doc.get("isInline") for file in files),
        **_places(doc),
        "webLink": f"https://outlook.office365.com/owa/?itemid={item_id}&exvsurl=1&path=/calendar/item",
    }
    text = item["body"]
    item["bodyPreview"] = words.preview(text["content"], is_html=text["contentType"] == "html")
    return item


def _places(doc: Document) -> Document:
    """`location` and `locations` always tell the same."""
    places = [_place(place) for place in doc.get("locations") or [doc.get("location")] if place]
    places = [place for place in places if place["displayName"] or place["address"]]
    first: Document = places[0] if len(places) == 1 else {
        "displayName": "; ".join(place["displayName"] for place in places),
        "locationType": "default",
        "uniqueIdType": "unknown",
        "address": {},
        "coordinates": {},
    }  # fmt: skip
    return {"location": first, "locations": places}


def _place(place: Mapping[str, Any]) -> Document:
    return {
        "displayName": "",
        "locationType": "default",
        "uniqueIdType": "unknown",
        "address": {},
        "coordinates": {},
        **{name: value for name, value in place.items() if value is not None},
    }


def _times(request: Request, start: Document, end: Document, doc: Document) -> Document:
    found = _PREFERRED_ZONE.search(request.prefer)
    zone, all_day = found.group(1) if found else "UTC", bool(doc.get("isAllDay"))

    def told(value: Document) -> Document:
        clock: datetime = local(value) if all_day else from_utc(moment(value, all_day=False), zone)
        return {"dateTime": clock.strftime("%Y-%m-%dT%H:%M:%S.0000000"), "timeZone": zone}

    return {"start": told(start), "end": told(end)}


def show_calendar(request: Request, box: Mailbox, folder: rows.Folder) -> Document:
    doc = {key: value for key, value in folder.doc.items() if key != "group"}
    default = folder.well_known == "calendar"
    return {
        "id": folder_id(box, folder.id),
        "name": folder.name,
        "color": "auto",
        "hexColor": "",
        "isDefaultCalendar": default,
        "changeKey": change_key(folder.seq),
        "canShare": True,
        "canViewPrivateItems": True,
        "canEdit": True,
        "allowedOnlineMeetingProviders": ["teamsForBusiness"],
        "defaultOnlineMeetingProvider": "teamsForBusiness",
        "isTallyingResponses": default,
        "isRemovable": not default,
        "owner": owner_of(request, box),
        **doc,
    }
