"""What leaves in a format is what the provider told, as programs of others read it."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
import vobject
from hypothesis import given, settings
from hypothesis import strategies as st
from ical.calendar_stream import IcsCalendarStream
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from apps.recovery.exports.stored import Parts, document_item
from apps.recovery.formats.contacts import COLUMNS, write_contact
from apps.recovery.formats.events import event_components, write_event
from apps.recovery.formats.item import Attached, Item, NotConvertible
from apps.recovery.formats.moments import zone_of
from apps.recovery.formats.notes import write_note_page, write_note_text, write_setting
from apps.recovery.formats.registry import convert, format_of, formats_of
from apps.recovery.formats.tables import WholeCalendar
from apps.recovery.formats.tasks import task_row, write_task
from apps.vault.api import ContentPart, Role
from apps.vault.errors import BlobMissing

WORDS = st.text(max_size=60)
LINES = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=40)
SERIES: dict[str, Any] = {
    "subject": "Dough, weekly",
    "iCalUId": "040000008200E00074C5B7101A82E008",
    "start": {"dateTime": "2026-03-06T08:00:00.0000000", "timeZone": "UTC"},
    "end": {"dateTime": "2026-03-06T08:30:00.0000000", "timeZone": "UTC"},
    "originalStartTimeZone": "W. Europe Standard Time",
    "recurrence": {
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["friday"], "firstDayOfWeek": "monday"},
        "range": {"type": "endDate", "startDate": "2026-03-06", "endDate": "2026-04-10"},
    },
    "cancelledOccurrences": ["OID.AAMk.2026-03-20"],
    "exceptionOccurrences": [
        {
            "subject": "Dough, moved",
            "originalStart": "2026-04-03T07:00:00Z",
            "start": {"dateTime": "2026-04-04T10:00:00.0000000", "timeZone": "UTC"},
            "end": {"dateTime": "2026-04-04T10:30:00.0000000", "timeZone": "UTC"},
        }
    ],
    "isReminderOn": True,
    "reminderMinutesBeforeStart": 15,
    "organizer": {"emailAddress": {"name": 'Agata "A" Brown', "address": "agata@pizza-perfecto.example"}},
    "attendees": [
        {"type": "optional", "status": {"response": "accepted"},
         "emailAddress": {"name": "Bob Smith; Chef", "address": "bob@pizza-perfecto.example"}},
    ],
    "body": {"contentType": "html", "content": "<p>Flour &amp; water</p><script>alert(1)</script><p>Salt</p>"},
    "showAs": "oof",
}  # fmt: skip


def item(document: dict[str, Any], *files: Attached, name: str = "An item") -> Item:
    return Item("AAMkAD=", name, document, list(files))


def read_calendar(data: bytes) -> Any:
    """Read it with the other implementation (the one of Home Assistant)."""
    return IcsCalendarStream.calendar_from_ics(data.decode())


def occurrences(data: bytes, year: int = 2026) -> list[tuple[datetime, str]]:
    timeline = read_calendar(data).timeline_tz(ZoneInfo("Europe/Berlin"))
    found = timeline.included(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC))
    return [(event.start, event.summary) for event in found]


def test_a_series_keeps_its_hour_over_summer_its_exception_and_its_gap() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    assert occurrences(write_event(item(SERIES))) == [
        (datetime(2026, 3, 6, 9, tzinfo=berlin), "Dough, weekly"),
        (datetime(2026, 3, 13, 9, tzinfo=berlin), "Dough, weekly"),
        (datetime(2026, 3, 27, 9, tzinfo=berlin), "Dough, weekly"),
        (datetime(2026, 4, 4, 12, tzinfo=berlin), "Dough, moved"),
        (datetime(2026, 4, 10, 9, tzinfo=berlin), "Dough, weekly"),
    ]


@pytest.mark.parametrize("midnight", ["2026-04-03T00:00:00Z", "2026-04-02T22:00:00Z"])
def test_a_changed_date_of_whole_days_takes_the_place_of_its_day(midnight: str) -> None:
    def day(text: str) -> dict[str, str]:
        return {"dateTime": f"{text}T00:00:00.0000000", "timeZone": "UTC"}

    moved = {
        "subject": "Moved",
        "originalStart": midnight,
        "start": day("2026-04-04"),
        "end": day("2026-04-05"),
    }
    series = SERIES | {
        "isAllDay": True, "start": day("2026-03-27"), "end": day("2026-03-28"), "cancelledOccurrences": [],
        "exceptionOccurrences": [moved],
    }  # fmt: skip
    assert occurrences(write_event(item(series))) == [
        (date(2026, 3, 27), "Dough, weekly"), (date(2026, 4, 4), "Moved"), (date(2026, 4, 10), "Dough, weekly"),
    ]  # fmt: skip


def test_an_event_tells_who_what_and_when_to_remind() -> None:
    data = write_event(item(SERIES, Attached("plan.pdf", "application/pdf", 3, "files/plan.pdf", b"abc")))
    event = read_calendar(data).events[0]
    assert event.description == "Flour & water\n\nSalt"
    assert (event.organizer.common_name, str(event.organizer.uri)) == (
        "Agata 'A' Brown",
        "mailto:agata@pizza-perfecto.example",
    )
    (bob,) = event.attendees
    assert (bob.common_name, bob.status, bob.role) == ("Bob Smith; Chef", "ACCEPTED", "OPT-PARTICIPANT")
    (alarm,) = event.alarm
    assert alarm.trigger == -timedelta(minutes=15)
    text = data.decode().replace("\r\n ", "")
    assert "TZID:Europe/Berlin" in text and "METHOD" not in text and "BUSYSTATUS:OOF" in text
    assert "FILENAME=plan.pdf" in text and ":YWJj" in text and text.rstrip().endswith("END:VCALENDAR")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"type": "daily", "interval": 120}, [(1, 31), (5, 31), (9, 28)]),
        ({"type": "absoluteMonthly", "interval": 3, "dayOfMonth": 31}, [(1, 31), (4, 30), (7, 31), (10, 31)]),
        (
            {"type": "relativeMonthly", "interval": 4, "daysOfWeek": ["saturday", "sunday"], "index": "last"},
            [(1, 31), (5, 31), (9, 27)],
        ),
        ({"type": "absoluteYearly", "interval": 1, "dayOfMonth": 31, "month": 1}, [(1, 31)]),
        (
            {"type": "relativeYearly", "interval": 1, "daysOfWeek": ["saturday"], "index": "last", "month": 1},
            [(1, 31)],
        ),
    ],
)
def test_every_pattern_of_the_provider_becomes_a_rule(
    pattern: dict[str, Any], expected: list[tuple[int, int]]
) -> None:
    day = {"dateTime": "2026-01-31T00:00:00", "timeZone": "W. Europe Standard Time"}
    end = {"dateTime": "2026-02-01T00:00:00", "timeZone": "W. Europe Standard Time"}
    event = {"subject": "Rent", "isAllDay": True, "start": day, "end": end}
    event["recurrence"] = {"pattern": pattern, "range": {"type": "noEnd", "startDate": "2026-01-31"}}
    found = occurrences(write_event(item(event)))
    assert [start for start, _ in found] == [date(2026, *each) for each in expected]


def test_an_unknown_pattern_is_named_and_an_unknown_zone_counts_as_utc() -> None:
    with pytest.raises(NotConvertible, match="fortnightly"):
        write_event(item(SERIES | {"recurrence": {"pattern": {"type": "fortnightly", "interval": 1}}}))
    odd = {"dateTime": "2026-03-06T08:00:00", "timeZone": "tzone://Microsoft/Custom"}
    (event,) = event_components(item({"subject": "x", "start": odd, "end": odd}))
    assert event.decoded("dtstart") == datetime(2026, 3, 6, 8, tzinfo=ZoneInfo("UTC"))
    assert all(zone_of(name) for name in WINDOWS_TO_OLSON)


def test_a_whole_calendar_names_each_zone_once_and_is_read_whole() -> None:
    gatherer = WholeCalendar(event_components)
    events = [item(SERIES | {"iCalUId": f"uid-{n}"}) for n in range(3)]
    data = b"".join([gatherer.begin(), *(gatherer.add(each) for each in events), gatherer.end()])
    assert data.count(b"BEGIN:VTIMEZONE") == 1
    assert len(occurrences(data)) == 15


CONTACT: dict[str, Any] = {
    "displayName": "Żółć, Anna; Dr.", "givenName": "Anna", "surname": "Żółć", "title": "Dr.",
    "companyName": "Mill; Sons, Ltd.", "department": "Flour", "jobTitle": "Miller",
    "birthday": "1604-02-29T11:59:00Z",
    "emailAddresses": [{"name": "A", "address": "anna@mill.example"}, {"address": "a2@mill.example"}],
    "businessPhones": ["+49 69 1", "+49 69 2"], "mobilePhone": "+49 170 3",
    "homeAddress": {"street": "Mühlweg 1\nHinterhaus", "city": "Mainz", "postalCode": "55116",
                    "countryOrRegion": "DE"},
    "categories": ["Supplier", "Red, really"], "personalNotes": "Likes rye.\nCall before 8.",
    "children": ["Ida"],
}  # fmt: skip


def test_a_contact_is_read_back_by_another_reader() -> None:
    picture = b"\x89PNG\r\n\x1a\n" + b"x" * 20
    data = write_contact(item(CONTACT, Attached("photo", "image/png", 28, data=picture)))
    card = vobject.readOne(data.decode())
    assert (card.version.value, card.fn.value) == ("4.0", "Żółć, Anna; Dr.")
    assert (card.n.value.family, card.n.value.given, card.n.value.prefix) == ("Żółć", "Anna", "Dr.")
    assert card.org.value == ["Mill; Sons, Ltd.", "Flour"] and card.title.value == "Miller"
    assert [mail.value for mail in card.email_list] == ["anna@mill.example", "a2@mill.example"]
    assert [phone.value for phone in card.tel_list] == ["+49 170 3", "+49 69 1", "+49 69 2"]
    assert (card.adr.value.street, card.adr.value.city, card.adr.value.code) == (
        "Mühlweg 1 Hinterhaus", "Mainz", "55116",
    )  # fmt: skip
    assert card.note.value == "Likes rye.\nCall before 8." and card.bday.value == "--0229"
    assert [each.value for each in card.categories_list] == [["Supplier"], ["Red, really"]]
    assert b"PHOTO:data:image/png;base64,iVBOR" in data


def test_a_table_of_contacts_opens_as_rows_and_runs_no_formula() -> None:
    table = format_of("contacts").gathered[1].make()
    rows = [CONTACT, {"displayName": "=HYPERLINK(1)", "companyName": "+1"}]
    data = b"".join([table.begin(), *(table.add(item(row)) for row in rows), table.end()])
    first, second = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
    assert tuple(first) == COLUMNS and first["E-mail 2"] == "a2@mill.example"
    assert first["Home address"] == "Mühlweg 1 Hinterhaus, Mainz, 55116, DE"
    assert second["Name"] == "'=HYPERLINK(1)" and second["Company"] == "'+1"


TASK: dict[str, Any] = {
    "title": "Order flour", "status": "inProgress", "importance": "high",
    "dueDateTime": {"dateTime": "2026-11-20T00:00:00.0000000", "timeZone": "UTC"},
    "recurrence": {"pattern": {"type": "daily", "interval": 2},
                   "range": {"type": "numbered", "numberOfOccurrences": 3}},
    "checklistItems": [{"displayName": "Rye", "isChecked": True}, {"displayName": "Wheat", "isChecked": False}],
    "body": {"contentType": "text", "content": "From the mill."}, "isReminderOn": True,
    "reminderDateTime": {"dateTime": "2026-11-19T08:00:00", "timeZone": "W. Europe Standard Time"},
}  # fmt: skip


def test_a_task_is_read_back_by_another_reader() -> None:
    (todo,) = read_calendar(write_task(item(TASK))).todos
    assert (todo.summary, todo.status, todo.priority) == ("Order flour", "IN-PROCESS", 1)
    assert todo.dtstart == date(2026, 11, 20) and todo.rrule.count == 3
    assert todo.description == "From the mill.\n\n[x] Rye\n[ ] Wheat"
    (plain,) = read_calendar(write_task(item(TASK | {"recurrence": None}))).todos
    assert plain.due == date(2026, 11, 20)
    assert task_row(item(TASK))[:4] == ["Order flour", "In progress", "2026-11-20", ""]


def test_a_note_is_text_and_a_page_on_which_nothing_runs() -> None:
    note = item(
        {"body": {"contentType": "html", "content": "<p onclick=x()>Rye</p><script>x()</script>"}}, name="Mill"
    )
    page = write_note_page(note).decode()
    assert "<p>Rye</p>" in page and "script" not in page and "onclick" not in page
    assert write_note_text(note).decode() == "Mill\n\nRye\n"
    rule = write_setting(
        item({"displayName": "To Anna", "actions": {"stopProcessingRules": True}}, name="Rule: To Anna")
    )
    assert rule.decode() == "Rule: To Anna\n\nDisplay name: To Anna\nActions:\n  Stop processing rules: yes\n"


@settings(max_examples=40, deadline=None)
@given(WORDS, WORDS, st.lists(LINES, max_size=3))
def test_any_text_survives_and_breaks_no_file(subject: str, body: str, categories: list[str]) -> None:
    event = SERIES | {
        "subject": subject,
        "body": {"contentType": "text", "content": body},
        "categories": categories,
    }
    read = read_calendar(write_event(item(event)))
    assert len(read.events) == 2 and read.events[0].summary.split() == _printable(subject).split()
    assert (read.events[0].description or "").split() == _printable(body).split()
    card = vobject.readOne(write_contact(item({"displayName": subject, "personalNotes": body})).decode())
    assert card.fn.value.split() == (_printable(subject).split() or ["No", "name"])


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from([*SERIES, *CONTACT, *TASK]), st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS, lambda inner: st.lists(inner, max_size=2) |
    st.dictionaries(st.sampled_from(["dateTime", "timeZone", "pattern", "range", "type", "content"]), inner,
    max_size=3),
    max_leaves=6)))  # fmt: skip
def test_whatever_a_document_holds_it_is_written_or_refused_by_name(document: dict[str, Any]) -> None:
    for kind in ("calendars", "contacts", "tasks", "notes", "settings"):
        (usual,) = formats_of(kind)
        for form in usual.forms:
            assert form.write is not None
            try:
                assert isinstance(form.write(item(document)), bytes)
            except NotConvertible:
                continue


def _printable(text: str) -> str:
    return re.sub("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]", "", text)


def test_a_list_that_is_too_short_is_refused_by_name() -> None:
    def write(_: Item) -> bytes:
        raise IndexError("list index out of range")

    with pytest.raises(NotConvertible):
        convert(write, Item("id", "Short", {}))


def test_a_damaged_small_file_does_not_take_its_document_with_it() -> None:
    class Reader:
        def read(self, _: ContentPart) -> bytes:
            raise BlobMissing("gone", blob_id=b"x" * 32)

    files = (ContentPart(role=Role.ATTACHMENT, size=3, blobs=(b"x" * 32,)),)
    parts = Parts(ContentPart(role=Role.PROPS, size=2, blobs=(b"y" * 32,)), files)
    node: Any = SimpleNamespace(remote_id="id", name="Party")
    item = document_item(cast(Any, Reader()), node, parts, b'{"attachments":[{"name":"a.txt","part":0}]}')
    assert [(file.name, file.data) for file in item.files] == [("a.txt", None)]
