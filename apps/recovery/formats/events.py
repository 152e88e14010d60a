"""Events as iCalendar (RFC 5545): a series is one file with its exceptions and cancelled dates."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Component, Event, Timezone, vBinary, vCalAddress, vText, vUri

from .item import Attached, Item, address_of, line_of, map_of, maps_of, text_of, texts_of
from .moments import date_of, day_after, day_of, in_zone, known_zone, moment_of, utc_of, zoned
from .plain_text import body_text, is_html
from .recurrence import rule_of

PRODUCT = "-//Everkeep//Export//EN"
LONGEST_REMINDER = 60 * 24 * 366
_BUSY = {
    "free": "FREE",
    "tentative": "TENTATIVE",
    "busy": "BUSY",
    "oof": "OOF",
    "workingelsewhere": "WORKINGELSEWHERE",
}
_PRIVACY = {"normal": "PUBLIC", "personal": "PRIVATE", "private": "PRIVATE", "confidential": "CONFIDENTIAL"}
_PRIORITY = {"low": 9, "normal": 5, "high": 1}
_ANSWERS = {
    "accepted": "ACCEPTED", "organizer": "ACCEPTED", "declined": "DECLINED", "tentativelyaccepted": "TENTATIVE",
}  # fmt: skip
_ROLES = {"required": "REQ-PARTICIPANT", "optional": "OPT-PARTICIPANT", "resource": "NON-PARTICIPANT"}


def write_event(item: Item) -> bytes:
    """Return a calendar of one event or one series."""
    return in_calendar(event_components(item))


def in_calendar(components: list[Component]) -> bytes:
    """Return components as a calendar of their own, with the time zones that they name."""
    written: bytes = frame([*map(zone_named, zone_names(components)), *components]).to_ical()
    return written


def frame(components: Iterable[Component]) -> Calendar:
    """Put components into a calendar. No METHOD: importing it must not send an answer to anybody."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    for component in components:
        calendar.add_component(component)
    return calendar


def zone_names(components: Iterable[Component]) -> list[str]:
    """Return the time zones that components name, in one order."""
    return sorted(frame(components).get_missing_tzids())


@cache
def zone_named(name: str) -> Timezone:
    """Return a VTIMEZONE with the changes of the clock from 1970 to 2038."""
    return Timezone.from_tzid(name)


def event_components(item: Item) -> list[Component]:
    """Return the event, and for a series an event more for each date that differs. Raises NotConvertible."""
    document = item.document
    all_day = document.get("isAllDay") is True
    zone = _zone(document)
    uid = line_of(document.get("iCalUId")) or item.key
    master = _event(document, uid, zone, item.files)
    rule = rule_of(document.get("recurrence"), zone, all_day=all_day)
    if rule is None:
        return [master]
    master.add("rrule", rule)
    for moment in _cancelled(document, zone, all_day=all_day):
        master.add("exdate", moment)
    return [master, *_exceptions(document, uid, zone, all_day=all_day)]


def _exceptions(document: dict[str, Any], uid: str, zone: ZoneInfo, *, all_day: bool) -> Iterable[Component]:
    for each in maps_of(document.get("exceptionOccurrences")):
        original = moment_of(each.get("originalStart"))
        if original is None:
            continue
        event = _event(document | each, uid, zone, [])
        local = in_zone(original, zone)
        # Whole days are told at midnight in UTC, or at midnight there.
        day = original.date() if original.time() == time() else local.date()
        event.add("recurrence-id", day if all_day else local)
        yield event


def _cancelled(document: dict[str, Any], zone: ZoneInfo, *, all_day: bool) -> list[date]:
    """Graph names a cancelled date at the end of an id (`OID.….2026-11-20`), in the zone of the series."""
    start = zoned(document.get("start"))
    found: list[date] = []
    for each in texts_of(document.get("cancelledOccurrences")):
        day = date_of(each[-10:])
        if day is not None and start is not None:
            at = in_zone(start, zone).timetz()
            found.append(day if all_day else datetime.combine(day, at))
    return found


def _zone(document: dict[str, Any]) -> ZoneInfo:
    """Return the zone in which the series repeats: its hour stays the same over summer and winter there."""
    span = map_of(map_of(document.get("recurrence")).get("range"))
    start = map_of(document.get("start"))
    return known_zone(
        span.get("recurrenceTimeZone"), document.get("originalStartTimeZone"), start.get("timeZone")
    )


def _event(document: dict[str, Any], uid: str, zone: ZoneInfo, files: list[Attached]) -> Event:
    event = Event()
    event.add("uid", uid)
    event.add("summary", line_of(document.get("subject")))
    event.add("dtstamp", utc_of(document, "lastModifiedDateTime") or datetime(1970, 1, 1, tzinfo=UTC))
    _add_times(event, document, zone)
    _add_words(event, document)
    _add_state(event, document)
    _add_people(event, document)
    add_alarm(event, _reminder(document))
    for file in files:
        add_file(event, file)
    return event


def _add_times(event: Event, document: dict[str, Any], zone: ZoneInfo) -> None:
    for name, key in (("created", "createdDateTime"), ("last-modified", "lastModifiedDateTime")):
        if moment := utc_of(document, key):
            event.add(name, moment)
    if document.get("isAllDay") is True:
        first, end = day_of(document.get("start")), day_of(document.get("end"))
        if first is not None:
            event.add("dtstart", first)
            event.add("dtend", end if end is not None and end > first else day_after(first))
        return
    start, finish = zoned(document.get("start")), zoned(document.get("end"))
    if start is not None:
        event.add("dtstart", in_zone(start, zone))
        if finish is not None and finish >= start:
            event.add("dtend", in_zone(finish, zone))


def _add_words(event: Event, document: dict[str, Any]) -> None:
    body = map_of(document.get("body"))
    if text := body_text(body) or text_of(document.get("bodyPreview")):
        event.add("description", text)
    if is_html(body) and (source := text_of(body.get("content"))):
        event.add("x-alt-desc", vText(source), parameters={"FMTTYPE": "text/html"})
    if place := line_of(map_of(document.get("location")).get("displayName")):
        event.add("location", place)
    if categories := texts_of(document.get("categories")):
        event.add("categories", categories)
    online = line_of(map_of(document.get("onlineMeeting")).get("joinUrl"))
    if url := online or line_of(document.get("onlineMeetingUrl")):
        event.add("url", vUri(url))


def _add_state(event: Event, document: dict[str, Any]) -> None:
    busy = str(document.get("showAs", "")).lower()
    event.add("transp", "TRANSPARENT" if busy in ("free", "workingelsewhere") else "OPAQUE")
    if busy in _BUSY:
        event.add("x-microsoft-cdo-busystatus", _BUSY[busy])
    event.add("class", _PRIVACY.get(str(document.get("sensitivity", "")).lower(), "PUBLIC"))
    event.add("priority", _PRIORITY.get(str(document.get("importance", "")).lower(), 5))
    cancelled, tentative = document.get("isCancelled") is True, busy == "tentative"
    event.add("status", "CANCELLED" if cancelled else "TENTATIVE" if tentative else "CONFIRMED")


def _add_people(event: Event, document: dict[str, Any]) -> None:
    name, address = address_of(document.get("organizer"))
    if address:
        event.add("organizer", _person(name, address, {}))
    for attendee in maps_of(document.get("attendees")):
        name, address = address_of(attendee)
        if not address:
            continue
        role = str(attendee.get("type", "required")).lower()
        answer = str(map_of(attendee.get("status")).get("response", "")).lower()
        said = {"ROLE": _ROLES.get(role, "REQ-PARTICIPANT"), "PARTSTAT": _ANSWERS.get(answer, "NEEDS-ACTION")}
        if role == "resource":
            said["CUTYPE"] = "RESOURCE"
        event.add("attendee", _person(name, address, said), encode=False)


def _person(name: str, address: str, said: dict[str, str]) -> vCalAddress:
    person = vCalAddress(f"mailto:{address}")
    if name:
        person.params["CN"] = name.replace('"', "'")
    for key, value in said.items():
        person.params[key] = value
    return person


def _reminder(document: dict[str, Any]) -> timedelta | None:
    minutes = document.get("reminderMinutesBeforeStart")
    if document.get("isReminderOn") is not True or not isinstance(minutes, int):
        return None
    return -timedelta(minutes=min(max(minutes, 0), LONGEST_REMINDER))


def add_alarm(component: Component, trigger: timedelta | datetime | None) -> None:
    """Add a reminder, before the start or at a moment."""
    if trigger is None:
        return
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", str(component.get("summary", "")) or "Reminder")
    alarm.add("trigger", trigger)
    component.add_component(alarm)


def add_file(component: Component, file: Attached) -> None:
    """Attach a small file whole; of a large one say where it lies."""
    said = {"FMTTYPE": _media_type(file.content_type), "FILENAME": file.name.replace('"', "'")}
    if file.data is not None:
        binary = vBinary(file.data)
        binary.params.update(said)
        component.add("attach", binary, encode=False)
    elif file.path:
        link = vUri(file.path)
        link.params.update(said)
        component.add("attach", link, encode=False)


def _media_type(text: str) -> str:
    kind = line_of(text).partition(";")[0].strip()
    return kind if kind.count("/") == 1 and " " not in kind else "application/octet-stream"
