"""Does a restored event read as it was written? What differs, in words."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from apps.connectors.microsoft.time_zones import moment_of

from .event_compose import ComposedEvent
from .event_dates import cancelled_dates, changed_dates
from .mime_words import words_of

_WORDS: Final = {
    "subject": "Subject",
    "importance": "Importance",
    "sensitivity": "Privacy",
    "showAs": "Shown as",
    "isAllDay": "All day",
    "isReminderOn": "Reminder",
    "responseRequested": "Answers wanted",
    "hideAttendees": "Hidden attendees",
}
_BY_PATTERN: Final = {
    "daily": (),
    "weekly": ("daysOfWeek", "firstDayOfWeek"),
    "absoluteMonthly": ("dayOfMonth",),
    "relativeMonthly": ("daysOfWeek", "index"),
    "absoluteYearly": ("dayOfMonth", "month"),
    "relativeYearly": ("daysOfWeek", "index", "month"),
}
_BY_RANGE: Final = {"endDate": ("endDate",), "numbered": ("numberOfOccurrences",), "noEnd": ()}

Document = Mapping[str, Any]


def event_faults(composed: ComposedEvent, document: Document, live: Document) -> list[str]:
    """Compare what was asked for with what is there now."""
    faults = list(_differing(composed.body, live))
    if live.get("attendees"):
        faults.append("Attendees: somebody was added")
    if _recurrence(composed.body.get("recurrence")) != _recurrence(live.get("recurrence")):
        faults.append("Recurrence")
    if document.get("type") == "seriesMaster":
        faults += _dates(document, live, str(composed.body["subject"]))
    return faults


def _differing(wanted: Document, live: Document) -> Iterable[str]:
    for field, word in _WORDS.items():
        if field in wanted and wanted[field] != live.get(field):
            yield word
    if wanted.get("isReminderOn") and wanted.get("reminderMinutesBeforeStart") != live.get(
        "reminderMinutesBeforeStart"
    ):
        yield "Reminder time"
    for field, word in (("start", "Start"), ("end", "End")):
        if not _same_time(wanted, live, field):
            yield word
    if sorted(wanted.get("categories") or ()) != sorted(live.get("categories") or ()):
        yield "Categories"
    if _places(wanted) != _places(live):
        yield "Place"
    if words_of(wanted.get("body")) != words_of(live.get("body")):
        yield "Text"


def _same_time(wanted: Document, live: Document, field: str) -> bool:
    """Whole days are compared as days: their zone does not count."""
    if wanted.get("isAllDay"):
        return _day(wanted.get(field)) == _day(live.get(field))
    return moment_of(wanted.get(field)) == moment_of(live.get(field))


def _day(value: Any) -> str:
    return str(value.get("dateTime") or "")[:10] if isinstance(value, Mapping) else ""


def _places(document: Document) -> list[str]:
    given = document.get("locations") or [document.get("location")]
    names = [str(place.get("displayName") or "") for place in given if isinstance(place, Mapping)]
    return [name for name in names if name]


def _recurrence(value: Any) -> Any:
    """Keep what counts for the kind of pattern: Exchange fills in the rest."""
    if not isinstance(value, Mapping):
        return None
    pattern, span = value.get("pattern") or {}, value.get("range") or {}
    fields = _BY_PATTERN.get(str(pattern.get("type")), ())
    return (
        pattern.get("type"),
        pattern.get("interval") or 1,
        [_in_order(field, pattern.get(field)) for field in fields],
        span.get("type"),
        str(span.get("startDate"))[:10],
        [span.get(field) for field in _BY_RANGE.get(str(span.get("type")), ())],
    )


def _in_order(field: str, value: Any) -> Any:
    if isinstance(value, list):
        return sorted(str(each).lower() for each in value)
    return "sunday" if field == "firstDayOfWeek" and not value else value


def _dates(document: Document, live: Document, name: str) -> list[str]:
    """Compare the dates of a series that are not as the series says, by their original day."""
    faults = []
    wanted, there = changed_dates(document), changed_dates(live)
    cancelled = cancelled_dates(document) - wanted.keys()
    for day in sorted(cancelled ^ (cancelled_dates(live) - there.keys())):
        faults.append(f"Cancelled date {day}")
    tells: tuple[tuple[str, Callable[[Document], Any]], ...] = (
        ("subject", lambda each: str(each.get("subject") or "")),
        ("start", lambda each: moment_of(each.get("start"))),
        ("end", lambda each: moment_of(each.get("end"))),
        ("place", _places),
    )
    for day in sorted(wanted.keys() | there.keys()):
        if day not in wanted or day not in there:
            faults.append(f"Changed date {day}")
            continue
        expected = wanted[day]
        if expected.get("subject") == document.get("subject"):  # it follows the name that the series was given
            expected = {**expected, "subject": name}
        faults += [f"Changed date {day}: {word}" for word, tell in tells if tell(expected) != tell(there[day])]
    return faults
