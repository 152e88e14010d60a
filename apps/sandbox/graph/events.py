"""Events: single ones, series, and the dates of a series, which are changed and cancelled one by one.

Whoever names attendees has Exchange send mail to them: it is kept in `notices`, so that a test can tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson

from ..calendar.series import Occurrence, between, crosses_neighbour, days_of, moment, occurrence
from ..state import ids
from ..state import things as rows
from ..state.clock import parse
from ..state.ids import guid
from ..state.mailboxes import Mailbox
from ..state.things import Folder, Thing
from . import errors, event_shape, things
from .calendars import KIND, default_calendar, find_calendar
from .delta import answer_round, open_round, repeat_last
from .event_show import event_id, role_of, show, show_date
from .folders import decoded
from .request import Request, Response, no_content
from .things import Document, Kind

LONGEST_WINDOW_DAYS = 1825


@dataclass(frozen=True, slots=True)
class Found:
    """An event, or one date of a series."""

    thing: Thing
    one: Occurrence | None = None

    @property
    def role(self) -> str:
        return role_of(self.one)


def find(request: Request, box: Mailbox, text: str) -> Found:
    """Raises GraphError."""
    item = decoded(box, text, ids.THING)
    thing = rows.by_key(request.cloud.db, box.id, KIND.word, item.key)
    if thing is None:
        raise errors.not_found()
    if not item.version:
        return Found(thing)
    day = date.fromordinal(item.version)
    if not thing.doc.get("recurrence") or all(each != day for each in _upto(thing.doc, day)):
        raise errors.not_found()
    return Found(thing, occurrence(thing.doc, day))


def _upto(doc: Document, day: date) -> list[date]:
    found = []
    for each in days_of(doc):
        if each > day:
            break
        found.append(each)
    return found


# -- reading -------------------------------------------------------------------------------------------------


def list_all(request: Request, box: Mailbox) -> Response:
    """Those of the default calendar."""
    return things.list_things(request, box, KIND, default_calendar(request, box), "events")


def list_in_calendar(request: Request, box: Mailbox, name: str) -> Response:
    return things.list_things(request, box, KIND, find_calendar(request, box, name), "events")


def _tells_exceptions(request: Request) -> bool:
    expand = request.query.get("$expand", "").lower()
    return "exceptionoccurrences" in expand and not request.cloud.switches.hide_changed_dates


def _shown(request: Request, box: Mailbox, found: Found) -> Document:
    if found.one is not None:
        return show_date(request, box, found.thing, found.one)
    item = things.shown(request, box, KIND, found.thing)
    doc = found.thing.doc
    if doc.get("recurrence") and _tells_exceptions(request):
        item["exceptionOccurrences"] = [
            show_date(request, box, found.thing, occurrence(doc, date.fromisoformat(day)))
            for day in sorted(doc.get("exceptions") or ())
        ]
    if doc.get("recurrence") and "cancelledoccurrences" in request.query.get("$select", "").lower():
        prefix = f"OID.{event_id(box, found.thing.id)}"
        item["cancelledOccurrences"] = [f"{prefix}.{day}" for day in sorted(doc.get("cancelled") or ())]
    return item


def answer(request: Request, box: Mailbox, found: Found, status: int = 200) -> Response:
    item = _shown(request, box, found)
    extra = {"singleValueExtendedProperties", "extensions", "exceptionOccurrences"} & item.keys()
    item = things.narrowed(item, request.query.get("$select")) | {key: item[key] for key in extra}
    where = things.context(request, box, "events/$entity")
    return Response({"@odata.context": where, **item}, status=status)


def get_event(request: Request, box: Mailbox, text: str) -> Response:
    return answer(request, box, find(request, box, text))


def get_calendar_of(request: Request, box: Mailbox, text: str) -> Response:
    folder = rows.folder_by_key(request.cloud.db, box.id, KIND.word, find(request, box, text).thing.folder)
    if folder is None:
        raise errors.not_found()
    item = things.narrowed(KIND.show_folder(request, box, folder), request.query.get("$select"))
    return Response({"@odata.context": things.context(request, box, "calendars/$entity"), **item})


def _window(request: Request) -> tuple[datetime, datetime]:
    try:
        since, until = (parse(request.query[name]) for name in ("startdatetime", "enddatetime"))
    except (KeyError, ValueError) as error:
        text = "This request requires a time window specified by the query string parameters."
        raise errors.bad_request(text, "ErrorInvalidParameter") from error
    if (until - since).days > LONGEST_WINDOW_DAYS:
        raise errors.bad_request("The requested time window is too long.", "ErrorCalendarRangeExceeded")
    return since, until


def list_instances(request: Request, box: Mailbox, text: str) -> Response:
    thing = find(request, box, text).thing
    since, until = _window(request)
    shown = [show_date(request, box, thing, one) for one in _instances(thing, since, until)]
    return things.list_answer(request, box, shown, "events")


def _instances(thing: Thing, since: datetime, until: datetime) -> list[Occurrence]:
    return between(thing.doc, since, until) if thing.doc.get("recurrence") else []


def calendar_view(request: Request, box: Mailbox, name: str | None = None) -> Response:
    """Single events, occurrences and exceptions that touch the window; no series."""
    folder = default_calendar(request, box) if name is None else find_calendar(request, box, name)
    shown = [each for thing in rows.listed(request.cloud.db, folder) for each in _in_view(request, box, thing)]
    return things.list_answer(request, box, shown, "calendarView")


def _in_view(request: Request, box: Mailbox, thing: Thing) -> list[Document]:
    since, until = _window(request)
    if thing.doc.get("recurrence"):
        return [show_date(request, box, thing, one) for one in between(thing.doc, since, until)]
    all_day = bool(thing.doc.get("isAllDay"))
    begins, ends = (moment(thing.doc[name], all_day=all_day) for name in ("start", "end"))
    return [show(request, box, thing)] if begins < until and ends > since else []


# -- changes -------------------------------------------------------------------------------------------------


def _little(request: Request, box: Mailbox, thing: Thing) -> Document:
    """What the list of changes tells of an event: the rest is to be asked for."""
    item = show(request, box, thing)
    return {name: item[name] for name in ("@odata.etag", "id", "type", "start", "end")}


_CHANGES = Kind("events", "microsoft.graph.event", "calendars", "events", _little, KIND.show_folder)


def event_delta(request: Request, box: Mailbox, name: str) -> Response:
    """Single events and series of one calendar. The window is demanded, and not heeded."""
    return things.thing_delta(request, box, _CHANGES, find_calendar(request, box, name))


def view_delta(request: Request, box: Mailbox, name: str | None = None) -> Response:
    """Changes within a fixed window: dates of a series one by one; a series that went is named by itself."""
    folder = default_calendar(request, box) if name is None else find_calendar(request, box, name)
    state = open_round(request, box, f"{box.id}/view/{folder.id}")
    window = state.setdefault(
        "window", [request.query.get("startdatetime", ""), request.query.get("enddatetime", "")]
    )
    request.query = {**request.query, "startdatetime": window[0], "enddatetime": window[1]}
    size = request.preferred_page_size() or things.DELTA_PAGE
    found = rows.changes(
        request.cloud.db, folder, state["at"], state["upto"], size + 1, removals=bool(state["since"])
    )
    more, found = len(found) > size, found[:size]
    state["at"] = found[-1][0] if more else state["upto"]
    items: list[Document] = []
    for _, each in found:
        if isinstance(each, Thing):
            items += _in_view(request, box, each)
        else:
            items.append({"id": things.thing_id(box, each), "@removed": {"reason": "deleted"}})
    items = [{"@odata.type": "#microsoft.graph.event", **item} for item in items]
    repeat_last(request, state, items, more=more)
    return answer_round(request, state, items, "Collection(event)", more=more)


# -- writing -------------------------------------------------------------------------------------------------


def create_event(request: Request, box: Mailbox, name: str | None = None) -> Response:
    folder = default_calendar(request, box) if name is None else find_calendar(request, box, name)
    wanted = event_shape.event(request.json())
    event_shape.check_times(wanted)
    db, now = request.cloud.db, request.cloud.clock.stamp()
    doc = {key: value for key, value in wanted.items() if key != "singleValueExtendedProperties"}
    with db.transaction():
        thing = new_event(request.cloud.db, folder, doc, now)
        things.set_values(request, thing, wanted.get("singleValueExtendedProperties"))
        notify(request, box, "invitation", thing.doc, thing.doc.get("attendees") or ())
    return answer(request, box, Found(thing), 201)


def new_event(db: Any, folder: Folder, doc: Document, now: str) -> Thing:
    begins = doc["start"]["dateTime"]
    number = db.one("SELECT COUNT(*) FROM things WHERE mailbox = ?", (folder.mailbox,))[0]
    named = guid("event", folder.mailbox, number, now, doc.get("subject"), begins)
    uid = f"040000008200E00074C5B7101A82E008{named.replace('-', '').upper()}"
    if doc.get("recurrence"):
        doc = {**doc, "recurrence": _filled_in(doc)}
    return rows.add(db, folder, {"iCalUId": uid, **doc}, now)


def _filled_in(doc: Document) -> Document:
    """What Exchange adds to a recurrence: the zone in which its dates are."""
    zone = {"recurrenceTimeZone": doc["start"]["timeZone"]}
    return {**doc["recurrence"], "range": {**zone, **doc["recurrence"]["range"]}}


def update_event(request: Request, box: Mailbox, text: str) -> Response:
    found, wanted = find(request, box, text), event_shape.event(request.json())
    values = wanted.pop("singleValueExtendedProperties", None)
    db, now = request.cloud.db, request.cloud.clock.stamp()
    if "location" in wanted and "locations" not in wanted:
        wanted["locations"] = []
    with db.transaction():
        if found.one is None:
            doc = found.thing.doc | wanted
            if wanted.keys() & {"recurrence", "start", "end"} and doc.get("recurrence"):
                doc |= {"exceptions": {}, "cancelled": []}
            event_shape.check_times(doc)
        else:
            doc = _changed_date(request, found, wanted, now)
        if values:
            things.set_values(request, found.thing, values)
        thing = rows.change(db, found.thing, doc, now)
        if wanted:
            guests = (wanted.get("attendees") or []) + (found.thing.doc.get("attendees") or [])
            notify(request, box, "update", doc, guests)
    one = occurrence(thing.doc, found.one.day) if found.one else None
    return answer(request, box, Found(thing, one))


def _changed_date(request: Request, found: Found, wanted: Document, now: str) -> Document:
    """An occurrence becomes an exception: it takes over the files of the series as its own."""
    one, series = found.one, found.thing.doc
    if one is None or wanted.get("recurrence"):
        raise errors.bad_request("One date of a series has no recurrence.", "ErrorInvalidRequest")
    changes = {**(one.changes or {}), **wanted}
    whole = {**series, "recurrence": None, "start": one.start, "end": one.end, **changes}
    event_shape.check_times(whole)
    if "start" in wanted and crosses_neighbour(series, one.day, wanted["start"]):
        text = "The occurrence cannot be moved past or onto another one of its series."
        raise errors.bad_request(text, "ErrorOccurrenceCrossingBoundary")
    if one.changes is None:
        for file in rows.files(request.cloud.db, found.thing):
            rows.add_file(request.cloud.db, found.thing, file.doc, file.data, now, role=f"date {one.day}")
    return {**series, "exceptions": {**(series.get("exceptions") or {}), one.day.isoformat(): changes}}


def delete_event(request: Request, box: Mailbox, text: str) -> Response:
    found = find(request, box, text)
    db, doc = request.cloud.db, found.thing.doc
    with db.transaction():
        if doc.get("isOrganizer", True) and not doc.get("isDraft"):
            notify(request, box, "cancellation", doc, doc.get("attendees") or ())
        if found.one is None:
            rows.remove(db, found.thing)
            return no_content()
        day, now = found.one.day.isoformat(), request.cloud.clock.stamp()
        for file in rows.files(db, found.thing, f"date {day}"):
            rows.remove_file(db, found.thing, file.number, now)
        exceptions = {key: each for key, each in (doc.get("exceptions") or {}).items() if key != day}
        cancelled = sorted({*(doc.get("cancelled") or ()), day})
        rows.change(db, found.thing, {**doc, "exceptions": exceptions, "cancelled": cancelled}, now)
    return no_content()


def notify(request: Request, box: Mailbox, kind: str, doc: Document, guests: Sequence[Document]) -> None:
    """Keep what Exchange would send, to whom."""
    people = sorted({str(each["emailAddress"].get("address")) for each in guests})
    if people and not doc.get("isDraft"):
        sql = "INSERT INTO notices (mailbox, kind, subject, people) VALUES (?, ?, ?, ?)"
        request.cloud.db.execute(sql, (box.id, kind, doc.get("subject") or "", orjson.dumps(people).decode()))
