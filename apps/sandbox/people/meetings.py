"""People's calendars: weekly rounds with a moved and a cancelled date, days off, meetings with files."""

from collections import Counter
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from ..calendar.series import days_of, local
from ..cloud import Cloud
from ..graph.calendars import DEFAULT
from ..graph.events import new_event
from ..state import things
from ..state.clock import stamp
from ..state.mailboxes import Mailbox
from ..state.things import Folder, Thing
from .papers import pdf

ZONES = {"de": "W. Europe Standard Time", "it": "W. Europe Standard Time", "en": "GMT Standard Time"}
TITLES = ("Menu tasting", "Supplier call", "Oven maintenance", "Price review", "Shop visit", "Übergabe Filiale")
PLACES = ("Kitchen 2", "Tasting room", "Head office", "Piazza Milano 3")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")

Document = dict[str, Any]
People = list[tuple[str, str]]


def seed_calendar(cloud: Cloud, box: Mailbox, person: tuple[str, str], others: People, today: datetime) -> int:
    """Fill one mailbox; returns how many events there are. The same for the same person and day."""
    random = Random(f"calendar-{person[1]}-{today:%Y-%m-%d}")
    zone = ZONES.get(box.language[:2], "GMT Standard Time")
    own = things.folder_by_well_known(cloud.db, box.id, "events", DEFAULT)
    if own is None:
        return 0
    _weekly(cloud, own, random, zone, others, today)
    _meeting_with_files(cloud, own, random, zone, others, today)
    _invited(cloud, own, random, zone, person, others, today)
    off = today.date() + timedelta(days=random.randint(10, 40))
    _add(cloud, own, today, {"subject": "Day off", "isAllDay": True, "showAs": "oof", **_all_day(off, 2, zone)})
    for _ in range(3):
        day = today.date() + timedelta(days=random.randint(-60, 30))
        _add(cloud, own, today, _plain(random, day, zone))
    shops = _second_calendar(cloud, box)
    rent = _series(
        date(today.year, 1, 31), zone, 8, 30, {"type": "absoluteMonthly", "interval": 1, "dayOfMonth": 31}
    )
    rent["recurrence"]["range"] |= {"type": "numbered", "numberOfOccurrences": 24}
    _add(cloud, shops, today, {"subject": "Pay the rent", "sensitivity": "private", **rent})
    if others:
        _shared_by(cloud, box, others[0])
    return len(things.every(cloud.db, box.id, "events"))


def _add(cloud: Cloud, folder: Folder, today: datetime, doc: Document) -> Thing:
    return new_event(cloud.db, folder, doc, stamp(today))


def _times(day: date, hour: int, minute: int, length: int, zone: str) -> Document:
    start = datetime.combine(day, time(hour, minute))
    end = start + timedelta(minutes=length)
    return {
        "start": {"dateTime": start.isoformat(), "timeZone": zone},
        "end": {"dateTime": end.isoformat(), "timeZone": zone},
    }


def _all_day(day: date, days: int, zone: str) -> Document:
    return {
        "start": {"dateTime": f"{day}T00:00:00", "timeZone": zone},
        "end": {"dateTime": f"{day + timedelta(days=days)}T00:00:00", "timeZone": zone},
    }


def _guest(person: tuple[str, str], answer: str = "accepted") -> Document:
    return {
        "type": "required",
        "status": {"response": answer, "time": "2026-02-01T09:00:00Z"},
        "emailAddress": {"name": person[0], "address": person[1]},
    }


def _plain(random: Random, day: date, zone: str) -> Document:
    title, place = random.choice(TITLES), random.choice(PLACES)
    return {
        "subject": title,
        "body": {"contentType": "text", "content": f"{title}: see you there."},
        "location": {"displayName": place},
        "categories": random.choice(([], ["Blue category"])),
        "reminderMinutesBeforeStart": random.choice((0, 15, 30)),
        **_times(day, random.randint(8, 17), random.choice((0, 30)), random.choice((30, 60, 90)), zone),
    }


def _series(day: date, zone: str, hour: int, minute: int, pattern: Document) -> Document:
    span = {"type": "noEnd", "startDate": day.isoformat(), "recurrenceTimeZone": zone, "numberOfOccurrences": 0}
    return {**_times(day, hour, minute, 30, zone), "recurrence": {"pattern": pattern, "range": span}}


def _weekly(cloud: Cloud, folder: Folder, random: Random, zone: str, others: People, today: datetime) -> None:
    """Half a year, over both changes of the clock; one date moved, one renamed with a file, one cancelled."""
    first = today.date() - timedelta(days=98)
    pattern: Document = {
        "type": "weekly",
        "interval": 1,
        "daysOfWeek": [DAYS[first.weekday() % 5]],
        "firstDayOfWeek": "monday",
    }
    first += timedelta(days=(DAYS.index(pattern["daysOfWeek"][0]) - first.weekday()) % 7)
    doc = {"subject": "Weekly round", **_series(first, zone, 9, 30, pattern)}
    last = first + timedelta(weeks=30)
    doc["recurrence"]["range"] |= {"type": "endDate", "endDate": last.isoformat()}
    doc["attendees"] = [_guest(each) for each in others[:3]]
    moved, renamed, cancelled = random.sample(sorted(days_of(doc))[2:-2], 3)
    doc["exceptions"] = {
        moved.isoformat(): _times(moved + timedelta(days=1), 14, 0, 45, zone),
        renamed.isoformat(): {"subject": "Weekly round: prices", "location": {"displayName": "Head office"}},
    }
    doc["cancelled"] = [cancelled.isoformat()]
    thing = _add(cloud, folder, today, doc)
    file = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "prices.csv", "contentType": "text/csv"}
    things.add_file(cloud.db, thing, file, b"cheese;9.90\n", stamp(today), role=f"date {renamed}")


def _meeting_with_files(
    cloud: Cloud, folder: Folder, random: Random, zone: str, others: People, today: datetime
) -> None:
    day = today.date() + timedelta(days=random.randint(1, 20))
    html = "<html><body><p>Agenda is <b>attached</b>.</p></body></html>"
    doc = {
        "subject": "Budget talk",
        "importance": "high",
        "body": {"contentType": "html", "content": html},
        "attendees": [_guest(each, "tentativelyAccepted") for each in others[:2]],
        "isOnlineMeeting": True,
        "onlineMeetingProvider": "teamsForBusiness",
        "onlineMeeting": {"joinUrl": "https://teams.example/join/1"},
        **_times(day, 11, 0, 60, zone),
    }
    thing = _add(cloud, folder, today, doc)
    file = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": "Agenda.pdf",
        "contentType": "application/pdf",
    }
    agenda = pdf(["Agenda: Budget talk", "1. What was spent", "2. What is missing"], 0, random)
    things.add_file(cloud.db, thing, file, agenda, stamp(today))


def _invited(
    cloud: Cloud,
    folder: Folder,
    random: Random,
    zone: str,
    person: tuple[str, str],
    others: People,
    today: datetime,
) -> None:
    if not others:
        return
    host, day = others[-1], today.date() + timedelta(days=random.randint(2, 15))
    doc = {
        "subject": f"Talk with {host[0]}",
        "organizer": {"emailAddress": {"name": host[0], "address": host[1]}},
        "isOrganizer": False,
        "responseStatus": {"response": "accepted", "time": stamp(today)},
        "attendees": [_guest(person)],
        **_times(day, 16, 0, 30, zone),
    }
    _add(cloud, folder, today, doc)


def _second_calendar(cloud: Cloud, box: Mailbox) -> Folder:
    group = things.add_folder(cloud.db, box.id, "calendargroups", "Shops")
    return things.add_folder(
        cloud.db, box.id, "events", "Shop dates", doc={"group": group.id, "color": "lightGreen"}
    )


def _shared_by(cloud: Cloud, box: Mailbox, other: tuple[str, str]) -> None:
    """A colleague's calendar, shown beside the person's own ones."""
    group = things.add_folder(cloud.db, box.id, "calendargroups", "People's calendars")
    owner = {"name": other[0], "address": other[1]}
    doc = {"group": group.id, "owner": owner, "canEdit": False, "canShare": False}
    things.add_folder(cloud.db, box.id, "events", other[0], doc=doc)


def plan_day(cloud: Cloud, box: Mailbox, random: Random, today: datetime, done: Counter[str]) -> None:
    """Something happens in the calendar on most days."""
    own = things.folder_by_well_known(cloud.db, box.id, "events", DEFAULT)
    if own is None:
        return
    now, found = stamp(today), things.listed(cloud.db, own)
    single = [each for each in found if not each.doc.get("recurrence") and not each.doc.get("isAllDay")]
    series = [each for each in found if each.doc.get("recurrence")]
    if random.random() < 0.6:
        zone = ZONES.get(box.language[:2], "GMT Standard Time")
        _add(cloud, own, today, _plain(random, today.date() + timedelta(days=random.randint(1, 30)), zone))
        done["event created"] += 1
    if single and random.random() < 0.4:
        thing = random.choice(single)
        later = {
            name: {**thing.doc[name], "dateTime": (local(thing.doc[name]) + timedelta(hours=1)).isoformat()}
            for name in ("start", "end")
        }
        things.change(cloud.db, thing, {**thing.doc, **later}, now)
        done["event moved"] += 1
    if series and random.random() < 0.3:
        thing = random.choice(series)
        coming = [day for day in days_of(thing.doc) if day > today.date()]
        free = [day.isoformat() for day in coming if day.isoformat() not in (thing.doc.get("exceptions") or {})]
        if free:
            cancelled = sorted([*(thing.doc.get("cancelled") or ()), random.choice(free)])
            things.change(cloud.db, thing, {**thing.doc, "cancelled": cancelled}, now)
            done["date of a series cancelled"] += 1
    if len(single) > 5 and random.random() < 0.3:
        things.remove(cloud.db, random.choice(single))
        done["event deleted"] += 1
