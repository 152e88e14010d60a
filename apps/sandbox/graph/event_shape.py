"""Is a body an event that Exchange takes? Names, types, times, zones and the recurrence: else 400."""

from typing import Any

from ..calendar.recurrence import BadRecurrence, dates
from ..calendar.series import local, moment
from ..calendar.zones import UnknownZone, zone
from . import errors
from .errors import GraphError
from .shape import (
    Check,
    body,
    checked_object,
    flag,
    list_of,
    number,
    of_type,
    one_of,
    person,
    text,
    value_property,
)
from .shape import (
    moment as time_shape,
)

Document = dict[str, Any]

_address = checked_object(
    "physicalAddress", dict.fromkeys(("street", "city", "state", "countryOrRegion", "postalCode"), text)
)
_coordinates = checked_object(
    "outlookGeoCoordinates",
    dict.fromkeys(("latitude", "longitude", "accuracy", "altitude", "altitudeAccuracy"), of_type(object)),
)
_location = checked_object(
    "location",
    {
        "displayName": text,
        "locationType": text,
        "uniqueId": text,
        "uniqueIdType": text,
        "locationUri": text,
        "locationEmailAddress": text,
        "address": _address,
        "coordinates": _coordinates,
    },
)
_status = checked_object("responseStatus", {"response": text, "time": text})
_attendee = checked_object(
    "attendee",
    {
        "emailAddress": checked_object("emailAddress", {"name": text, "address": text}),
        "type": one_of("required", "optional", "resource"),
        "status": _status,
        "proposedNewTime": of_type(dict),
    },
    ("emailAddress",),
)
_pattern = checked_object(
    "recurrencePattern",
    {
        "type": text,
        "interval": number,
        "month": number,
        "dayOfMonth": number,
        "daysOfWeek": list_of(text),
        "firstDayOfWeek": text,
        "index": text,
    },
)
_range = checked_object(
    "recurrenceRange",
    {
        "type": text,
        "startDate": text,
        "endDate": text,
        "numberOfOccurrences": number,
        "recurrenceTimeZone": text,
    },
)
_MEMBERS: dict[str, Check] = {
    "subject": text,
    "body": body,
    "start": time_shape,
    "end": time_shape,
    "isAllDay": flag,
    "location": _location,
    "locations": list_of(_location),
    "attendees": list_of(_attendee),
    "recurrence": checked_object("patternedRecurrence", {"pattern": _pattern, "range": _range}),
    "categories": list_of(text),
    "importance": one_of("low", "normal", "high"),
    "sensitivity": one_of("normal", "personal", "private", "confidential"),
    "showAs": text,
    "isReminderOn": flag,
    "reminderMinutesBeforeStart": number,
    "responseRequested": flag,
    "allowNewTimeProposals": flag,
    "hideAttendees": flag,
    "isOnlineMeeting": flag,
    "onlineMeetingProvider": text,
    "transactionId": text,
    "isDraft": flag,
    "organizer": person,
    "singleValueExtendedProperties": list_of(value_property),
}
_checked = checked_object("event", _MEMBERS)
_MADE_BY_EXCHANGE = {
    "id", "iCalUId", "changeKey", "createdDateTime", "lastModifiedDateTime", "webLink", "type",
    "seriesMasterId", "originalStart", "isOrganizer", "isCancelled", "responseStatus", "onlineMeeting",
    "onlineMeetingUrl", "hasAttachments", "bodyPreview", "originalStartTimeZone", "originalEndTimeZone",
    "exceptionOccurrences", "cancelledOccurrences", "attachments",
}  # fmt: skip


def event(given: Document) -> Document:
    """The body of a POST or PATCH in Graph's spelling. Raises GraphError."""
    if "extensions" in given and len(given) > 1:
        raise errors.bad_request("Requests must contain extension changes exclusively.")
    refused = sorted(_MADE_BY_EXCHANGE & given.keys())
    if refused:
        raise errors.bad_request(f"The property '{refused[0]}' cannot be set.", "ErrorInvalidPropertySet")
    found: Document = _checked(given, "event")
    return {key: value for key, value in found.items() if "@" not in key and key != "organizer"}


def check_times(doc: Document) -> None:
    """Raises GraphError for what Exchange refuses of a whole event."""
    for name in ("start", "end"):
        if not doc.get(name):
            raise errors.bad_request(f"The property '{name}' is required.", "ErrorPropertyValidationFailure")
        _known_zone(str(doc[name]["timeZone"]))
    all_day = bool(doc.get("isAllDay"))
    try:
        start, end = moment(doc["start"], all_day=all_day), moment(doc["end"], all_day=all_day)
    except ValueError as error:
        raise errors.bad_request("The time is not valid.", "ErrorPropertyValidationFailure") from error
    if end < start:
        raise errors.bad_request("The end of the event is before its start.", "ErrorPropertyValidationFailure")
    if all_day:
        _whole_days(doc)
    if doc.get("recurrence"):
        _recurrence(doc)


def _whole_days(doc: Document) -> None:
    clocks = [local(doc[name]) for name in ("start", "end")]
    if any(clock.hour or clock.minute or clock.second for clock in clocks) or clocks[0] >= clocks[1]:
        text_ = "An all-day event must begin and end at midnight, and last a day or more."
        raise errors.bad_request(text_, "ErrorInvalidRequest")
    if doc["start"]["timeZone"] != doc["end"]["timeZone"]:
        raise errors.bad_request("An all-day event must have one time zone.", "ErrorInvalidRequest")


def _recurrence(doc: Document) -> None:
    span = doc["recurrence"].get("range") or {}
    if span.get("recurrenceTimeZone"):
        _known_zone(str(span["recurrenceTimeZone"]))
    if str(span.get("startDate"))[:10] != local(doc["start"]).date().isoformat():
        text_ = "The recurrence must begin on the day of the event's start."
        raise errors.bad_request(text_, "ErrorPropertyValidationFailure")
    try:
        if next(dates(doc["recurrence"]), None) is None:
            raise errors.bad_request("The recurrence has no date.", "ErrorRecurrenceHasNoOccurrence")
    except BadRecurrence as error:
        raise errors.bad_request(str(error), "ErrorInvalidRecurrencePattern") from error


def _known_zone(name: str) -> None:
    try:
        zone(name)
    except UnknownZone as error:
        text_ = f"A valid TimeZone value must be specified. This one is not supported: '{name}'."
        raise GraphError(400, "TimeZoneNotSupportedException", text_) from error
