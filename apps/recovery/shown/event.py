"""An event, or a series with the dates that are not like the others."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from .fields import (
    Shown,
    date_words,
    files_of,
    map_of,
    maps_of,
    moment_of,
    person_of,
    span_words,
    text_of,
    texts_of,
    time_words,
    words_of,
)

_ANSWERS = {"none": "No answer", "notResponded": "No answer", "tentativelyAccepted": "Tentative"}


def show_event(document: dict[str, Any], props: dict[str, Any]) -> Shown:
    """Return the event with attendees, exceptions and cancelled dates."""
    shown = Shown(text_of(document.get("subject")))
    if document.get("isCancelled") is True:
        shown.notes.append("The organizer has cancelled this meeting.")
    all_day = document.get("isAllDay") is True
    shown.fact("When", span_words(document.get("start"), document.get("end"), all_day=all_day))
    shown.fact("Repeats", text_of(props.get("recurrence")))
    shown.fact("Time zone", text_of(document.get("originalStartTimeZone")) or text_of(props.get("timeZone")))
    shown.fact("Where", _places(document))
    shown.fact("Organizer", person_of(document.get("organizer")))
    shown.fact("Online", text_of(map_of(document.get("onlineMeeting")).get("joinUrl")))
    shown.fact("Shown as", words_of(document.get("showAs")))
    shown.fact("Reminder", _reminder(document))
    sensitivity, importance = text_of(document.get("sensitivity")), text_of(document.get("importance"))
    shown.fact("Privacy", "" if sensitivity == "normal" else words_of(sensitivity))
    shown.fact("Importance", "" if importance == "normal" else words_of(importance))
    shown.fact("Categories", ", ".join(texts_of(document.get("categories"))))
    shown.table("People invited", ("Name", "As", "Answer"), _attendees(document))
    shown.table("Dates that differ", ("Was", "Now", "Subject"), _exceptions(document))
    shown.table("Cancelled dates", ("Date",), ((day,) for day in _cancelled(document)))
    shown.body(document.get("body"))
    shown.files = files_of(document)
    return shown


def _places(document: dict[str, Any]) -> str:
    places = maps_of(document.get("locations")) or [map_of(document.get("location"))]
    return ", ".join(text for place in places if (text := text_of(place.get("displayName"))))


def _reminder(document: dict[str, Any]) -> str:
    minutes = document.get("reminderMinutesBeforeStart")
    if document.get("isReminderOn") is not True or not isinstance(minutes, int):
        return ""
    return f"{minutes} minutes before" if minutes else "When it starts"


def _attendees(document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for each in maps_of(document.get("attendees")):
        answer = text_of(map_of(each.get("status")).get("response"))
        yield person_of(each), words_of(each.get("type")), _ANSWERS.get(answer, words_of(answer))


def _exceptions(document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for each in maps_of(document.get("exceptionOccurrences")):
        all_day = each.get("isAllDay", document.get("isAllDay")) is True
        was = time_words(each.get("originalStart"))
        now = span_words(each.get("start"), each.get("end"), all_day=all_day)
        yield was, now or "As planned", text_of(each.get("subject")) or text_of(document.get("subject"))


def _cancelled(document: dict[str, Any]) -> list[str]:
    """Graph names a cancelled date at the end of an id: `OID.….2026-11-20`."""
    found = []
    for each in texts_of(document.get("cancelledOccurrences")):
        try:
            found.append(date.fromisoformat(each[-10:]))
        except ValueError:
            moment = moment_of(each)
            if moment:
                found.append(moment.date())
    return [date_words(day) for day in sorted(found)]
